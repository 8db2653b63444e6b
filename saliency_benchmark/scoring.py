"""One number per image from what a metric reads: readings of a probe, or maps and regions."""

import inspect
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np

from saliency_benchmark import artifacts

BLOCK = 512
# Metrics speak of maps and regions; the files name them after the field's viewers.
STORED = {"maps": "attribution", "regions": "region"}


def score(
    metric: Callable, readings: str, schema: artifacts.Schema, images: str, options: dict, stop: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the first STOP images and their index; READINGS is the file of a probe or of maps, by SCHEMA.

    Raises ValueError where the metric asks for what is not there, or gives another number of scores.
    """
    wanted = [name for name, part in inspect.signature(metric).parameters.items() if part.kind != part.KEYWORD_ONLY]
    scores, indices = [], []
    with ExitStack() as stack:
        sources = [
            stack.enter_context(artifacts.Reader(readings, schema)),
            stack.enter_context(artifacts.Reader(images, artifacts.IMAGES)),
        ]
        places = {name: _place(STORED.get(name, name), name, sources) for name in wanted}
        stop = min(stop, *map(len, sources))
        for start in range(0, stop, BLOCK):
            block = slice(start, min(start + BLOCK, stop))
            indices.append(sources[0]["index"][block])
            values = metric(**{name: source[stored][block] for name, (source, stored) in places.items()}, **options)
            if np.shape(values) != (len(indices[-1]),):
                raise ValueError(
                    f"the metric gave shape {np.shape(values)} for {len(indices[-1])} images; wanted: one each"
                )
            # A score that is no finite number is no score: it is counted, and in no mean and no rank.
            scores.append(np.where(np.isfinite(values), values, np.nan).astype(float))
    return np.concatenate(scores), np.concatenate(indices)


def _place(stored: str, name: str, sources: list[artifacts.Reader]) -> tuple[artifacts.Reader, str]:
    for source in sources:
        if stored in source:
            return source, stored
    have = sorted({held for source in sources for held in source.names()})
    raise ValueError(f"the metric reads {name!r}, and there is only {', '.join(have)}: is its PROBE right?")
