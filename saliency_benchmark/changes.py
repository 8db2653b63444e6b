"""How much maps change, as numbers: over the draws, steps or stages of a probe, (image, draw) -> (image)."""

import numpy as np


def divided(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """VALUES / SCALE in double precision; NaN where the scale is 0."""
    values, scale = np.broadcast_arrays(values.astype(float), scale.astype(float))
    return np.divide(values, scale, out=np.full(values.shape, np.nan), where=scale != 0)


def of_map(distance: np.ndarray, norm: np.ndarray, relative: bool) -> np.ndarray:
    """Distance of each draw's map, as a share of the clean map's norm where RELATIVE; NaN for a map that is 0."""
    return divided(distance, norm[:, None]) if relative else distance.astype(float)


def largest(values: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Largest of VALUES over the draws that are ALLOWED; NaN where there is none, or one of them is NaN."""
    found = np.where(allowed, values, -np.inf).max(1)
    return np.where(allowed.any(1), found, np.nan)


def relative(change: np.ndarray, cause: np.ndarray, same: np.ndarray, least: float, logarithm: bool) -> np.ndarray:
    """Largest CHANGE / max(CAUSE, LEAST) over the draws of the SAME prediction, or its natural LOGARITHM."""
    found = largest(divided(change, np.maximum(cause, least)), same > 0)
    with np.errstate(divide="ignore"):
        return np.log(found) if logarithm else found


def similarity(similarities: dict[str, np.ndarray], kind: str, stage: str) -> np.ndarray:
    """Similarity of KIND, mean over the stages or at the last STAGE: (image, stage) -> (image)."""
    if kind not in similarities or stage not in ("mean", "last"):
        raise ValueError(f"similarity {kind!r} at stage {stage!r}; wanted: {' or '.join(similarities)}, mean or last")
    return similarities[kind].mean(1) if stage == "mean" else similarities[kind][:, -1]
