"""The two ends of every ROAR curve: nothing removed, and everything."""

from collections.abc import Callable

import numpy as np

from saliency_benchmark import checkpoints, fitting, masked, seeds, training
from saliency_benchmark.checkpoints import Checkpoint

# With these, an image without any pixel still shows something of itself: that end has to be trained.
TELLING = ("image_mean", "blur")


def ends(
    train: dict,
    test: dict,
    *,
    told: dict,
    loss: Callable,
    settings: dict,
    fill: str,
    seed: str,
    name: str = "",
    saved: Checkpoint | None = None,
) -> list[dict]:
    """Test accuracy with nothing removed, and with everything, as shares removed.

    With a fill of one colour all images are one then, and the best answer is the most frequent training label: no
    training needed; nor with `linear`, where of an image without a known pixel its mean colour and noise are left. With
    the other fills the network is trained on what the fill leaves. What SAVED holds, by NAME, is not done again.
    """

    def clean() -> float:
        source, _ = fitting.fit(train["data"], train["label"], told, loss, seed, settings, saved)
        return training.accuracy(fitting.source_of(source.classifier, test["data"], test["label"]))

    def nothing() -> float:
        model = fitting.untrained(told, train["data"], seeds.derive("weights", seed))
        sources = [
            masked.source_of(model, images, np.ones((len(images["label"]), *images["data"].shape[2:]), bool), fill)
            for images in (train, test)
        ]
        training.train(sources[0], loss, seed=seed, saved=saved, **settings)
        return training.accuracy(sources[1])

    whole = checkpoints.once(saved, f"{name} clean".strip(), clean)
    empty = chance(train["label"], test["label"])
    if fill in TELLING:
        empty = checkpoints.once(saved, f"{name} nothing".strip(), nothing)
    return [{"fraction": 0.0, "accuracy": whole}, {"fraction": 1.0, "accuracy": empty}]


def chance(train: np.ndarray, test: np.ndarray) -> float:
    """Share of the labels TEST that are the most frequent one of the labels TRAIN: what no image is needed for."""
    return float((test == np.bincount(train).argmax()).mean())
