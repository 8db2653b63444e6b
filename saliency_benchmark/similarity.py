"""How alike two maps of an image are, and how complex one is; every image by itself, on one number per pixel."""

import numpy as np
import torch
from torch.nn import functional

# Side of the window of SSIM, and its constants for values in [0, 1] (Wang et al., 2004; scikit-image's defaults).
WINDOW = 7
C1, C2 = 0.01**2, 0.03**2


def per_pixel(maps: torch.Tensor, signed: bool = False) -> torch.Tensor:
    """Channels summed, with their sign or as magnitude of the sum, in double precision: (image, row, column)."""
    summed = maps.sum(1, dtype=torch.double) if maps.ndim == 4 else maps.double()
    return summed if signed else summed.abs()


def spearman(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Rank correlation over the pixels, ties at the mean of their ranks: (image, row, column) twice -> (image).

    NaN where a map is constant or not all finite.
    """
    return correlation(ranks(first), ranks(second))


def correlation(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Pearson correlation of the rows: (image, pixel) twice -> (image). NaN where a row of ranks is constant."""
    a, b = (each - each.mean(1, keepdim=True) for each in (first, second))
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1)).sqrt()


def ranks(maps: torch.Tensor) -> torch.Tensor:
    """Ranks from 0 of each map's pixels, equal values at their mean rank: (image, ...) -> (image, pixel), double.

    NaN for a map that is not all finite.
    """
    values = maps.flatten(1)
    ordered, order = values.sort(1)
    place = torch.arange(values.shape[1], device=values.device).expand(values.shape)
    begins = functional.pad(ordered[:, 1:] != ordered[:, :-1], (1, 0), value=True)
    ends = begins.roll(-1, 1)
    first = torch.where(begins, place, 0).cummax(1).values
    last = torch.where(ends, place, values.shape[1]).flip(1).cummin(1).values.flip(1)
    middle = (first + last).double() / 2
    found = torch.empty_like(middle).scatter_(1, order, middle)
    return torch.where(values.isfinite().all(1, keepdim=True), found, torch.nan)


def ssim(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Structural similarity of maps scaled to a largest magnitude of 1: (image, row, column) twice -> (image).

    The window is uniform, of 7 x 7 pixels, or of an odd number less where the map is smaller. NaN where a map is 0
    everywhere, is not all finite, or has fewer than 3 rows or columns.
    """
    side = min(WINDOW, *(length - 1 + length % 2 for length in first.shape[1:]))
    if side < 3:
        return torch.full((len(first),), torch.nan, dtype=torch.double, device=first.device)
    a, b = (maps / maps.flatten(1).abs().amax(1)[:, None, None] for maps in (first, second))
    mean_a, mean_b = _windows(a, side), _windows(b, side)
    sample = side**2 / (side**2 - 1)
    var_a, var_b = (sample * (_windows(v * v, side) - m * m) for v, m in ((a, mean_a), (b, mean_b)))
    both = sample * (_windows(a * b, side) - mean_a * mean_b)
    alike = (2 * mean_a * mean_b + C1) * (2 * both + C2)
    return (alike / ((mean_a * mean_a + mean_b * mean_b + C1) * (var_a + var_b + C2))).mean((1, 2))


def _windows(values: torch.Tensor, side: int) -> torch.Tensor:
    """Mean over every whole window."""
    return functional.avg_pool2d(values[:, None], side, stride=1)[:, 0]


def entropy(maps: torch.Tensor, bins: int) -> torch.Tensor:
    """Entropy, in nats, of each map's histogram of BINS equal bins between its least and its greatest value: (image).

    0 where the map is constant; NaN where it is not all finite.
    """
    found = [_entropy(each, bins) for each in maps.flatten(1).cpu().numpy()]
    return torch.tensor(found, dtype=torch.double)


def _entropy(values: np.ndarray, bins: int) -> float:
    if not np.isfinite(values).all():
        return np.nan
    counts = np.histogram(values, bins)[0]
    shares = counts[counts > 0] / values.size
    return float(-(shares * np.log(shares)).sum())
