"""What metrics that look at maps alone cost: ours and Quantus' classes, side by side in one process.

`python benchmarks/maps_only.py [--side 64] [--images 256] [--rounds 5]`, the project on PYTHONPATH. One thread,
processor time. In each round ours and theirs run in turn on the same float32 maps and the same boxes as regions; told
are the medians over the rounds, as thousands of maps per second, and of the ratio. Maps of noise have no ties; maps of
cells (8 x 8 pixels each, as occlusion gives them) have them everywhere. Quantus is called as it documents, in one call;
most of its time goes into a check that counts the different values of all maps: it is faster where they are few.
"""

import argparse
import io
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout

import numpy as np

from saliency_benchmark import compat, registry

compat.torchvision()
warnings.filterwarnings("ignore")

import quantus  # noqa: E402

CELL = 8
# Our metric, its options, Quantus' class and its options; None where it has none that gives the same.
PAIRS = [
    ("pointing_game", {}, "PointingGame", {}),
    ("pointing_game", {"tolerance": 15}, None, {}),
    ("energy_pointing_game", {}, None, {}),
    ("top_k_intersection", {"count": 400}, "TopKIntersection", {"k": 400}),
    ("relevance_mass", {}, "RelevanceMassAccuracy", {}),
    ("relevance_rank", {}, "RelevanceRankAccuracy", {}),
    ("iou", {}, None, {}),
    ("iou_auc", {}, None, {}),
    ("localisation_auc", {}, "AUC", {}),
    ("attribution_localisation", {}, "AttributionLocalisation", {"abs": False, "positive_attributions": True}),
    ("sparseness", {}, "Sparseness", {}),
    ("complexity", {}, "Complexity", {}),
    ("effective_complexity", {}, "EffectiveComplexity", {}),
]


def noise(images: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(images, 1, side, side)).astype(np.float32)


def cells(images: int, side: int) -> np.ndarray:
    coarse = noise(images, -(-side // CELL))
    return coarse.repeat(CELL, 2).repeat(CELL, 3)[:, :, :side, :side].copy()


def boxes(images: int, side: int) -> np.ndarray:
    """One box per image, a quarter to three quarters of the side high and wide: (image, row, column)."""
    rng, regions = np.random.default_rng(1), np.zeros((images, side, side), bool)
    for region in regions:
        height, width = rng.integers(side // 4, 3 * side // 4, 2)
        top, left = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
        region[top : top + height, left : left + width] = True
    return regions


def ours(name: str, options: dict, maps: np.ndarray, regions: np.ndarray) -> Callable:
    metric = registry.load("metrics", name, {})
    given = {"maps": maps, "regions": regions, "index": np.arange(len(maps))}
    taken = {key: value for key, value in given.items() if key in metric.score.__annotations__}
    return lambda: metric.score(**taken, **options)


def theirs(name: str, options: dict, maps: np.ndarray, regions: np.ndarray) -> Callable:
    with redirect_stdout(io.StringIO()):  # it prints advice
        metric = getattr(quantus, name)(disable_warnings=True, **options)
    labels = np.zeros(len(maps), int)
    masks = {"s_batch": regions[:, None]} if "localisation" in type(metric).__module__ else {}
    return lambda: metric(model=None, x_batch=maps, y_batch=labels, a_batch=maps.copy(), **masks)


def seconds(work: Callable) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    regions = boxes(given.images, given.side)
    for kind in (noise, cells):
        maps = kind(given.images, given.side)
        print(f"\n{len(maps)} maps of {kind.__name__}, {given.side} x {given.side}, median of {given.rounds} rounds\n")
        print("| metric | ours, 1000 maps/s | Quantus, 1000 maps/s | ratio |\n|---|---|---|---|")
        for pair in PAIRS:
            measure(pair, maps, regions, given.rounds)


def measure(pair: tuple[str, dict, str | None, dict], maps: np.ndarray, regions: np.ndarray, rounds: int) -> None:
    name, options, peer, settings = pair
    works = [ours(name, options, maps, regions), *([theirs(peer, settings, maps, regions)] if peer else [])]
    times = np.array([[seconds(work) for work in works] for _ in range(rounds + 1)])[1:]  # the first round warms up
    rates = [f"{len(maps) / each / 1000:.3g}" for each in np.median(times, axis=0)]
    ratio = f"{np.median(times[:, 1] / times[:, 0]):.0f}" if peer else ""
    told = ", ".join(f"{key} {value}" for key, value in options.items())
    print(f"| {name}{f' ({told})' if told else ''} | {' | '.join([*rates, ''][:2])} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
