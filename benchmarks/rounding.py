"""How much of what fine-tuning by maps finds is decided by rounding: it is done again from weights that moved by 1e-7.

RESULTS: the folder of a finished run with `alignment`. For one model and method, the mass of the aligned less that of
the misaligned copy on the test images: as the run did it, and from weights of which each was multiplied by 1 + 1e-7
times a standard normal number, as many draws as told. One thread, as the run's jobs have.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from saliency_benchmark import aligning, annotations, artifacts, classifier, devices, fitting, live_maps
from saliency_benchmark.accumulation import whole

MOVED = 1e-7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    for name, value in (("dataset", "planted"), ("model", "swin_pretrained"), ("method", "lrp_epsilon_plus")):
        parser.add_argument(f"--{name}", default=value)
    parser.add_argument("--draws", type=int, default=3)
    asked = parser.parse_args()
    devices.use_threads(1)
    work = Work(asked.results / asked.dataset, asked.model, asked.method)
    for draw in (None, *range(asked.draws)):
        one, other = (work.tuned(direction, draw) for direction in aligning.DIRECTIONS)
        print(f"{'as it was' if draw is None else f'moved, draw {draw}'}: {one - other:.3f}", flush=True)


class Work:
    """What a job of the run worked with."""

    def __init__(self, folder: Path, model: str, method: str) -> None:
        self._folder, self._model = folder, folder / model / "baseline" / "seed-0"
        copy = self._model / "alignment" / "exact" / "all" / method / "misaligned" / "model.h5"
        self._told = artifacts.record(copy)["origin"]["settings"]

    def tuned(self, direction: str, draw: int | None) -> float:
        """Mean mass of the maps on the test images after fine-tuning."""
        told, model = self._told, classifier.load(self._model / "model.h5")
        if draw is not None:
            _move(model.network, draw)
        source = self._source(model, "train", told["images"])
        explainer = live_maps.explainer(told["method"], model)
        loss = fitting.recipe("baseline", told["recipe"])
        aligning.align(source, loss, explainer, aligning.Tuning(**told["tuning"] | {"direction": direction}))
        test = self._source(model, "test", 100)
        with torch.enable_grad():
            maps = whole(explainer(model.network, test.inputs(slice(None)), test.targets)).detach()
        maps = (maps.sum(1) if maps.ndim == 4 else maps).clamp(min=0)
        return float(np.nanmean(((maps * test.regions).sum((1, 2)) / maps.sum((1, 2))).numpy()))

    def _source(self, model: classifier.Classifier, split: str, number: int) -> annotations.Annotated:
        images = annotations.chosen(self._folder / "images" / f"{split}.h5", number)
        labels = fitting.truth(images, "baseline", self._told["recipe"])
        return annotations.annotated(model, images, labels=labels, **self._told["regions"])


@torch.no_grad()
def _move(network: torch.nn.Module, draw: int) -> None:
    generator = torch.Generator().manual_seed(draw)
    for parameter in network.parameters():
        parameter.mul_(1 + MOVED * torch.randn(parameter.shape, generator=generator))


if __name__ == "__main__":
    main()
