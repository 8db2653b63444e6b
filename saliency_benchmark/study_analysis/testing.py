"""Corrections and verdicts: Holm's p-values, two one-sided tests, and the smallest effect that a study could find."""

import numpy as np
from scipy import stats

from saliency_benchmark.study_analysis.two_way import Estimate


def holm(p: np.ndarray) -> np.ndarray:
    """P-values (test) corrected for their number (Holm, 1979); NaN is no test, and counts for none."""
    p = np.asarray(p, float)
    found = np.full(len(p), np.nan)
    tests = np.flatnonzero(np.isfinite(p))
    order = tests[np.argsort(p[tests], kind="stable")]
    found[order] = np.minimum(1, np.maximum.accumulate(p[order] * (len(order) - np.arange(len(order)))))
    return found


def equivalence(estimate: Estimate, margin: float) -> float:
    """P-value of two one-sided tests (Schuirmann, 1987): below alpha, the value lies between -MARGIN and MARGIN.

    At alpha that is the same as an interval of coverage 1 - 2 alpha that lies within the margin.
    """
    mirrored = Estimate(-estimate.value, estimate.error, estimate.freedom)
    return max(estimate.p_above(-margin), mirrored.p_above(-margin))


def smallest_detectable(estimate: Estimate, alpha: float, power: float) -> float:
    """The least true effect that the two-sided test at ALPHA finds with this POWER, at the error found."""
    return float((stats.t.ppf(1 - alpha / 2, estimate.freedom) + stats.t.ppf(power, estimate.freedom)) * estimate.error)


def verdict(p: float, p_equivalence: float, alpha: float) -> str:
    """In words: what the test of a difference and the test of equivalence say together."""
    if not np.isfinite(p) and not np.isfinite(p_equivalence):
        return "no test"
    differs, same = p < alpha, p_equivalence < alpha
    return {
        (True, True): "differs, by less than the margin",
        (True, False): "differs",
        (False, True): "equivalent",
        (False, False): "undecided",
    }[bool(differs), bool(same)]
