"""What our training loop costs on top of its bare steps, and what masking costs in it, side by side in one process.

`python benchmarks/retraining.py [--rounds 7] [--only small_cnn]`, the project on PYTHONPATH. One thread, processor
time, medians over the rounds of the ratios within a round. A bare step is forward, loss, backward and the step of
torch.optim.SGD (fused, as ours) on one float batch that is there already. The loop is `training.train` itself, four
epochs on masked images that are mirrored by chance: gathering, normalising, masking, mirroring, the schedule, the log.
What masking adds to reading the images is timed by itself too, as a share of the bare steps on them: as if they were
masked anew in every epoch, though masks that do not change are applied once, where the inputs fit into memory.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from saliency_benchmark import fitting, masked, training

torch.set_num_threads(1)
# Name, options, channels, pixels, batch, steps in a round.
CASES = [
    ("small_cnn", {}, 1, 28, 32, 25),
    ("small_cnn", {}, 3, 28, 32, 25),
    ("small_cnn", {}, 3, 28, 128, 8),
    ("resnet18", {"name": "resnet18"}, 3, 32, 32, 2),
    ("resnet18", {"name": "resnet18"}, 3, 64, 32, 1),
]
EPOCHS = 4
READINGS = 10  # in every round, for the time of masking alone
HOW = {
    "seed": 0,
    "epochs": EPOCHS,
    "learning_rate": 1e-4,
    "warmup": 0.1,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "flip": True,
}


def seconds(work: Callable) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def classifier(name: str, options: dict, images: np.ndarray, labels: np.ndarray) -> training.Classifier:
    file = "torchvision_model" if "name" in options else name
    told = fitting.description({"file": file, "options": options}, name, images, labels)
    return fitting.untrained(told, images, 0)


def measure(name: str, options: dict, channels: int, pixels: int, batch: int, steps: int, rounds: int) -> list[float]:
    """Seconds of bare steps over those of the loop; of the loop over one on plain images; what masking adds to reading
    the images, over their bare steps; images per second.
    """
    rng, number = np.random.default_rng(0), batch * steps
    images = {"data": rng.integers(0, 256, (number, channels, pixels, pixels), np.uint8),
              "label": np.arange(number) % 10, "index": np.arange(number)}  # fmt: skip
    model = classifier(name, options, images["data"], images["label"])
    plain = fitting.source_of(model, images["data"], images["label"])
    holes = masked.source_of(model, images, rng.random((number, pixels, pixels)) < 0.5, "mean")
    loss = fitting.recipe("baseline", {"options": {}})
    inputs, labels = holes.inputs(slice(batch)), holes.labels[:batch]
    descent = torch.optim.SGD(model.network.parameters(), 1e-4, 0.9, weight_decay=5e-4, nesterov=True, fused=True)

    def bare() -> None:
        model.network.train().requires_grad_(True)
        for _ in range(EPOCHS * steps):
            descent.zero_grad()
            functional.cross_entropy(model.network(inputs), labels).backward()
            descent.step()

    def loop(source: training.Source) -> None:
        model.network.requires_grad_(True)
        training.train(source, loss, batch_size=batch, **HOW)

    def read(source: training.Source) -> None:
        for order in torch.arange(number).view(-1, batch).repeat(READINGS * EPOCHS, 1):
            source.inputs(order)

    works = [bare, lambda: loop(holes), lambda: loop(plain), lambda: read(holes), lambda: read(plain)]
    times = np.array([[seconds(work) for work in works] for _ in range(rounds + 1)])[1:]  # the first round warms up
    masking = (times[:, 3] - times[:, 4]) / READINGS / times[:, 0]
    shares = np.median(np.c_[times[:, [0, 1]] / times[:, [1, 2]], masking], axis=0)
    return [*shares, EPOCHS * number / np.median(times[:, 1])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", help="name of the network")
    given = parser.parse_args()
    measured = "rate / bare steps' | time / plain images' | masking / bare steps | images/s"
    print(f"| network | channels x pixels | batch | {measured} |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for case in CASES:
        name, _, channels, pixels, batch, _ = case
        if given.only in (None, name):
            share, ratio, masking, rate = measure(*case, given.rounds)
            told = f"{name} | {channels} x {pixels} | {batch} | {share:.3f} | {ratio:.3f} | {masking:.4f} | {rate:.0f}"
            print(f"| {told} |", flush=True)


if __name__ == "__main__":
    main()
