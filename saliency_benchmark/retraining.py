"""RemOve And Retrain: the same training with other input."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from saliency_benchmark import artifacts, checkpoints, devices, fitting, masking, seeds, stacking, training
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.masked import Split
from saliency_benchmark.progress import LOGGER


@dataclass(frozen=True)
class Part:
    """A curve of a job: what the log and the checkpoint call it, RANKS() of the training and the test images, and of
    the repeat its seed."""

    name: str
    ranks: Callable[[], list[masking.Levels]]
    seed: str
    control: str | None = None


def retrain(
    train: dict,
    test: dict,
    ranks: list[masking.Levels],
    *,
    seed: str,
    control: str | None = None,
    **how: object,
) -> list[dict]:
    """As `curves`, of one part: ranks of the training and of the test images."""
    return curves(train, test, [Part("", lambda: ranks, seed, control)], **how)[0]


def curves(
    train: dict,
    test: dict,
    parts: Sequence[Part],
    *,
    told: dict,
    loss: Callable,
    settings: dict,
    fractions: list[float],
    order: str,
    fill: str,
    together: int | None = None,
    saved: Checkpoint | None = None,
) -> list[list[dict]]:
    """Accuracy on the test images after retraining with each fraction of the pixels removed from *both* splits.

    A list of rows per part. The accuracy is the last epoch's: nothing is selected on the test images. Hooker et al.
    2019, section 3. A part's CONTROL `redrawn`: the ranks of the training images are drawn anew, at random, for every
    epoch. So many as TOGETHER are trained side by side, of whatever part; if not given, on a GPU as many as there are
    fractions, and one after the other on a processor, where that is faster. What SAVED holds is not done again.
    """
    held = _Held(train, test, order, fill)

    def accuracies(some: list[tuple[Part, float]]) -> list[float]:
        models, sources, asked = [], [], []
        for part, fraction in some:
            models.append(fitting.untrained(told, train["data"], seeds.derive("weights", part.seed)))
            sources.append(held.of(part)[0].source(models[-1], fraction))
            asked.append(held.of(part)[1])
        if len(some) == 1:
            training.train(sources[0], loss, seed=some[0][0].seed, saved=saved, **settings)
        else:
            stacking.train(sources, loss, seeds=[part.seed for part, _ in some], saved=saved, **settings)
        triples = zip(asked, models, some, strict=True)
        return [training.accuracy(split.source(model, fraction)) for split, model, (_, fraction) in triples]

    asked = [(part, fraction) for part in parts for fraction in fractions]
    number = min(together or (len(fractions) if devices.best().type == "cuda" else 1), len(asked))
    if number > 1 and (reason := _obstacle(train, told, loss, settings, seeds.derive("weights", parts[0].seed))):
        LOGGER.info("they are trained one by one: %s", reason)
        number = 1
    rows: dict[str, list[dict]] = {part.name: [] for part in parts}
    for some in (asked[first : first + number] for first in range(0, len(asked), number)):
        held.keep({part.name for part, _ in some})
        names = [f"{part.name} {order} {fraction}".strip() for part, fraction in some]
        found = checkpoints.once(saved, ", ".join(names), partial(accuracies, some))
        for (part, fraction), name, accuracy in zip(some, names, found, strict=True):
            rows[part.name].append({"fraction": fraction, "accuracy": accuracy})
            LOGGER.info("%s: accuracy %.4f", name, accuracy)
    return [rows[part.name] for part in parts]


class _Held:
    """Both splits of the parts that are at work; images, and what a fill makes of them alone, are there once."""

    def __init__(self, train: dict, test: dict, order: str, fill: str) -> None:
        self._given, self._how = [("train", train, {}), ("test", test, {})], {"order": order, "fill": fill}
        self._splits: dict[str, list[Split]] = {}

    def of(self, part: Part) -> list[Split]:
        """For training, and for the test."""
        if part.name not in self._splits:
            self._splits[part.name] = [
                Split(images, ranks, seed=f"{part.seed} {name}", redrawn=name == "train" and part.control == "redrawn",
                      shared=shared, **self._how)
                for (name, images, shared), ranks in zip(self._given, part.ranks(), strict=True)
            ]  # fmt: skip
        return self._splits[part.name]

    def keep(self, names: set[str]) -> None:
        """Drop what is not of NAMES."""
        self._splits = {name: splits for name, splits in self._splits.items() if name in names}


def _obstacle(train: dict, told: dict, loss: Callable, settings: dict, seed: int) -> str:
    """Why these networks cannot be trained side by side, tried on two and a batch; "" if they can."""
    batch = [train[name][: settings["batch_size"]] for name in ("data", "label")]
    tried = [fitting.source_of(fitting.untrained(told, train["data"], seed), *batch) for _ in range(2)]
    return stacking.obstacle(tried, loss)


def ranks(paths: Sequence[str], train: dict, test: dict) -> list[masking.Levels]:
    """Those in the files PATHS, of the training and of the test images; see `matched`."""
    told = zip((train, test), paths, ("train", "test"), strict=True)
    return [matched(images, artifacts.read(path, artifacts.RANKS), split) for images, path, split in told]


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
