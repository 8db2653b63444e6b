"""How likely does the most frequent category win a vote? Exact, without enumeration (arXiv 2311.17876; Levin, 1981).

N votes are drawn, category i with probability p_i; the greatest, m, is to have more votes than any other:
P(N) = sum_c N! [x^(N - c)] (p_m^c / c!) prod_{i != m} sum_{j < c} (p_i x)^j / j!. With counts that are Poisson of the
mean r p_i all terms are probabilities, and P(N) is the coefficient of x^N over the Poisson probability of N in all,
whatever the rate r: a Fourier transform on as many points as such a total spreads over gives P for all N around r.
"""

from collections.abc import Iterable

import numpy as np
from scipy import fft, special

NEGLIGIBLE = 1e-19


def probability(shares: np.ndarray, sizes: Iterable[int]) -> np.ndarray:
    """P(N) for each N in SIZES, of categories with SHARES (sum 1); exact to 1e-10. NaN where two share the top."""
    sizes = np.asarray(list(sizes), int)
    found = np.full(len(sizes), np.nan)
    if tied(shares):
        return found
    left = np.unique(sizes)
    while len(left):
        last, values = _around(shares, left[0])
        covered = (sizes >= left[0]) & (sizes <= last)
        found[covered] = values[sizes[covered] - left[0]]
        left = left[left > last]
    return found


def smallest(shares: np.ndarray, wanted: float, most: int) -> int | None:
    """The least N up to MOST with P(N) >= WANTED; None where there is none, as where two categories share the top."""
    if tied(shares) or most < 1:
        return None
    first = _earliest(shares, wanted, most)
    while first <= most:
        last, values = _around(shares, first)
        enough = np.flatnonzero(values >= wanted - 1e-10)
        if len(enough):
            return int(first + enough[0]) if first + enough[0] <= most else None
        first = last + 1
    return None


def tied(shares: np.ndarray) -> bool:
    """Do two categories share the top?"""
    ordered = np.sort(shares)
    return len(ordered) > 1 and bool(ordered[-1] - ordered[-2] < 1e-12)


def _around(shares: np.ndarray, first: int) -> tuple[int, np.ndarray]:
    """P(N) from FIRST to as far as one rate serves, and how far that is: 2.5 standard deviations to both sides."""
    rate = ((2.5 + (6.25 + 4 * first) ** 0.5) / 2) ** 2
    last = int(rate + 2.5 * rate**0.5)
    length = fft.next_fast_len(int(20 * rate**0.5) + 80, real=True)
    joint = fft.irfft(_transform(shares, rate, length), length)
    sizes = np.arange(first, last + 1)
    return last, np.clip(joint[sizes % length] / _poisson(sizes, rate), 0, 1)


def _transform(shares: np.ndarray, rate: float, length: int) -> np.ndarray:
    """Fourier transform of the probability that the greatest wins with N votes in all, N modulo LENGTH."""
    winner = int(np.argmax(shares))
    mean, rivals = rate * shares[winner], rate * np.delete(shares, winner)
    lowest, highest = max(1, int(mean - 9.5 * mean**0.5 - 10)), int(mean + 10 * mean**0.5 + 20)
    turns = np.exp(-2j * np.pi * np.arange(length) / length)
    frequency = np.arange(length // 2 + 1)
    # Who never comes near the winner makes one category together, without a bound.
    near = special.pdtrc(lowest - 1, rivals) > NEGLIGIBLE
    far = np.exp(rivals[~near].sum() * (turns[frequency] - 1))
    counts = np.arange(highest + 1)
    weights = _poisson(counts, rivals[near][:, None])
    below = [np.bincount(counts[:lowest] % length, row[:lowest], length) for row in weights]
    bounded = np.array([fft.rfft(row) for row in below], complex).reshape(len(weights), len(frequency))
    found = np.zeros(len(frequency), complex)
    for count, chance in zip(counts[lowest:], _poisson(counts[lowest:], mean), strict=True):
        turn = turns[count * frequency % length]
        found += chance * turn * bounded.prod(0)
        bounded += weights[:, count, None] * turn
    return found * far


def _poisson(counts: np.ndarray, mean: float | np.ndarray) -> np.ndarray:
    return np.exp(special.xlogy(counts, mean) - mean - special.gammaln(counts + 1))


def _earliest(shares: np.ndarray, wanted: float, most: int) -> int:
    """An N below which P(N) < WANTED for sure; MOST + 1 where that holds up to MOST.

    P is at most the probability to beat the runner-up, and that at most the same with half of the draws counted in,
    which never falls with N (as in Condorcet's jury theorem): it can be searched by halving.
    """
    if len(shares) < 2:
        return 1
    second, first = np.sort(shares)[-2:]
    low, high = 1, most + 1
    while low < high:
        middle = (low + high) // 2
        if middle <= most and _beats(first, second, middle) < wanted - 1e-10:
            low = middle + 1
        else:
            high = middle
    return low


def _beats(first: float, second: float, size: int) -> float:
    """Probability to get more of SIZE votes than the other, plus half of that to get as many."""
    both = min(first + second, 1.0)
    spread = 10 * (size * both * (1 - both)) ** 0.5 + 10
    votes = np.arange(max(0, int(size * both - spread)), min(size, int(size * both + spread)) + 1)
    chance = _binomial(votes, size, both)
    half = votes // 2
    wins = special.bdtrc(half, votes, first / both) + (votes % 2 == 0) * _binomial(half, votes, first / both) / 2
    return float((chance * wins).sum())


def _binomial(counts: np.ndarray, size: int | np.ndarray, p: float) -> np.ndarray:
    ways = special.gammaln(size + 1) - special.gammaln(counts + 1) - special.gammaln(size - counts + 1)
    return np.exp(ways + special.xlogy(counts, p) + special.xlog1py(size - counts, -p))
