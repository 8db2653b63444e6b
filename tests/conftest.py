"""What many tests look at: a classifier that learned the planted set, its test images, and models known by hand."""

import os
import random
import shutil
from pathlib import Path

# Numbers are compared to the last digits: on the processor, whatever else the machine has.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import pytest
import torch
from torch import nn

from saliency_benchmark import asking, fitting
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.datasets import planted
from saliency_benchmark.models import small_cnn
from tests import small_run

torch.set_num_threads(1)

# Not square, and small enough to be learned in a few seconds.
PLANTED = {"train": 1500, "test": 60, "rows": 28, "columns": 40, "smallest": 20, "largest": 26}


# Files that take minutes come first, the longest at the front: a file is one worker's, and none shall wait for another.
FIRST = ("test_slurm", "test_workflow", "test_shards", "test_utility_workflow", "test_alignment_workflow")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Whatever draws from the global states, of ours or of a library asked beside it, draws the same in every run."""
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(0)


class PixelSum(nn.Module):
    """The probability of class 0 is the sum of the image: curves can be done in the head."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        total = images.sum((1, 2, 3)).clamp(0, 1)
        return torch.stack([total.log(), (1 - total).log()], 1)


@pytest.fixture(scope="session")
def settings():
    return {
        "epochs": 10,
        "batch_size": 32,
        "learning_rate": 0.1,
        "warmup": 0.2,
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "flip": False,
    }


@pytest.fixture(scope="session")
def baseline():
    return fitting.recipe("baseline", {"options": {}})


@pytest.fixture(scope="session")
def training_images():
    return planted.load("train", **PLANTED)


@pytest.fixture(scope="session")
def images():
    """60 test images with their regions."""
    return planted.load("test", **PLANTED)


@pytest.fixture(scope="session")
def fitted(training_images, settings, baseline):
    data, labels = training_images["data"], training_images["label"]
    told = fitting.description({"options": {"width": 8}}, "small_cnn", data, labels)
    return fitting.fit(data, labels, told, baseline, 0, settings)


@pytest.fixture(scope="session")
def classifier(fitted):
    return fitted[0].classifier


@pytest.fixture(scope="session")
def inputs(classifier, images):
    return classifier.normalise(images["data"])


@pytest.fixture(scope="session")
def targets(classifier, inputs):
    """The predicted classes."""
    with torch.no_grad():
        return classifier.network(inputs).argmax(1)


@pytest.fixture(scope="session")
def plain():
    """plain(network, layer): a classifier that sees pixels in [0, 1] as they are."""

    def make(network, layer="", channels=1):
        return Classifier(network.eval(), torch.zeros(channels), torch.ones(channels), layer)

    return make


@pytest.fixture(scope="session")
def pixel_sum(plain):
    return plain(PixelSum())


@pytest.fixture(scope="session")
def ask():
    """ask(classifier, inputs, index, targets): what probes ask of a model; by the network itself, without an engine."""

    def make(classifier, inputs, index, targets, explain=None):
        return asking.Asked(classifier, inputs, index, targets, classifier.network, explain)

    return make


class PixelShare(nn.Module):
    """The probability of class 0 is the share of pixels that are 1."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        share = images.mean((1, 2, 3))
        return torch.stack([share.log(), (1 - share).log()], 1)


@pytest.fixture(scope="session")
def pixel_share(plain):
    return plain(PixelShare())


@pytest.fixture(scope="session")
def seeing(plain):
    """seeing(shape, classes): a network of random weights, whose answer depends on where a pixel is."""

    def make(shape, classes=3):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return plain(small_cnn.build(shape, classes, width=4), "block3.2", shape[0])

    return make


@pytest.fixture(scope="session")
def linear(plain):
    """linear(shape, classes): the classifier whose logits are weights times pixels, plus a bias."""

    def make(shape, classes=3, seed=0):
        generator = torch.Generator().manual_seed(seed)
        layer = nn.Linear(int(np.prod(shape)), classes)
        for parameter in layer.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        return plain(nn.Sequential(nn.Flatten(), layer), channels=shape[0])

    return make


@pytest.fixture(scope="session")
def draw():
    """draw(*shape): standard normal float32 numbers, the same for the same shape and seed."""

    def make(*shape, seed=0):
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed))

    return make


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The folder of results of a small run, settings beside it; not to be changed."""
    return small_run.make(tmp_path_factory.mktemp("small"))


@pytest.fixture
def results(whole, tmp_path):
    """A copy of the folder of results, free to be changed, without the settings beside it."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))
