"""How far two tensors of each image are from each other, absolutely and entry by entry; every image by itself."""

import torch


def norm(values: torch.Tensor, order: int = 2) -> torch.Tensor:
    """Norm of ORDER over all but the first axis: (image, ...) -> (image)."""
    return torch.linalg.vector_norm(values.flatten(1), order, dim=1)


def relative(before: torch.Tensor, after: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Euclidean norm of (before - after) / before, entry by entry: (image, ...) twice -> (image).

    No entry is divided by less than EPSILON times the largest magnitude BEFORE, in which a relative change would be one
    of rounding. NaN where all is 0 before.
    """
    known = before.flatten(1)
    least = epsilon * known.abs().amax(1, keepdim=True)
    found = norm((known - after.flatten(1)) / known.abs().maximum(least))
    return torch.where(least[:, 0] > 0, found, torch.nan)
