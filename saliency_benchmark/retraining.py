"""RemOve And Retrain: the same training with other input."""

from collections.abc import Callable
from functools import partial

import numpy as np

from saliency_benchmark import checkpoints, devices, fitting, masking, seeds, stacking, training
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.masked import Split
from saliency_benchmark.progress import LOGGER


def retrain(
    train: dict,
    test: dict,
    ranks: list[masking.Levels],
    *,
    told: dict,
    loss: Callable,
    settings: dict,
    fractions: list[float],
    order: str,
    fill: str,
    seed: str,
    control: str = "fixed",
    together: int | None = None,
    saved: Checkpoint | None = None,
) -> list[dict]:
    """Accuracy on the test images after retraining with each fraction of the pixels removed from *both* splits.

    ranks: those of the training and of the test images. The accuracy is the last epoch's: nothing is selected on the
    test images. Hooker et al. 2019, section 3. CONTROL `redrawn`: those of the training images are drawn anew, at
    random, for every epoch. So many fractions as TOGETHER are trained side by side; if not given, all on a GPU, and
    one after the other on a processor, where that is faster. What SAVED holds is not done again.
    """
    redrawn, rows, start = control == "redrawn", [], seeds.derive("weights", seed)
    shown = Split(train, ranks[0], order=order, fill=fill, seed=f"{seed} train", redrawn=redrawn)
    asked = Split(test, ranks[1], order=order, fill=fill, seed=f"{seed} test")

    def accuracies(some: list[float]) -> list[float]:
        models = [fitting.untrained(told, train["data"], start) for _ in some]
        sources = [shown.source(model, fraction) for model, fraction in zip(models, some, strict=True)]
        if len(some) == 1:
            training.train(sources[0], loss, seed=seed, saved=saved, **settings)
        else:
            stacking.train(sources, loss, seeds=[seed] * len(some), saved=saved, **settings)
        return [training.accuracy(asked.source(model, fraction)) for model, fraction in zip(models, some, strict=True)]

    number = min(together or (len(fractions) if devices.best().type == "cuda" else 1), len(fractions))
    if number > 1 and (reason := _obstacle(train, told, loss, settings, start)):
        LOGGER.info("fractions are trained one by one: %s", reason)
        number = 1
    for some in (fractions[first : first + number] for first in range(0, len(fractions), number)):
        found = checkpoints.once(saved, f"{order} {some}", partial(accuracies, some))
        for fraction, accuracy in zip(some, found, strict=True):
            rows.append({"fraction": fraction, "accuracy": accuracy})
            LOGGER.info("%s %s: accuracy %.4f", order, fraction, accuracy)
    return rows


def _obstacle(train: dict, told: dict, loss: Callable, settings: dict, seed: int) -> str:
    """Why these networks cannot be trained side by side, tried on two and a batch; "" if they can."""
    batch = [train[name][: settings["batch_size"]] for name in ("data", "label")]
    tried = [fitting.source_of(fitting.untrained(told, train["data"], seed), *batch) for _ in range(2)]
    return stacking.obstacle(tried, loss)


def matched(images: dict, stored: dict, split: str) -> masking.Levels:
    """The ranks in STORED, of which each map must be that of its image. Raises ValueError where they are of others."""
    ranks, (_, channels, *size) = masking.Levels.of(stored), images["data"].shape
    told = f"the {split} split has maps"
    if [*ranks.shape[-2:]] != size:
        found, wanted = ("{} x {}".format(*pixels) for pixels in (ranks.shape[-2:], size))
        raise ValueError(f"{told} of {found}, and images of {wanted} pixels; wanted: one number per pixel")
    if len(ranks.shape) == 4 and ranks.shape[1] != channels:
        raise ValueError(f"{told} of {ranks.shape[1]} channels, and images of {channels}; wanted: as many, or none")
    if not np.array_equal(stored["index"], images["index"]):
        lost = np.setdiff1d(images["index"], stored["index"])
        why = f"none of image {lost[0]}" if len(lost) else "in another order, or more than one of an image"
        told = f"the {split} split has {len(stored['index'])} maps, and {len(images['index'])} images: {why}"
        raise ValueError(f"{told}; wanted: a map of every image, in the order of the images")
    return ranks
