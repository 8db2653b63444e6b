"""FullGrad (Srinivas and Fleuret, 2019, eq. 5): what the image and every bias contribute to the output, as one map.

Never negative. Image x gradient and the term of each bias that has a place in the image (convolutions, batch norms) are
taken as magnitudes, scaled to [0, 1] per image and layer, drawn bilinearly, and summed over channels and layers, as in
the authors' code; their equation may be read as scaling each channel alone, which pytorch-grad-cam does. The biases of
dense layers have no place and are left out. It is refused where the decomposition is not exact: networks that are not
piecewise linear, and probabilities.
"""

import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import gradients
from saliency_benchmark.explaining import full_gradient, trial

GROUP = "backpropagation"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """(image, row, column). One forward and one backward pass; terms are drawn as they come, none is kept."""
    maps = torch.zeros(len(images), *images.shape[2:], dtype=images.dtype, device=images.device)

    def receive(term: torch.Tensor) -> None:
        if term.ndim == 4:
            maps.add_(_drawn(term, images.shape[2:]))

    receive(images * full_gradient.walk(model, images, targets, receive))
    return maps


def _drawn(term: torch.Tensor, size: torch.Size) -> torch.Tensor:
    """Magnitudes of TERM, scaled to [0, 1] per image, at SIZE, summed over channels; 0 where it is constant."""
    magnitude = term.detach().abs()
    least, most = (bound((1, 2, 3), keepdim=True) for bound in (magnitude.amin, magnitude.amax))
    scaled = (magnitude - least) / (most - least).clamp(min=torch.finfo(term.dtype).tiny)
    # Drawing is linear: the channels are summed first, and one map is drawn instead of hundreds.
    return functional.interpolate(scaled.sum(1, keepdim=True), size, mode="bilinear", align_corners=False)[:, 0]


def unsuited(model: nn.Module, shape: tuple[int, int, int], *, output: str = "logit") -> str | None:
    """Why MODEL cannot be explained, or None: the decomposition of a random image does not sum to its output."""
    if output == "probability":
        return "a probability is no sum over the biases: set explain.output to logit, or use another method"
    network, image, target = trial.case(model, shape)
    whole, terms = full_gradient.decompose(network, image, target)
    parts = torch.cat([each.flatten() for each in (whole, *terms)])
    with torch.no_grad():
        expected = gradients.chosen(network(image), target)
    if trial.holds(parts.sum(), expected, parts.abs()):
        return None
    return "it is not piecewise linear, so its output is no sum over image and biases: use integrated_gradients"
