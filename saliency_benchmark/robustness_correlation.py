"""Do measures tell the same of a pipeline? Correlations over images of mass with rank, and of other pairs."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from saliency_benchmark import bootstrap
from saliency_benchmark.robustness_tables import by_image, keys

OF = ("difference", "aligned", "misaligned")


def correlations(
    table: pd.DataFrame, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Correlation of each pair of measures, per pipeline: robustness_correlation.csv.

    `of`: the differences, or the scores of one of the copies. Pearson's with the BCa interval over images, an image
    with several labels drawn whole; Spearman's by mid-ranks. NaN where one measure is constant or fewer than three
    pairs are valid; `invalid`: rows where one of the two has no value. TABLE as `robustness_tables.read` gives it.
    """
    names, rows = keys(table), []
    for values, part in table.groupby(names, sort=False):
        for first, second in combinations(table["measure"].unique(), 2):
            for of in (name for name in OF if name in table):
                found = _pair(part, first, second, of, confidence=confidence, resamples=resamples, seed=seed)
                if found:
                    told = dict(zip(names, values, strict=True))
                    rows.append({**told, "of": of, "first": first, "second": second, **found})
    columns = ["of", "first", "second", "pearson", "low", "high", "spearman", "images", "invalid"]
    return pd.DataFrame(rows, columns=[*names, *columns])


def _pair(part: pd.DataFrame, first: str, second: str, of: str, **options: float) -> dict | None:
    """None where one of the measures has no row."""
    index = [name for name in ("image", "label") if name in part]
    one, other = (part[part["measure"] == name].set_index(index)[of] for name in (first, second))
    both = pd.concat([one, other], axis=1, keys=["first", "second"])
    if not len(one) or not len(other):
        return None
    valid = both.dropna()
    told = {"images": valid.index.get_level_values("image").nunique(), "invalid": len(both) - len(valid)}
    empty = {"pearson": np.nan, "low": np.nan, "high": np.nan, "spearman": np.nan}
    if len(valid) < 3 or (valid.nunique() < 2).any():
        return empty | told
    # Centred: the moments of numbers near each other would drown in rounding.
    shifted = (valid - valid.mean()).to_numpy()
    moments = by_image(valid.reset_index(), np.stack(list(_moments(shifted)), 1))
    low, high = bootstrap.interval(lambda weights: _pearson(weights @ moments), len(moments), **options)
    ranks = valid.rank().to_numpy()
    spearman = float(np.corrcoef(ranks.T)[0, 1])
    return {"pearson": float(_pearson(moments.sum(0)[None])[0]), "low": low, "high": high, "spearman": spearman} | told


def _moments(pairs: np.ndarray) -> Iterator[np.ndarray]:
    x, y = pairs.T
    yield from (np.ones(len(x)), x, y, x * x, y * y, x * y)


def _pearson(moments: np.ndarray) -> np.ndarray:
    """Of sums (sample, moment): number, x, y, xx, yy, xy. NaN where one of them is constant."""
    number, x, y, xx, yy, xy = moments.T
    spreads = xx - x * x / number, yy - y * y / number
    there = (spreads[0] > 1e-12 * xx) & (spreads[1] > 1e-12 * yy)
    scale = np.sqrt(np.where(there, spreads[0] * spreads[1], np.nan))
    return np.clip((xy - x * y / number) / scale, -1, 1)
