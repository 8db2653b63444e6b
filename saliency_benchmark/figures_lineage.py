"""What a number comes from, as a picture: files as boxes, their inputs to the right."""

from pathlib import Path

from saliency_benchmark import figures
from saliency_benchmark.tracing import Lineage

# More files than these that one rule made at one depth are one box.
MOST = 12
WIDTH, HEIGHT = 3.3, 0.5  # inches per column and per row of boxes


def save(found: Lineage, path: str | Path) -> None:
    """Draw FOUND into the file PATH, .svg or .png. Raises ValueError for another ending."""
    path = Path(path)
    if path.suffix not in (".svg", ".png"):
        raise ValueError(f"{path} is no picture that can be drawn; wanted: a name that ends in .svg or .png")
    boxes = _boxes(found)
    columns: dict[int, list[str]] = {}
    for box, (depth, _, _) in boxes.items():
        columns.setdefault(depth, []).append(box)
    places = {
        box: (depth, -row + len(column) / 2) for depth, column in columns.items() for row, box in enumerate(column)
    }
    size = WIDTH * len(columns), HEIGHT * max(map(len, columns.values())) + 0.5
    with figures.canvas(size) as (panels, _):
        axes = panels[0]
        for box, (_, text, fault) in boxes.items():
            colour = figures.COLOURS[1] if fault else figures.COLOURS[0]
            frame = {"boxstyle": "round", "facecolor": "white", "edgecolor": colour}
            axes.text(*places[box], text, fontsize=6, ha="center", va="center", bbox=frame, zorder=2)
        for one, other in sorted(_links(found, boxes)):
            axes.plot(*zip(places[one], places[other]), color="#999999", linewidth=0.7, zorder=1)
        axes.set(xlim=(-0.5, len(columns) - 0.5))
        axes.axis("off")
        more = {"metadata": {"Date": None, "Creator": None}} if path.suffix == ".svg" else {"dpi": 150}
        axes.figure.savefig(path, format=path.suffix[1:], **more)


def _boxes(found: Lineage) -> dict[str, tuple[int, str, bool]]:
    """Box -> its depth, its text, and whether something is wrong; a box is a file, or stands for many of one rule."""
    depths = _depths(found)
    groups: dict[tuple[int, str], list[str]] = {}
    for path in found.nodes:
        groups.setdefault((depths[path], _rule(found, path)), []).append(path)
    boxes = {}
    for (depth, rule), paths in groups.items():
        if len(paths) > MOST:
            fault = any(found.nodes[path].fault for path in paths)
            boxes[f"{depth} {rule}"] = depth, f"{len(paths)} files of rule {rule}", fault
        for path in paths if len(paths) <= MOST else ():
            node = found.nodes[path]
            parts = path.split("/")
            where = "/\n".join(filter(None, ("/".join(parts[:-3]), "/".join(parts[-3:]))))
            boxes[path] = depth, f"{where}\n{node.fault or rule}", bool(node.fault)
    return boxes


def _links(found: Lineage, boxes: dict) -> set[tuple[str, str]]:
    depths = _depths(found)
    names = {path: path if path in boxes else f"{depths[path]} {_rule(found, path)}" for path in found.nodes}
    return {(names[path], names[source]) for path, node in found.nodes.items() for _, source in node.inputs}


def _depths(found: Lineage) -> dict[str, int]:
    """How far each file is from the table, by the longest way."""
    depths = {found.root: 0}
    queue = [found.root]
    while queue:
        path = queue.pop(0)
        for _, source in found.nodes[path].inputs:
            # A way has no more steps than there are files, whatever a forged note says.
            if depths.get(source, -1) < depths[path] + 1 <= len(found.nodes):
                depths[source] = depths[path] + 1
                queue.append(source)
    return depths


def _rule(found: Lineage, path: str) -> str:
    record = found.nodes[path].record
    return record["origin"].get("rule", "unknown") if record else "missing"
