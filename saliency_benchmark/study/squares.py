"""Latin squares that balance which condition comes when."""

import numpy as np


def latin(conditions: int, rng: np.random.Generator) -> list[list[int]]:
    """Rows of a Latin square of CONDITIONS (Williams, 1949): each is equally often at each place and after each other.

    As many rows as conditions where their number is even or 1, twice as many where it is odd.
    """
    first = [0] + [(place + 1) // 2 if place % 2 else conditions - place // 2 for place in range(1, conditions)]
    rows = [[(value + shift) % conditions for value in first] for shift in range(conditions)]
    if conditions % 2 and conditions > 1:
        rows += [row[::-1] for row in rows]
    names = rng.permutation(conditions)
    return [[int(names[value]) for value in rows[place]] for place in rng.permutation(len(rows))]
