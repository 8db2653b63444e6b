"""Probes that want new maps of a method, as tests ask them; and quantus, which warns of much."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from saliency_benchmark import attribution, compat, reexplaining, registry, scoring
from saliency_benchmark.asking import Asked


def method(name: str | Callable, classifier: object, options: dict | None = None, **given: object):
    """The method NAME of methods/, or a function, as probes are given it."""
    function = name if callable(name) else registry.load("methods", name, {}).attribute
    return reexplaining.Explainer(attribution.Method(function, options or {}), classifier, given=given)


def probed(probe: str, asked: Asked, maps: torch.Tensor | None = None, **options: object) -> dict[str, np.ndarray]:
    """Readings of PROBE for MAPS, those of the method itself if none are given."""
    maps = asked.explain(asked.inputs, asked.targets) if maps is None else maps
    found = registry.load("probes", probe, {}).probe(asked, maps, **options)
    return {name: np.asarray(values) for name, values in found.items()}


def scores(metric: str, readings: dict[str, np.ndarray], **options: object) -> np.ndarray:
    """Scores by METRIC, which takes of READINGS what it names, as its own OUTPUT."""
    module = registry.load("metrics", metric, {})
    output = getattr(module, "OUTPUT", "probability")
    names = scoring.wanted(module.score)
    return module.score(**{name: readings.get(f"{name}.{output}", readings.get(name)) for name in names}, **options)


def scored(metric: str, asked: Asked, **options: object) -> np.ndarray:
    """Scores by METRIC of the method itself."""
    return scores(metric, probed(registry.load("metrics", metric, {}).PROBE, asked, **options))


@contextmanager
def quantus() -> Iterator[object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compat.torchvision()
        import quantus

        yield quantus


def asked_of_quantus(name: str, asked: Asked, options: dict | None = None, **more: object) -> np.ndarray | list | dict:
    """Scores by quantus's metric NAME, for the same network, images, classes and method; MORE goes to its call."""

    def explain(model, inputs, targets, **_):
        images, classes = torch.as_tensor(np.asarray(inputs)).float(), torch.as_tensor(np.asarray(targets)).long()
        # Its own copy of the network, which some of its metrics have changed.
        return asked.explain(images, classes, network=model.eval()).detach().numpy()

    with quantus() as library:
        metric = getattr(library, name)(disable_warnings=True, **(options or {}))
        return metric(
            model=asked.classifier.network,
            x_batch=asked.inputs.numpy().copy(),
            y_batch=asked.targets.numpy().copy(),
            explain_func=explain,
            channel_first=True,
            **more,
        )
