"""How much there is to do, told from the settings alone: images of a data set, and image passes of a job."""

import sys
from functools import cache
from math import prod
from pathlib import Path

from saliency_benchmark import design, provenance, registry

# Images of the published splits (train, test), where all are taken.
PUBLISHED = {
    "mnist": (60_000, 10_000),
    "fashion_mnist": (60_000, 10_000),
    "cifar10": (50_000, 10_000),
    "imagenet": (1_281_167, 50_000),
    "food101": (75_750, 25_250),
    "birdsnap": (47_386, 2_443),
    "cub_200_2011": (5_994, 5_794),
    "stanford_cars": (8_144, 8_041),
    "fgvc_aircraft": (6_667, 3_333),
    "chexpert": (223_414, 234),
    "chexlocalize": (668, 234),
}
# Numbers of one image, where no option and no file tells.
SHAPES = {"mnist": (1, 28, 28), "fashion_mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
UNKNOWN_IMAGES, UNKNOWN_SHAPE = 10_000, (3, 224, 224)
# Options that say how often a method or probe asks the network about an image, and how often where none says.
COUNTS = ("steps", "samples", "draws", "masks", "rounds", "repeats")
PASSES = 50
# Passes of an attack and of clean and masked images, when a model is assessed.
ASSESSING = 45
# Images x steps at a time on a processor, where no setting says otherwise (batching.py).
BATCH = 64


def images(config: dict, dataset: str, split: str) -> int:
    """Images of a split: as many as its option says, else as were published or lie in the folder; else a guess."""
    entry = config["datasets"][dataset]
    told = entry["options"].get(split)
    if told is not None:
        return int(told)
    name = entry.get("file", dataset)
    if "call" in entry or name not in PUBLISHED:
        root = entry["options"].get("root")
        return _files(f"{root}/{split}") if root and "call" not in entry else UNKNOWN_IMAGES
    return PUBLISHED[name][split == "test"]


def step(config: dict) -> int | None:
    """Images of a shard: `images_per_job` in whole batches, so that these, and with them the results, are the same."""
    wanted = config["resources"].get("images_per_job")
    batch = config["explain"].get("rows", BATCH)
    return wanted and -(-wanted // batch) * batch


def shards(config: dict, number: int) -> int:
    """Jobs that NUMBER images are divided among."""
    return -(-number // size) if (size := step(config)) else 1


def part(config: dict, shard: int, shards: int) -> list[int]:
    """The images of SHARD, from 0, of SHARDS: first, and one after the last; the last shard takes all that are left."""
    size = step(config)
    return [shard * size, sys.maxsize if shard + 1 == shards else (shard + 1) * size]


def scored_part(config: dict, shard: int) -> int:
    """Up to so many images of SHARD are scored."""
    return min(step(config), config["scoring"]["images"] - shard * step(config))


def sharded(config: dict) -> list[str]:
    """Data sets of which some split is divided."""
    splits = ("train", "test")
    return [
        name for name in config["datasets"] if any(shards(config, images(config, name, each)) > 1 for each in splits)
    ]


def scored(config: dict, dataset: str) -> int:
    """Test images that are scored."""
    return min(config["scoring"]["images"], images(config, dataset, "test"))


def values(config: dict, dataset: str) -> int:
    """Numbers of one image: channels x rows x columns."""
    entry = config["datasets"][dataset]
    options, name = entry["options"], entry.get("file", dataset)
    default = provenance.defaults(registry.file("datasets", dataset, entry), "load")
    if below := registry.base("datasets", entry):
        return options.get("side", default.get("side", 1)) ** 2 * values({"datasets": {below[1]: below[2]}}, below[1])
    size = options.get("size")
    if isinstance(size, list | tuple) and len(size) == 2:
        return UNKNOWN_SHAPE[0] * int(size[0]) * int(size[1])
    sides = [options.get(side, default.get(side)) for side in ("rows", "columns")]
    if all(isinstance(side, int) for side in sides):
        return UNKNOWN_SHAPE[0] * prod(sides)
    return prod(SHAPES.get(name, UNKNOWN_SHAPE))


def passes(config: dict, kind: str, label: str) -> int:
    """How often the method or probe LABEL asks the network about an image, roughly."""
    entry = config[kind][label]
    default = (
        {} if "call" in entry else provenance.defaults(registry.file(kind, label, entry), registry.FUNCTIONS[kind])
    )
    told = default | entry["options"]
    counts = [told[name] for name in COUNTS if isinstance(told.get(name), int)]
    base = entry["options"].get("base")
    inner = passes({"methods": {base: {"options": told.get("base_options") or {}}}}, "methods", base) if base else 1
    return inner * (prod(counts) if counts else 1 if kind == "methods" and not told else PASSES)


def work(config: dict, stage: str, names: dict, labels: tuple[str, ...] = ()) -> float:
    """Image passes of a job of STAGE, whose data set, split and shard NAMES tell; LABELS: its methods or probes."""
    train, test = (images(config, names["dataset"], split) for split in ("train", "test"))
    epochs = design.training(config, names["dataset"], names["model"])["epochs"] * train if "model" in names else 0
    roar, alignment = config["roar"], config["alignment"]
    parts, utility = int(names.get("shards", 1)), config["utility"]
    first, _, last = names.get("repeat", "0").partition("-to-")
    repeats = int(last or first) - int(first) + 1
    curves = max(1, len(labels)) * repeats
    items = utility["training_items"] + utility["evaluation_items"]
    explained = sum(passes(config, "methods", label) for label in labels if label in config["methods"])
    asked = sum(passes(config, "probes", label) for label in labels if label in config["probes"])
    table = {
        "prepare_images": lambda: images(config, names["dataset"], names["split"]),
        "train": lambda: epochs,
        "assess": lambda: test * ASSESSING,
        "attribute": lambda: images(config, names["dataset"], names["split"]) * explained / parts,
        "rank": lambda: images(config, names["dataset"], names["split"]),
        "retrain": lambda: epochs * len(roar["fractions"]) * curves,
        "retrain_ends": lambda: epochs * 2 * curves,
        "degrade": lambda: test * len(roar["fractions"]) * len(roar["unit"]) * len(roar["orders"]) * len(roar["fill"]),
        "leak": lambda: epochs * max(1, len(roar["leakage"])) * curves,
        "recurse": lambda: epochs * curves + (train + test) * explained * repeats,
        "align": lambda: 2 * alignment["epochs"] * min(alignment["images"], train) * max(1, explained),
        "bend": lambda: 4 * (min(alignment["test_images"], test) * explained + test),
        "pose": lambda: test * len(utility["pairs"]) * 4 + items * utility["grid"] ** (2 * utility["exact"]),
        "explain_items": lambda: 2 * items * explained,
        "simulate": lambda: items * utility["repeats"] * PASSES,
        "probe": lambda: scored(config, names["dataset"]) * max(1, asked) / parts,
    }
    return float(table.get(stage, lambda: scored(config, names["dataset"]) * len(config["methods"]))())


@cache
def _files(folder: str) -> int:
    found = sum(1 for path in Path(folder).rglob("*") if path.suffix)
    return found or UNKNOWN_IMAGES
