"""Striped squares on grey: images whose region is known, a network that learns them in a second, and explainers."""

import numpy as np
import torch
from torch import nn

from saliency_benchmark import calling, fitting, registry
from saliency_benchmark.aligning import Annotated
from saliency_benchmark.classifier import Classifier

LAYER = "3"
LOSS = fitting.recipe("baseline", {"options": {}})


def images(number, seed=0):
    """Squares of 4 x 4 pixels with horizontal or vertical stripes, the label, anywhere in 10 x 10 pixels of grey."""
    rng = np.random.default_rng(seed)
    data, region = np.full((number, 1, 10, 10), 100, np.uint8), np.zeros((number, 10, 10), bool)
    label = (np.arange(number) % 2).astype(np.int32)
    for place, (row, column) in enumerate(rng.integers(0, 7, (number, 2))):
        here = (slice(row, row + 4), slice(column, column + 4))
        region[place][here] = True
        data[place, 0][here] = (np.indices((4, 4))[label[place]] % 2) * 120 + 60
    return {"data": data, "label": label, "index": np.arange(number, dtype=np.int32), "region": region}


def network(norms=False):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first = [nn.Conv2d(1, 8, 3, padding=1, bias=not norms), *([nn.BatchNorm2d(8)] if norms else [])]
        second = [nn.Conv2d(8, 8, 3, padding=1), *([nn.BatchNorm2d(8)] if norms else [])]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)]
        return nn.Sequential(*first, nn.ReLU(), *second, nn.ReLU(), *head)


def annotated(number=8, seed=0, model=None, norms=False):
    arrays = images(number, seed)
    model = model or Classifier(network(norms), torch.full((1,), 100 / 255), torch.full((1,), 0.25), LAYER)
    label = torch.from_numpy(arrays["label"]).long()
    region = torch.from_numpy(arrays["region"])
    return Annotated(model, torch.from_numpy(arrays["data"]), label, region, label, region.any((1, 2)))


def explainer(name, **options):
    method = registry.load("methods", name, {})

    def explain(model, inputs, targets):
        return calling.call(method.live, model, inputs, targets, given={"layer": LAYER}, options=options)

    return explain
