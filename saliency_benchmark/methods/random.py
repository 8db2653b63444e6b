"""Control: uniform noise that looks at neither the model nor what is in the image.

By default fixed per image, the same for every model: two models' maps agree perfectly. `redraw: true` draws anew for
every model, so that no two models' maps agree. Both say nothing about either.
"""

from hashlib import sha256

import torch
from torch import nn

from saliency_benchmark import noise, sharing

GROUP = "controls"


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, seed: int = 0, redraw: bool = False
) -> torch.Tensor:
    """REDRAW: other noise for every model, seeded by its weights' digest."""
    about = ("random", seed, _digest(model)) if redraw else ("random", seed)
    generators = noise.per_image(images, *about)
    return torch.stack([torch.rand(images.shape[2:], generator=each) for each in generators]).to(images.device)


@sharing.once
def _digest(model: nn.Module) -> str:
    found = sha256()
    for name, values in sorted(model.state_dict().items()):
        found.update(name.encode())
        # As bytes: numpy has no bfloat16.
        found.update(values.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return found.hexdigest()
