"""Bounded readers: a logistic rule over a few numbers of the maps, fitted to the few items that a person would see."""

import numpy as np
from scipy import ndimage, optimize, special

from saliency_benchmark.schemas import Arrays
from saliency_benchmark.utility.seen import scaled

# Strength of the prior that holds weights near 0 (a normal one of deviation 1, on standardised features).
RIDGE = 1.0
# Of the pixels, so many are where an image changes most.
CHANGED = 0.25
FEATURES = ("mass", "entropy", "row", "column", "in the changed region", "overlap")


def features(questions: Arrays, maps: np.ndarray) -> np.ndarray:
    """Numbers of the maps (item, shown, row, column) as shown: (item, feature).

    Of two models, the second's less the first's. FEATURES of |map|: its mean; the entropy of its share per pixel, 1 if
    spread evenly; where its centre lies, 0 in the middle of the image; its share in the quarter of the pixels that
    change most; its cosine with the change. What changes is the image when shifted; without a shift, from pixel to
    pixel. All are 0 of an empty map.
    """
    change = changes(questions)
    each = np.stack([np.stack([_features(*pair) for pair in zip(scaled(maps[:, place]), change, strict=True)])
                     for place in range(maps.shape[1])])  # fmt: skip
    return each[1] - each[0] if len(each) == 2 else each[0]


def changes(questions: Arrays) -> np.ndarray:
    """How much each pixel changes, (item, row, column)."""
    images = questions["image"].astype(float)
    if "shifted" in questions:
        return np.abs(questions["shifted"] - images).mean(1)
    return np.sqrt(ndimage.sobel(images, 2) ** 2 + ndimage.sobel(images, 3) ** 2).mean(1)


def _features(shown: np.ndarray, change: np.ndarray) -> np.ndarray:
    size = np.abs(shown).astype(float)
    total = size.sum()
    if total == 0:
        return np.zeros(len(FEATURES))
    share = size / total
    centre = [(share.sum(1 - axis) @ np.arange(length) + 0.5) / length - 0.5 for axis, length in enumerate(share.shape)]
    changed = change >= np.quantile(change, 1 - CHANGED)
    length = np.linalg.norm(size) * np.linalg.norm(change)
    overlap = (size * change).sum() / length if length else 0.0
    entropy = special.entr(share).sum() / np.log(share.size)
    return np.array([size.mean(), entropy, *centre, share[changed].sum(), overlap])


class Reader:
    """Fitted to features (item, feature) and answers (item), 0 or 1; LAPSE: share of items on which it guesses.

    Maximises the likelihood of `lapse / 2 + (1 - lapse) logistic(weights . features)` with a normal prior on the
    weights. COMPARING two models, features are differences and there is no constant.
    """

    def __init__(self, features: np.ndarray, answer: np.ndarray, lapse: float, comparing: bool) -> None:
        self._comparing, self._lapse = comparing, lapse
        self._mean = 0.0 if comparing else features.mean(0)
        spread = np.sqrt(((features - self._mean) ** 2).mean(0))
        self._scale = np.where(spread > 0, spread, 1)
        known, sign = self._known(features), np.where(answer > 0, 1.0, -1.0)

        def cost(weights: np.ndarray) -> tuple[float, np.ndarray]:
            hit = special.expit(sign * (known @ weights))
            likelihood = lapse / 2 + (1 - lapse) * hit
            slope = -(1 - lapse) * hit * (1 - hit) / likelihood * sign
            return -np.log(likelihood).sum() + RIDGE / 2 * weights @ weights, slope @ known + RIDGE * weights

        self.weights = optimize.minimize(cost, np.zeros(known.shape[1]), jac=True, method="L-BFGS-B").x

    def _known(self, features: np.ndarray) -> np.ndarray:
        standard = (features - self._mean) / self._scale
        return standard if self._comparing else np.column_stack([np.ones(len(standard)), standard])

    def accuracy(self, features: np.ndarray, answer: np.ndarray) -> float:
        """The share of the items answered as they are; guesses are half right, and so is a logit of 0."""
        found = np.sign((self._known(features) @ self.weights).round(9))
        told = (0.5 + 0.5 * found * np.where(answer > 0, 1.0, -1.0)).mean()
        return float(self._lapse / 2 + (1 - self._lapse) * told)
