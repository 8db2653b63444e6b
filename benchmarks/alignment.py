"""What a step costs that goes through explanations, as a multiple of a training step without them.

`python benchmarks/alignment.py [--rounds 7] [--only small_cnn]`, the project on PYTHONPATH. One thread, processor time,
batches of 8 images. A first-order step: classification loss, its gradient, clipping, AdamW. A second-order step: the
same, and the map, the alignment loss, and its gradient by the weights. Both run in turn in each round; told is the
median of the rounds' ratios. Integrated gradients and SmoothGrad cost what the gradient does, once per step or copy.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import accumulation, batch_norms, compat, layers, live_maps, localising
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.descent import AdamW, clip
from saliency_benchmark.models import narrow, small_cnn

compat.torchvision()

from torchvision import models  # noqa: E402

BATCH = 8
METHODS = ("gradient", "input_x_gradient", "grad_cam", "lrp_epsilon_plus", "lrp_epsilon")
CASES: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "small_cnn": (lambda: small_cnn.build((3, 28, 28), 10), 28),
    "narrow resnet": (lambda: narrow.build((3, 28, 28), 10, family="resnet"), 28),
    "narrow vit": (lambda: narrow.build((3, 28, 28), 10, family="vit"), 28),
    "resnet18": (lambda: models.resnet18(num_classes=10), 64),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=CASES, nargs="*", default=[*CASES])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"| network | pixels | {' | '.join(METHODS)} |\n|{'---|' * (len(METHODS) + 2)}")
    for name in asked.only:
        make, side = CASES[name]
        found = [ratio(make, side, method, asked.rounds) for method in METHODS]
        print(f"| {name} | {side} | {' | '.join(f'{value:.2f}' for value in found)} |", flush=True)


def ratio(make: Callable[[], nn.Module], side: int, method: str, rounds: int) -> float:
    torch.manual_seed(0)
    network = make().to(memory_format=torch.channels_last)
    shape = (3, side, side)
    model = Classifier(network.eval(), torch.zeros(3), torch.ones(3), layers.feature_layer(network, shape))
    images = torch.randn(BATCH, *shape).contiguous(memory_format=torch.channels_last)
    labels, regions = torch.arange(BATCH) % 10, torch.rand(BATCH, side, side) > 0.5
    parameters = batch_norms.prepare(network, "frozen")
    descent, explainer = AdamW(parameters, 0.01), live_maps.explainer({method: {"options": {}}}, model)

    def step(second: bool) -> None:
        losses = (
            lambda network: functional.cross_entropy(network(images), labels),
            lambda maps: localising.loss(maps, regions).mean(),
        )
        if second:
            (part,) = explainer(network, images, labels)
            gradients, *_ = accumulation.in_one_pass(part, *losses, network, parameters)
        else:
            gradients = list(torch.autograd.grad(losses[0](network), parameters, allow_unused=True))
        descent.step(clip(gradients, 0.5), 1e-6)

    def cost(second: bool) -> float:
        start = time.process_time()
        for _ in range(3):
            step(second)
        return time.process_time() - start

    step(True)
    return float(np.median([cost(True) / cost(False) for _ in range(rounds)]))


if __name__ == "__main__":
    main()
