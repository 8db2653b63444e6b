"""`python -m tests.on_pretended_gpu FOLDER`: the work of jobs on a GPU that is not there; its files go to FOLDER."""

import copy
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from torch import nn

from saliency_benchmark import (
    aligning,
    annotations,
    artifacts,
    attribution,
    classifier,
    fitting,
    live_maps,
    maps,
    masking,
    probes,
    probing,
    reexplaining,
    retraining,
)
from saliency_benchmark.aligning import Tuning
from saliency_benchmark.datasets import planted
from tests import pretended_gpu

SETTINGS = {
    "epochs": 1,
    "batch_size": 16,
    "learning_rate": 0.05,
    "warmup": 0.0,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "flip": True,
}
SIZE = {"rows": 28, "columns": 28, "smallest": 18, "largest": 24}
ORIGIN = {"wildcards": {}}
# What cannot explain a network without ReLUs, or has other needs, is left to its own tests.
METHODS = ("gradient", "integrated_gradients", "smoothgrad", "guided_backprop", "deeplift", "lrp_epsilon_plus",
           "lrp_epsilon_alpha2_beta1", "grad_cam", "layer_cam", "eigen_cam", "score_cam", "fullgrad", "occlusion",
           "rise", "kernel_shap", "lime", "expected_gradients", "random", "sobel", "oracle")  # fmt: skip
ALONE = ("cells", "replacements", "subsets")  # probes that ask of no map
LIVE = {"gradient": {}, "smoothgrad": {"samples": 2}, "grad_cam": {}, "lrp_epsilon_plus": {}}
# A CNN, a transformer, and one behind a resize whose pooling has cells, as VGG's.
MODELS = {
    "small_cnn": {"options": {"width": 2}},
    "narrow": {"options": {"family": "vit"}},
    "pooled": {"call": "tests.on_pretended_gpu:pooled", "options": {}, "size": (36, 40)},
}


def pooled(shape: tuple[int, int, int], classes: int) -> nn.Module:
    layers = nn.Conv2d(shape[0], 4, 3, 2), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d((7, 7))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(196, classes))


def main(folder: Path) -> None:
    pretended_gpu.install()
    images = {split: planted.load(split, train=32, test=6, **SIZE) for split in ("train", "test")}
    artifacts.write(folder / "images.h5", artifacts.IMAGES, images["test"], {})
    for name, entry in MODELS.items():
        trained(folder, name, entry, images["train"])
        fine_tuned(classifier.load(folder / "model.h5"), images["train"])
        if name == "small_cnn":
            explained(folder, images["train"]["data"])
            probed(folder, images["train"]["data"])
            retrained(images, name, entry)


def trained(folder: Path, name: str, entry: dict, images: dict) -> None:
    told = fitting.description(entry, name, images["data"], images["label"])
    loss = fitting.recipe("composed", {"options": {"parts": ["fp", "ap", "fl"]}})
    settings = SETTINGS | {"validation": 0.25}
    source, course = fitting.obtain(images["data"], images["label"], told, loss, 0, settings)
    assert next(source.classifier.network.parameters()).is_cuda
    classifier.save(folder / "model.h5", source.classifier, told, course.curves, {}, course.facts)


def explained(folder: Path, background: np.ndarray) -> None:
    model, methods = classifier.load(folder / "model.h5"), attribution.methods({name: {} for name in METHODS})
    paths = [folder / f"{name}.h5" for name in METHODS]
    with (
        artifacts.Reader(folder / "images.h5", artifacts.IMAGES) as images,
        maps.Maps(METHODS, paths, ORIGIN) as writers,
    ):
        attribution.explain(methods, model, images, writers, background=background[:4])


def probed(folder: Path, background: np.ndarray) -> None:
    model = classifier.load(folder / "model.h5")
    explainer = reexplaining.explainer({"grad_cam": {}}, model, {}, background[:4])
    known = [path.stem for path in Path(probes.__path__[0]).glob("[!_]*.py")]
    for path, labels in ((None, ALONE), (folder / "grad_cam.h5", [name for name in known if name not in ALONE])):
        asked = probing.probes({label: {} for label in labels})
        files = [folder / f"{label} readings.h5" for label in labels]
        with ExitStack() as stack:
            images = stack.enter_context(artifacts.Reader(folder / "images.h5", artifacts.IMAGES))
            attributions = path and stack.enter_context(artifacts.Reader(path, artifacts.MAPS))
            writers = stack.enter_context(maps.Readings(labels, files, ORIGIN))
            probing.ask(asked, model, images, attributions, writers, stop=4, explainer=path and explainer)


def retrained(images: dict, name: str, entry: dict) -> None:
    train, test = images["train"], images["test"]
    told = fitting.description(entry, name, train["data"], train["label"])
    loss, draw = fitting.recipe("baseline", {"options": {}}), np.random.default_rng(0)
    ranks = [masking.ranks(draw.random(each["region"].shape), each["index"]) for each in (train, test)]
    for fill, control, together in (("mean", "fixed", 2), ("linear", "redrawn", 1), ("blur", "fixed", 1)):
        how = {"fractions": [0.3, 0.6], "order": "remove", "fill": fill, "seed": "a", "control": control}
        retraining.retrain(train, test, ranks, told=told, loss=loss, settings=SETTINGS, together=together, **how)


def fine_tuned(model: classifier.Classifier, images: dict) -> None:
    loss = fitting.recipe("baseline", {"options": {}})
    few = annotations.Chosen({name: array[:8] for name, array in images.items()})
    for method, options in LIVE.items():
        source = annotations.annotated(copy.deepcopy(model), few, labels=few["label"])
        explainer = live_maps.explainer({method: {"options": options}}, source.classifier)
        tuning = Tuning("misaligned", 0, epochs=1, batch_size=4, accumulation=1, learning_rate=1e-3)
        aligning.align(source, loss, explainer, tuning)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
