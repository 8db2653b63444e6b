"""Occlusion: the drop of the target's output when a window is hidden (Zeiler and Fergus, 2014, section 4.2).

The drop is credited to the window's pixels, all alike; where windows overlap, a pixel takes the mean of their drops.
The window moves by its own width unless STRIDE is set, is cut at the border, and shows the mean colour. captum does the
same, by default one window at a time; another library shows only the window, and credits it with the output.
"""

from itertools import product

import torch
from torch import nn

from saliency_benchmark.explaining import coalitions, parts

GROUP = "perturbation"


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    black: torch.Tensor | None = None,
    window: int | list[int] = 4,
    stride: int | list[int] | None = None,
    fill: str = "mean",
) -> torch.Tensor:
    """WINDOW and STRIDE: pixels, one number or [rows, columns]. Raises ValueError where a stride skips pixels."""
    windows = _pair(window)
    strides = windows if stride is None else _pair(stride)
    if min(strides) < 1 or any(step > size for step, size in zip(strides, windows, strict=True)):
        raise ValueError(f"stride {stride} of window {window} leaves pixels out: it must be 1 to the window's width")
    axes = zip(images.shape[2:], windows, strides, strict=True)
    rows, columns = (_places(*axis) for axis in axes)
    down, across = (_covered(*axis).to(images.device) for axis in zip(images.shape[2:], (rows, columns), strict=True))

    def hidden(span: range) -> torch.Tensor:
        steps = torch.arange(span.start, span.stop, device=images.device)
        return (down[steps // len(columns)][:, :, None] & across[steps % len(columns)][:, None])[None]

    shown, steps = parts.filled(fill, images, black), len(rows) * len(columns)
    without = coalitions.masked(model, images, targets, shown, steps, hidden)
    drops = coalitions.whole(model, images, targets)[:, None] - without
    total = drops.new_zeros(len(images), *images.shape[2:])
    for drop, (inside, within) in zip(drops.T, product(rows, columns), strict=True):
        total[:, inside, within] += drop[:, None, None]
    return total / (down.sum(0)[:, None] * across.sum(0))


def _pair(value: int | list[int]) -> tuple[int, int]:
    rows, columns = (value, value) if isinstance(value, int) else value
    return rows, columns


def _places(length: int, window: int, stride: int) -> list[slice]:
    """The window's places on an axis; the last reaches the border."""
    number = max(0, -(-(length - window) // stride)) + 1
    return [slice(place * stride, min(place * stride + window, length)) for place in range(number)]


def _covered(length: int, places: list[slice]) -> torch.Tensor:
    """Which pixels of an axis each of PLACES covers, (place, pixel)."""
    covered = torch.zeros(len(places), length, dtype=torch.bool)
    for row, place in zip(covered, places, strict=True):
        row[place] = True
    return covered
