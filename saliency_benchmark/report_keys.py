"""What the page's sections share: how a trained model is called, and how an interval reads."""

import numpy as np

RUN = ["dataset", "model", "recipe", "seed"]


def named(values: tuple) -> str:
    """Of the VALUES of RUN."""
    return f"{values[0]}: {values[1]}, {values[2]}, seed {values[3]}"


def interval(value: float, low: float, high: float) -> str:
    """VALUE with what it may be, if that is known; nothing where there is no value."""
    if not np.isfinite(value):
        return ""
    return f"{value:.3f}" + (f" [{low:.3f}, {high:.3f}]" if np.isfinite(low) else "")
