"""What explaining costs on a GPU: ours beside the bare model, and bfloat16 and compiled networks with their error.

`PYTHONPATH=. python benchmarks/attribution_gpu.py [--rounds 5] [--batch 64] [--side 224]`, torchvision's ResNet-50 with
random weights. Times are medians of rounds in one process, the device waited for before and after. Told are: time /
(units x the bare model's forward and backward pass at the same batch); how busy the device was meanwhile, as its driver
samples it; and for each variant of the network the error of gradient maps against float64: median and worst of the
largest difference as a share of the map's maximum, and the lowest rank correlation. `--device cpu --batch 2 --side 64`
goes the same ways without a GPU.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from copy import deepcopy
from statistics import median
from threading import Event, Thread

import numpy as np
import torch
from scipy import stats
from torch import nn

from saliency_benchmark import attribution, compat, layers
from saliency_benchmark.classifier import Classifier

compat.torchvision()
warnings.filterwarnings("ignore")

from torchvision.models import resnet50  # noqa: E402

# Method, units of one forward and backward pass per image.
ROWS = {"gradient": 1, "guided_backprop": 1, "grad_cam": 1, "lrp_epsilon_plus": 1, "smoothgrad": 15,
        "integrated_gradients": 32}  # fmt: skip
BLOCKS = 4


class Images(dict):
    """Blocks of images in memory, as `artifacts.Reader` shows a file's."""

    def names(self) -> list[str]:
        return sorted(self)

    def __len__(self) -> int:
        return len(self["index"])


class Nowhere:
    def append(self, **arrays: np.ndarray) -> None:
        pass


class Load:
    """How busy the device is, sampled while the block runs; None where nothing tells."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._over, self.samples = device, Event(), []

    def __enter__(self) -> "Load":
        self._thread = Thread(target=self._sample)
        self._thread.start()
        return self

    def _sample(self) -> None:
        while self._device.type == "cuda" and not self._over.wait(0.05):
            try:
                self.samples.append(torch.cuda.utilization(self._device))
            except (ModuleNotFoundError, RuntimeError):
                return

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def told(self) -> str:
        return f"{median(self.samples):.0f} %" if self.samples else ""


def seconds(work: Callable, device: torch.device) -> float:
    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    wait()
    start = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - start


def gradient(network: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    leaf = images.detach().requires_grad_(True)
    return torch.autograd.grad(network(leaf).gather(1, targets[:, None]).sum(), leaf)[0]


def variants(network: nn.Module) -> dict[str, Callable]:
    """What gives gradient maps, by name; the bare model is the first."""

    def narrow(images: torch.Tensor, targets: torch.Tensor, module: nn.Module = network) -> torch.Tensor:
        with torch.autocast(images.device.type, torch.bfloat16):
            return gradient(module, images, targets)

    found = {"float32": lambda images, targets: gradient(network, images, targets), "bfloat16": narrow}
    if next(network.parameters()).is_cuda:  # for a processor compiling takes minutes and gains nothing
        compiled = torch.compile(network)
        found["float32, compiled"] = lambda images, targets: gradient(compiled, images, targets)
        found["bfloat16, compiled"] = lambda images, targets: narrow(images, targets, compiled)
    return found


def errors(maps: torch.Tensor, exact: torch.Tensor) -> tuple[float, float, float]:
    """Median and worst of the largest difference over the map's maximum, and the lowest rank correlation."""
    maps, exact = (each.double().cpu().flatten(1).numpy() for each in (maps, exact))
    gaps = np.abs(maps - exact).max(1) / np.abs(exact).max(1)
    pairs = zip(maps, exact, strict=True)
    return float(np.median(gaps)), float(gaps.max()), min(stats.spearmanr(*pair).statistic for pair in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--side", type=int, default=224)
    given = parser.parse_args()
    device = torch.device(given.device)
    torch.set_num_threads(1 if device.type == "cpu" else torch.get_num_threads())
    torch.manual_seed(0)
    network = resnet50(num_classes=10).eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
    shape = (3, given.side, given.side)
    pixels = np.random.default_rng(0).integers(0, 256, (BLOCKS * given.batch, *shape), dtype=np.uint8)
    mean, deviation = (torch.full((3,), value, device=device) for value in (0.5, 0.25))
    classifier = Classifier(network, mean, deviation, layers.feature_layer(network, shape))
    images = classifier.normalise(pixels[: given.batch])
    targets = network(images).argmax(1)
    of_methods(classifier, pixels, images, targets, given)
    of_variants(network, images, targets, given)


def of_methods(classifier: Classifier, pixels: np.ndarray, images: torch.Tensor, targets: torch.Tensor, given) -> None:
    device = images.device
    count = np.arange(len(pixels), dtype=np.int32)
    reader = Images(data=pixels, label=np.zeros_like(count), index=count)
    print("\n| method | units per image | time / (units x bare) | device busy |\n|---|---|---|---|")
    for name, units in ROWS.items():
        methods = {name: attribution.method(name, {"options": {}})}

        def ours(methods: dict = methods) -> None:
            attribution.explain(methods, classifier, reader, {name: Nowhere() for name in methods}, rows=given.batch)

        def bare() -> None:
            for _ in range(BLOCKS):
                gradient(classifier.network, images, targets)

        with Load(device) as load:
            rounds = range(given.rounds + 1)
            ratios = [seconds(ours, device) / (units * seconds(bare, device)) for _ in rounds]
        print(f"| {name} | {units} FB | {median(ratios[1:]):.2f} | {load.told} |", flush=True)


def of_variants(network: nn.Module, images: torch.Tensor, targets: torch.Tensor, given) -> None:
    device, few = images.device, slice(0, min(16, len(images)))
    exact = gradient(deepcopy(network).double(), images[few].double(), targets[few])
    works = variants(network)
    print(
        "\n| network | time / float32 | median error | worst error | lowest rank correlation |\n|---|---|---|---|---|"
    )
    for name, work in works.items():
        told = errors(work(images, targets)[few], exact)  # compiles
        pairs = [
            (
                seconds(lambda work=work: work(images, targets), device),
                seconds(lambda: works["float32"](images, targets), device),
            )
            for _ in range(given.rounds)
        ]
        ratio = median(one / other for one, other in pairs)
        print(f"| {name} | {ratio:.2f} | {told[0]:.1e} | {told[1]:.1e} | {told[2]:.4f} |", flush=True)


if __name__ == "__main__":
    main()
