"""What is in each kind of file: arrays with named axes."""

from dataclasses import dataclass, field

import numpy as np

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Schema:
    """Arrays of one kind of file. Axes are named: one name, one length. [An axis] or a name? may be absent."""

    kind: str
    axes: dict[str, str] = field(default_factory=dict)
    open: bool = False  # arrays of any other name and shape may join


IMAGES = Schema(
    "images",
    {
        "data": "image channel row column",
        "label": "image",
        "index": "image",
        "source?": "image",
        "region?": "image row column",
        # Where an image can have several labels: which it has, and where each of them is; `label` is one of them.
        "labels?": "image label",
        "regions?": "image label row column",
    },
)
MODEL = Schema(
    "model",
    {
        "mean": "channel",
        "deviation": "channel",
        "loss": "epoch",
        "validation_accuracy?": "epoch",
        "validation_ece?": "epoch",
    },
    open=True,
)
# `attribution`, `label`, `prediction` and `index` (place in the file of images) are what the ViRelAy viewer reads.
MAPS = Schema(
    "maps",
    {
        "attribution": "image [channel] row column",
        "label": "image",
        "target": "image",
        "prediction": "image class",
        "index": "image",
        # What tells a sound map from a broken one (attribution.quality); files made elsewhere need not say it.
        "sum?": "image",
        "positive_share?": "image",
        "zero_share?": "image",
        "invalid?": "image",
        "completeness_gap?": "image",
    },
)
# Levels of the order of removal, and how many entries lie below each step; none where levels are exact ranks.
RANKS = Schema("ranks", {"level": "image [channel] row column", "count?": "step", "index": "image"})
READINGS = Schema("readings", {"index": "image", "target": "image"}, open=True)
SCORES = Schema("scores", {"score": "method image", "method": "method", "index": "image"})
# Questions of the utility study, a row of them per item; `shown`: models, two where they are compared, or one.
_ASKED = {
    "image": "item channel row column",
    "shifted?": "item channel row column",
    "prediction": "item shown",
    "probability": "item shown",
    "answer": "item",
    "label": "item",
    "index": "item",
    "difficulty": "item",
    "training": "item",
    "pair?": "item",
    "clean?": "item",
}
QUESTIONS = Schema("questions", _ASKED | {"oracle": "item shown row column"})
ITEM_MAPS = Schema("item maps", {"map": "item shown row column", "index": "item"})
# Items as a person or a simulated user sees them: the questions with their maps by every explanation.
ITEMS = Schema("items", _ASKED | {"map": "item explanation shown row column", "explanation": "explanation"})


def axes_of(schema: Schema) -> dict[str, str]:
    return {name.removesuffix("?"): axes for name, axes in schema.axes.items()}


def check(schema: Schema, arrays: Arrays) -> None:
    """Raise ValueError unless ARRAYS have the names and axes of SCHEMA; the message names the axis."""
    axes = axes_of(schema)
    wanted = {name for name in schema.axes if not name.endswith("?")}
    if wanted - arrays.keys() or (arrays.keys() - axes.keys() and not schema.open):
        raise ValueError(f"{schema.kind} wants {sorted(schema.axes)}, got {sorted(arrays)}")
    shapes = {name: array.shape for name, array in arrays.items() if name in axes}
    agree({name: _present(name, axes[name], shape) for name, shape in shapes.items()}, shapes)


def _present(name: str, axes: str, shape: tuple[int, ...]) -> str:
    """AXES as SHAPE has them: with the optional [axis], or without."""
    for variant in (axes.replace("[", "").replace("]", ""), " ".join(a for a in axes.split() if a[0] != "[")):
        if len(variant.split()) == len(shape):
            return variant
    raise ValueError(f"{name!r} wants axes ({axes}), got shape {shape}")


def agree(axes: dict[str, str], shapes: dict[str, tuple[int, ...]], first: bool = False) -> None:
    """Raise ValueError where an axis has two lengths; FIRST: look at the first axes only."""
    lengths: dict[str, int] = {}
    for name, shape in shapes.items():
        for axis, length in zip(axes.get(name, "").split(), shape, strict=not first):
            if lengths.setdefault(axis, length) != length:
                raise ValueError(f"axis {axis!r} has length {length} in {name!r}, and {lengths[axis]} before it")
