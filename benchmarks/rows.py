"""How many images at a time are best on a processor, and what the workflow chooses.

`python benchmarks/rows.py`, the project on PYTHONPATH. One thread, processor time of a forward and backward pass to the
image, per image, as a multiple of the best; the median of three rounds, in each of which all sizes run in turn.
"""

import time

import numpy as np
import torch

from saliency_benchmark import batching, compat, gradients
from saliency_benchmark.models import small_cnn

compat.torchvision()

from torchvision import models  # noqa: E402

SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
CASES = [("small_cnn", 28), ("resnet18", 64), ("resnet18", 224), ("resnet50", 224), ("vit_b_16", 224)]


def main() -> None:
    torch.set_num_threads(1)
    print(f"| network | pixels | {' | '.join(map(str, SIZES))} | chosen |\n|{'---|' * (len(SIZES) + 3)}")
    for name, side in CASES:
        torch.manual_seed(0)
        shape = (3, side, side)
        network = small_cnn.build(shape, 10) if name == "small_cnn" else models.get_model(name, weights=None)
        network = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        chosen = batching.automatic(network, shape)
        sizes = [size for size in SIZES if size <= 16 * chosen and size * side**2 <= 16 * 224**2]
        rounds = np.array([[cost(network, size, shape) for size in sizes] for _ in range(3)])
        medians = np.median(rounds, axis=0)
        shown = [f"{value:.2f}" for value in medians / medians.min()] + [""] * (len(SIZES) - len(sizes))
        print(f"| {name} | {side} | {' | '.join(shown)} | {chosen} |", flush=True)


def cost(network: torch.nn.Module, size: int, shape: tuple[int, int, int]) -> float:
    images = torch.randn(size, *shape).contiguous(memory_format=torch.channels_last)
    start = time.process_time()
    for _ in range(max(1, 16 // size)):
        gradients.slope(network, images, torch.zeros(size, dtype=torch.long))
    return (time.process_time() - start) / (size * max(1, 16 // size))


if __name__ == "__main__":
    main()
