"""One number per image from what a metric reads: readings of a probe, maps, what is told of them, and regions."""

import inspect
from collections.abc import Callable, Iterable
from contextlib import ExitStack

import numpy as np

from saliency_benchmark import artifacts

BLOCK = 512
# Metrics speak of maps and regions; the files name them after the field's viewers.
STORED = {"maps": "attribution", "regions": "region"}
SCHEMAS = {"readings": artifacts.READINGS, "maps": artifacts.MAPS, "images": artifacts.IMAGES}


def wanted(score: Callable) -> list[str]:
    """What SCORE reads: the names of its parameters that are no options."""
    return [name for name, part in inspect.signature(score).parameters.items() if part.kind != part.KEYWORD_ONLY]


def score(
    score: Callable,
    paths: dict[str, str],
    options: dict,
    stop: int,
    *,
    output: str = "probability",
    whole: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the first STOP images and their index. PATHS: files of readings, maps, images, by kind.

    OUTPUT: which score of the model it reads; WHOLE: all images at once instead of blocks. An image of whose class
    readings and maps do not speak alike has no score. Raises ValueError where the metric asks for what is not there, or
    gives another number of scores.
    """
    scores, indices = [], []
    with ExitStack() as stack:
        sources = [stack.enter_context(artifacts.Reader(path, SCHEMAS[kind])) for kind, path in paths.items()]
        places = {name: _place(name, output, sources) for name in wanted(score)}
        stop = min(stop, *map(len, sources))
        size = stop if whole else BLOCK
        for start in range(0, stop, size):
            block = slice(start, min(start + size, stop))
            indices.append(_agreed("index", sources, block))
            values = score(**{name: source[stored][block] for name, (source, stored) in places.items()}, **options)
            if np.shape(values) != (len(indices[-1]),):
                raise ValueError(
                    f"the metric gave shape {np.shape(values)} for {len(indices[-1])} images; wanted: one each"
                )
            valid = np.isfinite(values) & _alike(sources, block)
            # A score that is no finite number is no score: it is counted, and in no mean and no rank.
            scores.append(np.where(valid, values, np.nan).astype(float))
    return np.concatenate(scores), np.concatenate(indices)


def _place(name: str, output: str, sources: list[artifacts.Reader]) -> tuple[artifacts.Reader, str]:
    """Where a parameter called NAME is stored; of what is told three ways, as OUTPUT."""
    for source in sources:
        for stored in (STORED.get(name, name), f"{name}.{output}"):
            if stored in source:
                return source, stored
    have = sorted({held.partition(".")[0] for source in sources for held in source.names()})
    raise ValueError(f"the metric reads {name!r}, and there is only {', '.join(have)}: is its PROBE right?")


def _agreed(name: str, sources: list[artifacts.Reader], block: slice) -> np.ndarray:
    found = [source[name][block] for source in sources]
    if any(not np.array_equal(each, found[0]) for each in found):
        raise ValueError(f"maps and readings are of other images: their `{name}` differs; make them again")
    return found[0]


def _alike(sources: Iterable[artifacts.Reader], block: slice) -> np.ndarray | bool:
    """Where all speak of the same class: rounding can turn a tie of two classes."""
    targets = [source["target"][block] for source in sources if "target" in source]
    return np.logical_and.reduce([each == targets[0] for each in targets]) if targets else True
