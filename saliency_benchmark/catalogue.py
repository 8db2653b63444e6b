"""What the registries hold, read from their files without running them: one row per entry."""

import ast
from collections.abc import Iterator
from pathlib import Path

from saliency_benchmark import design, provenance, registry

# What is told of an entry beside its name, what it is, and its options: a heading and the constant in its file.
TOLD = {
    "methods": {"group": "GROUP"},
    "metrics": {"family": "FAMILY", "better": "HIGHER_IS_BETTER", "sign": "SIGN", "reads": "PROBE", "score": "OUTPUT"},
}
WORDS = {"True": "higher", "False": "lower"}


def table(kind: str) -> str:
    """Entries of the registry KIND as a Markdown table: name, what its file declares, what it is, options and defaults.

    Ordered by what is declared first (group, family), then by name.
    """
    told = TOLD.get(kind, {})
    head = ["name", *told, "what", "options"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    rows = sorted(_rows(kind, list(told.values())), key=lambda row: (row[1] if told else "", row[0]))
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _rows(kind: str, constants: list[str]) -> Iterator[list[str]]:
    for name in registry.names(kind):
        path = registry.file(kind, name, {})
        tree = ast.parse(path.read_text())
        what = (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ").rstrip(".")
        declared = [_declared(path, constant) for constant in constants]
        yield [f"`{name}`", *declared, what, ", ".join(_options(kind, tree))]


def _declared(path: Path, constant: str) -> str:
    """What the file says of itself, or what it means by saying nothing."""
    judging = provenance.constant(path, "PROBE") and provenance.constant(path, "FAMILY") == "faithfulness"
    defaults = {"PROBE": "maps", "OUTPUT": "probability" if judging else ""}
    value = str(provenance.constant(path, constant, defaults.get(constant, "")))
    return WORDS.get(value, value)


def _options(kind: str, tree: ast.Module) -> Iterator[str]:
    handed = design.TOLD_TO_MODELS if kind == "models" else design.PROVIDED
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == registry.FUNCTIONS[kind]:
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            for argument, default in pairs:
                if argument.arg not in handed:
                    yield f"`{argument.arg}{'' if default is None else ': ' + ast.unparse(default)}`"
