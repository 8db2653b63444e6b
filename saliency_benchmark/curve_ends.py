"""The two ends of every ROAR curve: nothing removed, and everything."""

from collections.abc import Callable

import numpy as np

from saliency_benchmark import fitting, masked, seeds, training

# With these, an image without any pixel still shows something of itself: that end has to be trained.
TELLING = ("image_mean", "blur")


def ends(train: dict, test: dict, *, told: dict, loss: Callable, settings: dict, fill: str, seed: str) -> list[dict]:
    """Test accuracy with nothing removed, and with everything, as shares removed.

    With a fill of one colour all images are one then, and the best answer is the most frequent training label: no
    training needed. With the other fills the network is trained on what the fill leaves.
    """
    source, _ = fitting.fit(train["data"], train["label"], told, loss, seed, settings)
    clean = training.accuracy(fitting.source_of(source.classifier, test["data"], test["label"]))
    if fill in TELLING:
        nothing = _all_removed(train, test, told, loss, settings, fill, seed)
    else:
        nothing = float((test["label"] == np.bincount(train["label"]).argmax()).mean())
    return [{"fraction": 0.0, "accuracy": clean}, {"fraction": 1.0, "accuracy": nothing}]


def _all_removed(train: dict, test: dict, told: dict, loss: Callable, settings: dict, fill: str, seed: str) -> float:
    model = fitting.untrained(told, train["data"], seeds.derive("weights", seed))
    sources = [
        masked.source_of(model, images, np.ones((len(images["label"]), *images["data"].shape[2:]), bool), fill)
        for images in (train, test)
    ]
    training.train(sources[0], loss, seed=seed, **settings)
    return training.accuracy(sources[1])
