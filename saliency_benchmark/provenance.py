"""Which code made an artifact: a digest that changes when that code does, and only then."""

import ast
import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from saliency_benchmark import files

ROOT = Path(__file__).parent.parent
LIBRARY = Path(__file__).parent
# Another Python may dump another tree.
FORM = f"1, Python {sys.version_info.major}.{sys.version_info.minor}"

# What was found in files, by the digest of their bytes: parsing them is most of what a digest costs.
_noted: dict[str, dict] = {}
_used: set[str] = set()


@cache
def code_digest(script: str, *entries: Path) -> str:
    """Digest of SCRIPT, of the registry ENTRIES that it loads by name, and of all that they import from here.

    Behind it stand the versions of the packages that this code imports: another version may give another result.
    Comments, docstrings and layout do not count, so reformatting a file makes nothing out of date.
    """
    paths = closure([ROOT / "workflow_scripts" / script, *entries])
    digest = sha256("".join(sorted(_meaning(path) for path in paths)).encode()).hexdigest()[:12]
    packages = sorted({package for path in paths for package in _packages(path)})
    return " ".join([digest, *(f"{package}={version(package)}" for package in packages)])


def recall(notes: Path) -> None:
    """Take from NOTES what an earlier process found in files; none where they are of another form."""
    _noted.update(_told(notes))


def note(notes: Path) -> None:
    """Write what this process found, or took from there and used, into NOTES. Where it cannot, the next one parses."""
    if not _used - _told(notes).keys():
        return
    try:
        notes.parent.mkdir(parents=True, exist_ok=True)
        new = files.Atomic(notes)
        new.part.write_text(json.dumps({"form": FORM, "files": {key: _noted[key] for key in sorted(_used)}}))
        new.commit()
    except OSError:
        return


def _told(notes: Path) -> dict[str, dict]:
    try:
        told = json.loads(notes.read_text())
        return told["files"] if told["form"] == FORM else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def meanings(*paths: Path) -> dict[str, str]:
    """What each file that PATHS reach says to Python, as a digest, by its name below this repository."""
    found = sorted(closure(paths))
    names = [path.relative_to(ROOT) if path.is_relative_to(ROOT) else path for path in found]
    return {name.as_posix(): short_meaning(path) for name, path in zip(names, found, strict=True)}


def short_meaning(path: Path) -> str:
    """A digest of what the file PATH says to Python; empty where there is no such file, or none that can be read."""
    try:
        return _meaning(path)[:16]
    except (OSError, SyntaxError, ValueError):
        return ""


def closure(queue: Iterable[Path]) -> set[Path]:
    """All files of this repository, or beside the entries, that the files in QUEUE reach by importing."""
    found: set[Path] = set()
    queue = [Path(path) for path in queue]
    while queue:
        path = queue.pop()
        if path not in found:
            found.add(path)
            queue += _local_imports(path)
    return found


@cache
def version(package: str) -> str:
    """Version of the distribution that brings the module PACKAGE, without a build's suffix such as +cpu."""
    names = {"PIL": "pillow", "yaml": "PyYAML", "skimage": "scikit-image"}
    try:
        return metadata.version(names.get(package, package)).partition("+")[0]
    except metadata.PackageNotFoundError:
        return "not installed"


def constant(path: Path, name: str, default: object = None) -> object:
    """The literal that the file PATH assigns to NAME at its top level, read without importing it."""
    for node in _tree(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return ast.literal_eval(node.value)
    return default


def defines(path: Path, name: str) -> bool:
    """Does the file PATH define, import or assign NAME at its top level?"""
    found: set[str] = set()
    for node in _tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return bool(found & {name, "*"})


def options(path: Path, function: str, every: bool = False) -> dict[str, bool] | None:
    """The parameters of FUNCTION in PATH that can be options, and whether each has a default.

    EVERY: those that may be given by place and have no default count too. None where they cannot be told: the function
    is defined elsewhere, or takes any keyword.
    """
    for node in _tree(path).body:
        if isinstance(node, ast.FunctionDef) and node.name == function and node.args.kwarg is None:
            first = len(node.args.args) - len(node.args.defaults)
            usual = {argument.arg: place >= first for place, argument in enumerate(node.args.args)}
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            named = {argument.arg: default is not None for argument, default in pairs}
            return {name: default for name, default in usual.items() if default or every} | named
    return None


def defaults(path: Path, function: str) -> dict[str, object]:
    """The keyword-only parameters of FUNCTION in PATH whose default is a literal, with it."""
    for node in _tree(path).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            return {name.arg: value.value for name, value in pairs if isinstance(value, ast.Constant)}
    return {}


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def _found(path: Path) -> dict:
    """What the file PATH says to Python, as a digest; what it imports; where its data is."""
    content = path.read_bytes()
    key = sha256(content).hexdigest()
    _used.add(key)
    if key not in _noted:
        tree = ast.parse(content, str(path))
        told = {"imports": list(_imports(tree)), "data": constant(path, "DATA")}
        _noted[key] = told | {"meaning": sha256(_dump(tree).encode()).hexdigest()}
    return _noted[key]


@cache
def _meaning(path: Path) -> str:
    """A digest of what the file says to Python; other files are taken byte by byte."""
    return _found(path)["meaning"] if path.suffix == ".py" else sha256(path.read_bytes()).hexdigest()


def _dump(tree: ast.Module) -> str:
    """TREE in words, without docstrings; they are taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return ast.dump(tree)


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            yield from (prefix, *(f"{prefix}{'.' if node.module else ''}{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def _local_imports(path: Path) -> list[Path]:
    told = _found(path) if path.suffix == ".py" else {"imports": (), "data": None}
    found = [file for name in told["imports"] for file in _files(path, name)]
    # A template read by a module lies beside it under the same name; data that ships with it lies in its DATA folder.
    found += path.parent.glob(f"{path.stem}.*.j2")
    return found + (sorted((ROOT / told["data"]).glob("*.gz")) if told["data"] else [])


def _files(path: Path, name: str) -> Iterator[Path]:
    """The files that the import NAME in PATH can mean here: in this repository, or beside an outside entry."""
    dots = len(name) - len(name.lstrip("."))
    roots = [path.parents[dots - 1]] if dots else [ROOT, *(() if path.is_relative_to(ROOT) else path.parents[:3])]
    for root in roots:
        stem = root / name.lstrip(".").replace(".", "/")
        yield from filter(Path.is_file, (stem.with_suffix(".py"), stem / "__init__.py"))


@cache
def _packages(path: Path) -> set[str]:
    imports = _found(path)["imports"] if path.suffix == ".py" else ()
    top = {name.partition(".")[0] for name in imports if not name.startswith(".")}
    outside = {name for name in top if name not in sys.stdlib_module_names and name != LIBRARY.name}
    return {name for name in outside if not any(_files(path, name))}
