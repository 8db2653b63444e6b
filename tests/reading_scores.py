"""Scores from readings of one probe, and maps where a metric looks at them."""

import numpy as np

from saliency_benchmark import registry, scoring


def score(name, readings, maps=None, output=None, **options):
    """The metric NAME of READINGS, told as OUTPUT or as the metric chooses."""
    metric = registry.load("metrics", name, {})
    told = {key.removesuffix(f".{output or metric.OUTPUT}"): np.asarray(each) for key, each in readings.items()}
    given = told | {"maps": maps}
    return metric.score(**{key: given[key] for key in scoring.wanted(metric.score)}, **options)
