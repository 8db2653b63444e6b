"""An output as a sum over the image and every bias: the full-gradient decomposition of a piecewise linear network.

f(x) = x . df/dx + sum over biases of b . df/db (Srinivas and Fleuret, 2019, proposition 1), exact where ReLU, ReLU6,
max pooling and what is linear are the only steps. A batch norm has the implicit bias that it gives for zeros, and a
clipped activation the value at which it is clipped (section 3.2 of the paper).
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from saliency_benchmark import gradients
from saliency_benchmark.explaining import rewriting

BIASED = ("conv1d", "conv2d", "conv3d", "conv_transpose2d", "linear")
CLIPPED = ("relu6", "hardtanh", "hardtanh_")


def walk(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, receive: Callable[[torch.Tensor], object]
) -> torch.Tensor:
    """The gradient at IMAGES; RECEIVE(term) is called with the term of each bias as soon as it is known.

    A term has the shape of its call's output: the bias, times the gradient there. The last call comes first.
    """
    rules = dict.fromkeys(BIASED, partial(_biased, receive)) | {"batch_norm": partial(_batch_norm, receive)}
    rules |= dict.fromkeys(CLIPPED, partial(_clipped, receive))
    with rewriting.Rewriting(rules):
        return gradients.slope(model, images, targets)


def decompose(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """image x gradient (image, channel, row, column), and the bias terms (image, ...) in the order of the calls.

    All of them sum to each target's output where the network is piecewise linear.
    """
    terms: list[torch.Tensor] = []
    gradient = walk(model, images, targets, terms.append)
    return images * gradient, terms[::-1]


def _biased(receive: Callable, function: Callable, *args: object, **kwargs: object) -> torch.Tensor:
    output = function(*args, **kwargs)
    bias = args[2] if len(args) > 2 else kwargs.get("bias")
    if bias is not None:
        spread = () if function.__name__ == "linear" else (1,) * (output.ndim - 2)
        _listen(output, bias.reshape(-1, *spread), receive)
    return output


def _batch_norm(receive: Callable, function: Callable, values: torch.Tensor, *args: object, **kwargs: object):
    output = function(values, *args, **kwargs)
    nothing = torch.zeros(1, values.shape[1], *[1] * (values.ndim - 2), dtype=values.dtype, device=values.device)
    _listen(output, function(nothing, *args, **kwargs).detach(), receive)
    return output


def _clipped(receive: Callable, function: Callable, values: torch.Tensor, *args: object, **kwargs: object):
    before = values.detach().clone()  # some clip in place
    output = function(values, *args, **kwargs)
    _listen(output, torch.where(output == before, 0, output).detach(), receive)
    return output


def _listen(output: torch.Tensor, bias: torch.Tensor, receive: Callable) -> None:
    """A hook on this value, which holds whatever the model does in place afterwards."""
    if output.requires_grad:
        output.register_hook(partial(_tell, receive, bias))


def _tell(receive: Callable, bias: torch.Tensor, gradient: torch.Tensor) -> None:
    receive(gradient * bias)
