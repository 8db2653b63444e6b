"""A folder is a registry: every file in it is one entry, named after the file. An entry may also live elsewhere."""

import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from saliency_benchmark.provenance import LIBRARY

# The function that an entry of each registry must have.
FUNCTIONS = {
    "datasets": "load",
    "methods": "attribute",
    "metrics": "score",
    "models": "build",
    "probes": "probe",
    "recipes": "loss",
    "shifts": "shift",
}
# The options of a registry's entries that name another entry, and its options: of which registry, and theirs.
BASES = {
    "datasets": ("datasets", "of", "of_options"),
    "methods": ("methods", "base", "base_options"),
    "recipes": ("methods", "saliency", "saliency_options"),
}


@cache
def names(kind: str) -> list[str]:
    return sorted(path.stem for path in (LIBRARY / kind).glob("*.py") if path.stem != "__init__")


def file(kind: str, label: str, entry: dict) -> Path:
    """The file behind the settings' ENTRY called LABEL: its `call`, its `file`, or the file of its own name.

    Raises ValueError where there is none, with the nearest names.
    """
    if "call" in entry:
        return _outside(f"{kind}: {label}", entry["call"].partition(":")[0])
    name = entry.get("file", label)
    if name not in names(kind):
        near = get_close_matches(name, names(kind), 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"no {name!r} in {kind}/{hint}; it holds: {', '.join(names(kind))}")
    return LIBRARY / kind / f"{name}.py"


def files(kind: str, label: str, entry: dict) -> list[Path]:
    """All registry files that ENTRY names: its own, and those of what it is based on."""
    below = base(kind, entry)
    return [file(kind, label, entry), *(files(*below) if below else [])]


def base(kind: str, entry: dict) -> tuple[str, str, dict] | None:
    """What ENTRY is based on, trains with or is made of: registry, name and entry; None where it names nothing.

    Raises ValueError where what it names is no name, or has no options by name.
    """
    of, option, more = BASES.get(kind, ("", "", ""))
    options = entry.get("options", {})
    name, others = options.get(option), options.get(more) or {}
    if not name:
        return None
    if not isinstance(name, str) or not isinstance(others, dict):
        raise ValueError(f"{option} is {name!r} and {more} {others!r}; wanted: a name in {of}/, and options by name")
    return of, name, {"options": others}


def load(kind: str, label: str, entry: dict) -> ModuleType:
    """The module of ENTRY. Where `call` names a function, the module answers to the registry's own name for it."""
    path = file(kind, label, entry)
    if "call" not in entry:
        return import_module(f"{LIBRARY.name}.{kind}.{path.stem}")
    module_name, _, function = entry["call"].partition(":")
    module = import_module(module_name)
    outside = ModuleType(f"{module_name}.{function}")
    outside.__dict__.update(vars(module))
    setattr(outside, FUNCTIONS[kind], _attribute(f"{kind}: {label}", module, function))
    return outside


def _attribute(place: str, module: ModuleType, name: str) -> Callable:
    """What NAME, dotted or not, is in MODULE: a function, or a class's way to make one of it."""
    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise ValueError(f"{place}: {module.__name__} has no {name!r}, as {part!r} is not in it")
        found = getattr(found, part)
    return found


def _outside(place: str, module: str) -> Path:
    """File of an importable MODULE; the working directory counts, as it does for `python -m`."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or not spec.origin:
        raise ValueError(f"{place}: module {module!r} cannot be imported; put its folder on PYTHONPATH")
    return Path(spec.origin)
