"""What asking a model for the metrics' sake costs, beside its bare forward passes and beside Quantus, metric by metric.

`PYTHONPATH=. python benchmarks/metrics.py [cnn32] [resnet18_64] [--rounds 5] [--backend openvino] [--only suite]`. One
thread, processor time, all in turn in one process; told are medians of ratios over the rounds. F is a bare forward
pass of one image, at the bare model's best batch: eager, channels last or not, whichever is faster. With `--device
cuda` times are the clock's, the device waited for.

- Probes: time / (images that were passed x F). The workflow's engine is in it: reading, checks, order of cells, making
  the images, writing. Bound: 1.1.
- Suite: 12 methods (`--methods`) x DAUC, IAUC, DC, IC, DC-nc, IC-nc, AD, ADD on 8 x 8 cells, curves of 48 steps.
  Quantus has no insertion, AD or ADD: its PixelFlipping (48 steps) stands for each of the four curves,
  FaithfulnessEstimate (48 parts) for the two of single cells, and bare passes for AD and ADD, which favours it. It
  scores two of the methods, and its time is scaled up. Goal: 5 times as fast.
- ROAD: nine levels from the most and nine from the least salient, time / (19 passes x F); pytorch-grad-cam beside it,
  which passes 36. Bound: 2.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn

from benchmarks.attribution import CASES, bare, seconds
from saliency_benchmark import artifacts, compat, forwarding, layers, probing, registry, scoring
from saliency_benchmark.classifier import Classifier

compat.torchvision()
warnings.filterwarnings("ignore")

import quantus  # noqa: E402
from pytorch_grad_cam.metrics.road import ROADCombined  # noqa: E402
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget  # noqa: E402

CELLS, STEPS = 8, 48
SHARE = 2  # methods that Quantus scores; its time is scaled up to all
SUITE = {"perturbation": ["dauc", "iauc", "dc", "ic", "ad", "add"], "cells": ["dc_nc", "ic_nc"]}


class Case:
    def __init__(self, name: str, folder: str, backend: str, methods: int, device: str) -> None:
        build, self.side, self.batch = CASES[name]
        self.device = torch.device(device)
        torch.manual_seed(0)
        self.network = build().eval().requires_grad_(False).to(self.device, memory_format=torch.channels_last)
        self.plain = build().eval().requires_grad_(False).to(self.device)
        self.plain.load_state_dict(self.network.state_dict())
        shape, self.backend = (3, self.side, self.side), backend
        mean = deviation = torch.full((3,), 0.5, device=self.device)
        layer = layers.feature_layer(self.network, shape)
        self.classifier = Classifier(self.network, mean, deviation, layer)
        rng, index = np.random.default_rng(0), np.arange(self.batch, dtype=np.int32)
        pixels = rng.integers(0, 256, (self.batch, *shape), dtype=np.uint8)
        self.images = self.classifier.normalise(pixels).contiguous()
        with torch.no_grad():
            self.targets = self.network(self.images).argmax(1)
        self.maps = rng.random((methods, self.batch, self.side, self.side), dtype=np.float32)
        self.folder = Path(folder, name)
        self.folder.mkdir()
        about = {"index": index, "label": index}
        artifacts.write(self.folder / "images.h5", artifacts.IMAGES, {"data": pixels, **about}, {})
        for number, maps in enumerate(self.maps):
            told = {"target": self.targets.cpu().numpy().astype(np.int32), "prediction": np.zeros((self.batch, 10))}
            arrays = {"attribution": maps[:, None], **about, **told}
            artifacts.write(self.folder / f"maps{number}.h5", artifacts.MAPS, arrays, {})

    def forward(self) -> float:
        """Seconds of a bare forward pass of the batch, in the memory layout that is the faster one here."""
        last = self.images.contiguous(memory_format=torch.channels_last)
        pairs = [(self.plain, self.images), (self.network, last)]
        works = [partial(bare, *pair, self.targets, False) for pair in pairs]
        return min(float(np.median([self.seconds(work) for _ in range(7)])) for work in works)

    def seconds(self, work: Callable) -> float:
        if self.device.type == "cpu":
            return seconds(work)
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return time.perf_counter() - start

    def ask(self, probe: str, number: int | None = 0, **options: object) -> None:
        """Readings of PROBE of the maps of one method (None: of the model), into a file."""
        asked = {probe: probing.Probe(registry.load("probes", probe, {}).probe, options)}
        path = self.folder / f"{probe}{'' if number is None else number}.h5"
        with (
            artifacts.Reader(self.folder / "images.h5", artifacts.IMAGES) as images,
            artifacts.Reader(self.folder / f"maps{number or 0}.h5", artifacts.MAPS) as maps,
            artifacts.Writer(path, artifacts.READINGS, {}) as writer,
        ):
            writers, maps = {probe: writer}, None if number is None else maps
            probing.ask(asked, self.classifier, images, maps, writers, stop=self.batch, rows=self.batch,
                        backend=self.backend)  # fmt: skip

    def suite(self) -> None:
        """Every score of the suite, from the model and the maps."""
        cell = self.side // CELLS
        self.ask("cells", None, cell=cell)
        for number in range(len(self.maps)):
            self.ask("perturbation", number, cell=cell, steps=STEPS)
            for probe, metrics in SUITE.items():
                path = self.folder / f"{probe}{number if probe == 'perturbation' else ''}.h5"
                paths = {"readings": path, "maps": self.folder / f"maps{number}.h5"}
                for metric in metrics:
                    scoring.score(registry.load("metrics", metric, {}).score, paths, {}, self.batch)

    def quantus_suite(self) -> None:
        """The same with Quantus, metric by metric, for SHARE of the methods: it shares nothing between them."""
        flips = self.side**2 * 3 // STEPS
        curves = [quantus.PixelFlipping(features_in_step=flips, perturb_baseline="mean", disable_warnings=True,
                                        return_auc_per_sample=False) for _ in range(4)]  # fmt: skip
        singles = [quantus.FaithfulnessEstimate(features_in_step=flips, perturb_baseline="mean", disable_warnings=True)
                   for _ in range(2)]  # fmt: skip
        images, targets = self.images.cpu().numpy(), self.targets.cpu().numpy()
        for maps in self.maps[:SHARE]:
            for metric in [*curves, *singles]:
                attributions = np.repeat(maps[:, None], 3, 1)
                metric(self.plain, images, targets, attributions, softmax=True, batch_size=self.batch,
                       device=self.device.type)  # fmt: skip
            soft = torch.from_numpy(maps[:, None]).to(self.device)
            with torch.no_grad():
                for _ in ("ad", "add"):
                    for shown in (self.images, self.images * soft):
                        self.plain(shown).softmax(1)

    def grad_cam_road(self) -> None:
        targets = [ClassifierOutputSoftmaxTarget(int(target)) for target in self.targets]
        ROADCombined(percentiles=[10, 20, 30, 40, 50, 60, 70, 80, 90])(self.images, self.maps[0], targets, self.plain)


class Counting(nn.Module):
    """The network, counting the images that pass."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.images = network, 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.images += len(images)
        return self.network(images)


