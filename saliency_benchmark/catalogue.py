"""What the registries hold, read from their files without running them: one row per entry."""

import ast
from collections.abc import Iterator

from saliency_benchmark import design, provenance, registry


def table(kind: str) -> str:
    """Entries of the registry KIND as a Markdown table: name, group, what it is, options with their defaults."""
    grouped = kind == "methods"
    head = ["name", *(["group"] if grouped else []), "what", "options"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    rows = sorted(_rows(kind), key=lambda row: (row[1], row[0]))
    shown = ([name, *([group] if grouped else []), what, options] for name, group, what, options in rows)
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in shown]
    return "\n".join(lines) + "\n"


def _rows(kind: str) -> Iterator[tuple[str, str, str, str]]:
    for name in registry.names(kind):
        path = registry.file(kind, name, {})
        tree = ast.parse(path.read_text())
        what = (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ").rstrip(".")
        yield f"`{name}`", str(provenance.constant(path, "GROUP", "")), what, ", ".join(_options(kind, tree))


def _options(kind: str, tree: ast.Module) -> Iterator[str]:
    handed = design.TOLD_TO_MODELS if kind == "models" else design.PROVIDED
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == registry.FUNCTIONS[kind]:
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            for argument, default in pairs:
                if argument.arg not in handed:
                    yield f"`{argument.arg}{'' if default is None else ': ' + ast.unparse(default)}`"
