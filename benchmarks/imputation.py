"""Milliseconds per image of noisy linear imputation, ours and pytorch-grad-cam's, side by side in one process.

`python benchmarks/imputation.py [--rounds 5] [--sides 32 64 224]`, the project on PYTHONPATH. One thread, processor
time; medians over the rounds, in each of which both run in turn on the same RGB images and masks. `scattered`: pixels
of white noise go, as in a map of gradients; `patches`: of noise smoothed by a twelfth of the side, as in a CAM. Ours
takes a block of images at once, as the workflow does; the library takes one after the other, the first few of them. The
last column is the largest difference of a pixel of those, before noise.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from saliency_benchmark import compat, imputation, masking

compat.torchvision()
warnings.filterwarnings("ignore")

from pytorch_grad_cam.metrics.road import NoisyLinearImputer  # noqa: E402

IMAGES = {32: 72, 64: 36, 224: 6}
THEIRS = {32: 6, 64: 3, 224: 1}


def drawn(side: int, kind: str, fraction: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and what is removed of them."""
    rng, count = np.random.default_rng(0), IMAGES.get(side, 6)
    images = gaussian_filter(rng.normal(size=(count, 3, side, side)), (0, 0, 1.5, 1.5)) * 5
    maps = rng.normal(size=(count, side, side))
    maps = gaussian_filter(maps, (0, side / 12, side / 12)) if kind == "patches" else maps
    gone = masking.removed(masking.ranks(maps, np.arange(count)), fraction, "remove")
    return torch.from_numpy(images).float(), torch.from_numpy(gone)[:, None]


def seconds(work: Callable) -> tuple[float, object]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def compare(side: int, fraction: float, kind: str, rounds: int) -> str:
    images, gone = drawn(side, kind, fraction)
    peer, few, times = NoisyLinearImputer(noise=0), THEIRS.get(side, 1), []
    pairs = list(zip(images[:few], (~gone[:few, 0]).float()))
    for _ in range(rounds + 1):
        own, ours = seconds(lambda: imputation.linear(images, gone))
        other, theirs = seconds(lambda: [peer(*pair) for pair in pairs])
        times.append((own / len(images) * 1e3, other / few * 1e3, other / few / own * len(images)))
    one, two, ratio = np.median(times[1:], axis=0)  # the first round warms up
    gap = max(float((each - mine).abs().max()) for each, mine in zip(theirs, ours))
    return f"| {side} | {fraction:.0%} | {kind} | {one:.2f} | {two:.1f} | {ratio:.1f} | {gap:.0e} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 64, 224])
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| pixels | removed | shape | ours, ms | pytorch-grad-cam, ms | ratio | difference |")
    print("|---|---|---|---|---|---|---|")
    for side, fraction, kind in product(given.sides, (0.5, 0.9), ("scattered", "patches")):
        print(compare(side, fraction, kind, given.rounds), flush=True)


if __name__ == "__main__":
    main()
