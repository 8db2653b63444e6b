"""Areas between ROAR curves: how much better one is than another, and what a perfect one would gain.

By order, `fraction` and what is better: remove (most salient first; fraction removed; lower), remove_least (least
salient first; fraction removed; higher), keep (most salient kept; fraction kept; higher). Areas are trapezoids over the
fraction, divided by the span of the fractions: mean differences of accuracy.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

# Is a higher curve better? And the fraction at which the best curve of all would lie all along: everything removed for
# remove, nothing for the others.
HIGHER = {"remove": False, "remove_least": True, "keep": True}
BEST = {"remove": 1.0, "remove_least": 0.0, "keep": 1.0}
NAMES = {"remove": "everything removed", "remove_least": "nothing removed", "keep": "everything kept"}


@dataclass(frozen=True)
class Areas:
    """What a curve gains over another, and the room for it, by repeat."""

    gain: np.ndarray  # repeat: mean difference of accuracy, positive where the curve is the better one
    room: np.ndarray  # repeat: the gain of the best curve of all over the control; NaN without its accuracy
    fractions: int  # compared, strictly between 0 and 1
    better: int  # of these: where the curve's mean is better than the other's
    span: tuple[float, float]  # the lowest and highest fraction compared
    left_out: int  # accuracies of either curve without a counterpart
    invalid: int  # accuracies without a value or a row where they are compared; their repeats are left out


def by_method(part: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of one run and order -> accuracies (repeat, fraction) of each method.

    Raises ValueError where an accuracy is there twice.
    """
    return {
        method: curve.pivot(index="repeat", columns="fraction", values="accuracy")
        for method, curve in part.groupby("method", sort=False, observed=True)
    }


def compared(curve: pd.DataFrame, other: pd.DataFrame, control: pd.DataFrame | None, order: str) -> Areas:
    """How much better CURVE is than OTHER, against the room that CONTROL leaves; all (repeat, fraction).

    On the fractions and the repeats that all of them have.
    """
    frames = [frame for frame in (curve, other, control) if frame is not None]
    index, columns = frames[0].index, frames[0].columns
    for frame in frames[1:]:
        index, columns = index.intersection(frame.index), columns.intersection(frame.columns)
    columns = columns.sort_values()
    cut = [frame.loc[index, columns].to_numpy(float) for frame in frames]
    valid = np.isfinite(cut).all((0, 2))
    invalid = int(sum((~np.isfinite(values)).sum() for values in cut[:2]))
    fractions = columns.to_numpy(float)
    mine, theirs = (values[valid] for values in cut[:2])
    sign = 1 if HIGHER[order] else -1
    room = np.full(len(mine), np.nan) if control is None else _room(cut[-1][valid], fractions, order)
    inner = (fractions > 0) & (fractions < 1)
    gained = sign * (mine - theirs)
    return Areas(
        gain=mean_height(gained, fractions),
        room=room,
        fractions=int(inner.sum()),
        better=int((gained.mean(0)[inner] > 0).sum()) if len(gained) else 0,
        span=(float(fractions.min()), float(fractions.max())) if len(fractions) else (np.nan, np.nan),
        left_out=sum(_values(frame) - _values(frame.loc[index, columns]) for frame in frames[:2]),
        invalid=invalid,
    )


def _room(control: np.ndarray, fractions: np.ndarray, order: str) -> np.ndarray:
    if BEST[order] not in fractions:
        return np.full(control.shape[:-1], np.nan)
    best = control[..., fractions == BEST[order]]
    return mean_height(best - control if HIGHER[order] else control - best, fractions)


def _values(frame: pd.DataFrame) -> int:
    return int(frame.notna().to_numpy().sum())


def mean_height(curves: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Trapezoid area of CURVES (..., fraction) over the span of the FRACTIONS, divided by it; NaN without a span."""
    if len(fractions) < 2:
        return np.full(curves.shape[:-1], np.nan)
    return np.trapezoid(curves, fractions, axis=-1) / (fractions[-1] - fractions[0])


def area_score(curve: np.ndarray, control: np.ndarray, fractions: np.ndarray, order: str) -> np.ndarray:
    """Curves (..., fraction) -> (...): gain over the control by the control's room, clipped to [-1, 1].

    remove: area(control - curve) / area(control - control at 1); keep and remove_least: area(curve - control) /
    area(best - control), where best is the control's accuracy with nothing removed. RACU of Madsen et al., 2022 (eq. 1;
    their code divides per seed, too, and does not clip). NaN where there is no room.
    """
    gain = mean_height(curve - control if HIGHER[order] else control - curve, fractions)
    room = _room(control, fractions, order)
    return np.clip(np.divide(gain, room, out=np.full(np.shape(gain), np.nan), where=room > 0), -1, 1)
