"""Every image votes for the method that it ranks first."""

import numpy as np


def cast(ranking: np.ndarray) -> np.ndarray:
    """Votes (image, method) of RANKING (image, method), one per image; methods that tie for first share it.

    A method without a rank on an image gets nothing there.
    """
    least = np.where(np.isfinite(ranking), ranking, np.inf)
    first = least == least.min(1, keepdims=True)
    return first / first.sum(1, keepdims=True)


def shares(ranking: np.ndarray) -> np.ndarray:
    """Share of the votes of each method: (method), of sum 1; NaN without images."""
    return cast(ranking).mean(0) if len(ranking) else np.full(ranking.shape[1], np.nan)