def passed(case: Case, work: Callable) -> int:
    """How many images WORK passes through the network."""
    counting, fastest = Counting(case.network), forwarding.fastest
    forwarding.fastest = lambda *args: counting
    try:
        work()
    finally:
        forwarding.fastest = fastest
    return counting.images


def ratios(works: list[Callable], case: Case, rounds: int) -> np.ndarray:
    """Medians over ROUNDS of the seconds of WORKS, and of each round's F: the first round warms up."""
    found = np.array([[case.forward() / case.batch, *map(case.seconds, works)] for _ in range(rounds + 1)])[1:]
    return found[:, 1:] / found[:, :1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=["cnn32", "resnet18_64"], help=f"of {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--methods", type=int, default=12, help="of the suite")
    parser.add_argument("--backend", default="torch", choices=forwarding.BACKENDS)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--only", default="", help="probes, road or suite")
    given = parser.parse_args()
    torch.set_num_threads(1)
    started = time.strftime("%H:%M")
    with TemporaryDirectory() as folder:
        for name in given.cases:
            case = Case(name, folder, given.backend, given.methods, given.device)
            print(f"\n{name}, {case.batch} images, {given.backend}, medians of {given.rounds} rounds ({started})\n")
            for part in (probes, road, suite):
                if part.__name__.startswith(given.only):
                    part(case, given.rounds)


def probes(case: Case, rounds: int) -> None:
    print("| probe | passes per image | time / (passes x F) |\n|---|---|---|")
    cell = {"cell": case.side // CELLS}
    asked = {"perturbation": {}, "cells": {}, "patches": {}, "pixels": {"steps": 64}, "subsets": {}}
    for probe, options in asked.items():
        number = None if probe in ("cells", "subsets") else 0
        work = partial(case.ask, probe, number, **({} if probe == "pixels" else cell), **options)
        count = passed(case, work)
        (found,) = np.median(ratios([work], case, rounds), axis=0)
        print(f"| {probe} | {count / case.batch:.0f} | {found / count:.2f} |", flush=True)


def road(case: Case, rounds: int) -> None:
    work = partial(case.ask, "road")
    count = passed(case, work)
    ours, theirs = np.median(ratios([work, case.grad_cam_road], case, rounds), axis=0) / (19 * case.batch)
    print("\n| ROAD | passes per image | time / (19 F) |\n|---|---|---|")
    print(f"| ours | {count / case.batch:.0f} | {ours:.2f} |\n| pytorch-grad-cam | 36 | {theirs:.2f} |", flush=True)


def suite(case: Case, rounds: int) -> None:
    count = passed(case, case.suite)
    found = ratios([case.suite, case.quantus_suite], case, max(1, rounds // 2))
    found[:, 1] *= len(case.maps) / min(SHARE, len(case.maps))
    ours, theirs = np.median(found, axis=0)
    ratio = np.median(found[:, 1] / found[:, 0])
    print("\n| suite | passes per image and method | time / F per image and method |\n|---|---|---|")
    each = len(case.maps) * case.batch
    print(f"| ours | {count / each:.0f} | {ours / each:.0f} |\n| Quantus | {6 * STEPS + 4} | {theirs / each:.0f} |")
    print(f"\nOurs is {ratio:.1f} times as fast.", flush=True)


if __name__ == "__main__":
    main()
