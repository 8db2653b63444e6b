"""Deterministic kernels where torch has none on a GPU: the gradients of two linear maps, as products of matrices.

torch's own add atomically, and where determinism is asked for they raise: models behind a resize, VGG and AlexNet could
not be explained or trained. Forward passes stay torch's, and so do gradients of these gradients, which are such.
"""

import warnings
from functools import lru_cache

import torch

# A resize with antialiasing, and an adaptive average pooling to more than one cell.
RESIZE, POOL = "_upsample_bilinear2d_aa_backward", "_adaptive_avg_pool2d_backward"
_kernels: list = []  # a library lives as long as its reference


def register(device: str = "CUDA") -> None:
    """From here on the gradients of both are deterministic on DEVICE, for modules and functions alike."""
    if _kernels:
        return
    library = torch.library.Library("aten", "IMPL")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"(?s).*Overriding a previously registered kernel", UserWarning)
        library.impl(RESIZE, _before_resize, device)
        library.impl(POOL, _before_pool, device)
    _kernels.append(library)


def _before_pool(gradient: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    pairs = zip(images.shape[-2:], gradient.shape[-2:], strict=True)
    rows, columns = (_shares(*pair, gradient.dtype, gradient.device) for pair in pairs)
    return rows.T @ gradient @ columns


def _before_resize(
    gradient: torch.Tensor, size: list, before: list, corners: bool, *scales: float | None
) -> torch.Tensor:
    told = zip(before[2:], size, scales or (None, None), strict=True)
    rows, columns = (_weights(*each, corners, gradient.dtype, gradient.device) for each in told)
    return rows.T @ gradient @ columns


# Kept on their device: while a CUDA graph is recorded, nothing can be copied there.


@lru_cache(maxsize=64)
def _shares(length: int, cells: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Of LENGTH values in the mean of each of CELLS, which may overlap, (cells, length)."""
    cell, value = torch.arange(cells)[:, None], torch.arange(length)
    begin, end = cell * length // cells, -(-(cell + 1) * length // cells)
    return (((begin <= value) & (value < end)).double() / (end - begin)).to(device, dtype)


@lru_cache(maxsize=64)
def _weights(
    length: int, wanted: int, scale: float | None, corners: bool, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """Of LENGTH values in each of the WANTED ones, (wanted, length)."""
    unit = torch.eye(length, dtype=torch.double)[None, None]
    resized = torch.ops.aten._upsample_bilinear2d_aa(unit, [wanted, length], corners, scale, None)
    return resized[0, 0].to(device, dtype)
