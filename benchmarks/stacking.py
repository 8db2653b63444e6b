"""An epoch of small_cnns in one stack, over the same epochs one after the other, in turn in one process.

`python benchmarks/stacking.py [--rounds 5] [--device cpu]`, the project on PYTHONPATH. Batch 32, 28 x 28 pixels, of
which shares are removed. One thread and processor time on a processor; on a GPU time of the clock. Medians.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from saliency_benchmark import fitting, masked, masking, stacking, training

IMAGES, BATCH = 2048, 32
SETTINGS = {"epochs": 1, "batch_size": BATCH, "learning_rate": 0.01, "warmup": 0.0, "momentum": 0.9,
            "weight_decay": 5e-4, "flip": False}  # fmt: skip
LOSS = fitting.recipe("baseline", {"options": {}})


def seconds(work: Callable, device: str) -> float:
    clock = time.process_time if device == "cpu" else time.perf_counter
    if device != "cpu":
        torch.cuda.synchronize()
    start = clock()
    work()
    if device != "cpu":
        torch.cuda.synchronize()
    return clock() - start


def ratio(number: int, rounds: int, device: str) -> float:
    rng, index = np.random.default_rng(0), np.arange(IMAGES)
    images = rng.integers(0, 256, (IMAGES, 1, 28, 28), dtype=np.uint8)
    data = {"data": images, "label": (index % 10).astype(np.int32), "index": index}
    told = fitting.description({"options": {}}, "small_cnn", images, data["label"])
    maps = rng.random((IMAGES, 28, 28))
    levels = masking.Levels.of({"level": masking.ranks(maps, index)})
    split = masked.Split(data, levels, order="remove", fill="mean", seed=0)

    def sources() -> list[masked.MaskedSource]:
        return [split.source(fitting.untrained(told, images, 0), place / number) for place in range(number)]

    ratios = []
    for _ in range(rounds + 1):
        together = seconds(partial(stacking.train, sources(), LOSS, seeds=[0] * number, **SETTINGS), device)
        alone = sum(seconds(partial(training.train, one, LOSS, seed=0, **SETTINGS), device) for one in sources())
        ratios.append(together / alone)
    return float(np.median(ratios[1:]))  # the first round warms up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| networks | a stack, over one by one |\n|---|---|")
    for number in (2, 3, 5):
        print(f"| {number} | {ratio(number, given.rounds, given.device):.2f} |", flush=True)


if __name__ == "__main__":
    main()
