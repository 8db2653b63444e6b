"""Recursive ROAR: each step explains the network that the step before retrained (Madsen et al., 2022).

What is removed stays removed, and what goes next is decided by maps of the masked images. A step's rank maps say both:
the entries that are gone come first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch

from saliency_benchmark import (
    artifacts,
    attribution,
    batching,
    checkpoints,
    fitting,
    masked,
    masking,
    preparation,
    reexplaining,
    resuming,
    retraining,
    seeds,
    tables,
    training,
)
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.members import Member
from saliency_benchmark.progress import LOGGER, Progress
from saliency_benchmark.reexplaining import Explainer


@dataclass(frozen=True)
class Removal:
    """The share removed after a step, what stands there then, and how maps order what is left (ties by SEED)."""

    fraction: float
    fill: str
    unit: str
    seed: int


def explaining(method: dict, explain: dict, background: str | list[str]) -> Callable[[Classifier], Explainer]:
    """METHOD (label -> entry) for any classifier, as the settings EXPLAIN have it; BACKGROUND: a file of images."""
    drawn = preparation.sample(background, explain)
    return partial(reexplaining.explainer, method, explain=explain, background=drawn)


def steps(
    tasks: list[Member], train: dict, test: dict, removal: Removal, *, saved: Checkpoint | None = None, **how: object
) -> None:
    """A `step` of each of TASKS, whose table and rank maps are written before the next one begins; HOW as there."""
    for task in tasks:
        ranks = [each.ranks() for each in retraining.ranks(task.inputs["ranks"], train, test)]
        method, explain = task.settings["method"], task.settings["explain"]
        told = {"explainer": explaining(method, explain, task.inputs["background"]), "explain": explain}
        told |= {"seed": task.settings["seed"], "name": task.name, "saved": saved}
        row, after = step(train, test, ranks, removal, **told, **how)
        origin = task.origin()
        tables.write(task.outputs["accuracy"], pd.DataFrame([row]), origin)
        for split, images, level in zip(("train", "test"), (train, test), after, strict=True):
            artifacts.write(task.outputs[split], artifacts.RANKS, {"level": level, "index": images["index"]}, origin)


def step(
    train: dict,
    test: dict,
    ranks: list[np.ndarray],
    removal: Removal,
    *,
    told: dict,
    loss: Callable,
    settings: dict,
    seed: str,
    explainer: Callable[[Classifier], Explainer],
    explain: dict,
    name: str = "",
    saved: Checkpoint | None = None,
) -> tuple[dict, list[np.ndarray]]:
    """Remove the first of RANKS from both splits and retrain; gives the test accuracy, and rank maps for the next step.

    ranks: of the training and of the test images, of the step before (at first ROAR's own). EXPLAINER makes the method
    for the retrained network; EXPLAIN says what of it (`target`, `rows`). A training that SAVED holds, by NAME, goes
    on, or is not done again.
    """
    model = fitting.untrained(told, train["data"], seeds.derive("weights", seed))
    splits = [
        masked.Split(images, rank, order="remove", fill=removal.fill, seed=f"{seed} {split}")
        for split, images, rank in zip(("train", "test"), (train, test), ranks, strict=True)
    ]
    sources = [split.source(model, removal.fraction) for split in splits]

    def trained() -> dict:
        training.train(sources[0], loss, seed=seed, saved=saved, **settings)
        return {"accuracy": training.accuracy(sources[1]), "network": resuming.tensors(model.network)}

    part = f"{name} recursive {removal.fraction}".strip()
    found = checkpoints.once(saved, part, trained)
    # A network that was finished before is as one that was trained just now.
    resuming.restore(model.network.eval().requires_grad_(False), found["network"])
    row = {"fraction": removal.fraction, "accuracy": found["accuracy"]}
    LOGGER.info("%s: accuracy %.4f", part, row["accuracy"])
    following = [
        _explained_again(source, images, rank, removal, explainer(model), explain)
        for source, images, rank in zip(sources, (train, test), ranks, strict=True)
    ]
    return row, following


def _explained_again(
    source: masked.MaskedSource, images: dict, rank: np.ndarray, removal: Removal, explainer: Explainer, explain: dict
) -> np.ndarray:
    """RANK with what is not gone in the order of new maps, by blocks of images: their maps are not kept."""
    network, found = source.classifier.network, []
    number = masking.count(removal.fraction, rank[0].size)
    progress = Progress("explaining", len(rank))

    def work(place: slice) -> None:
        inputs, regions = source.inputs(place), images.get("region")
        with torch.no_grad():
            targets = attribution.targets_of(
                explain.get("target", "prediction"), network(inputs), images["label"][place]
            )
        maps = explainer.of(None if regions is None else regions[place])(inputs, targets)
        # As maps are stored: with a channel axis in any case.
        values = masking.per_unit((maps if maps.ndim == 4 else maps[:, None]).cpu().numpy(), removal.unit)
        found.append(continued(rank[place], number, values, images["index"][place], removal.seed))
        progress.add(len(values))

    walk = batching.Walk(len(rank), explain.get("rows") or batching.automatic(network, images["data"].shape[1:]))
    walk.over(work)
    return np.concatenate(found)


def continued(rank: np.ndarray, number: int, values: np.ndarray, index: np.ndarray, seed: int) -> np.ndarray:
    """RANK, whose first NUMBER entries keep their places, with the others ordered by VALUES as `masking.ranks` does."""
    first, new = (each.reshape(len(rank), -1).astype(np.int64) for each in (rank, masking.ranks(values, index, seed)))
    order = np.where(first < number, first, first.shape[1] + new).argsort(1)
    merged = np.empty(order.shape, rank.dtype)
    np.put_along_axis(merged, order, np.arange(order.shape[1], dtype=rank.dtype)[None], axis=1)
    return merged.reshape(rank.shape)
