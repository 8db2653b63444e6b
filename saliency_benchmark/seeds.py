"""Seeds: every random choice has a generator of its own, made from the settings and from what it is for."""

from hashlib import sha256

import numpy as np


def derive(*parts: object) -> int:
    """A seed of 63 bits that depends on all PARTS, and is the same on every machine."""
    return int.from_bytes(sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def rng(*parts: object) -> np.random.Generator:
    return np.random.default_rng(derive(*parts))
