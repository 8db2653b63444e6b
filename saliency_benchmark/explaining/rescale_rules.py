"""Rules for differences: a linear map per call that takes the difference of its inputs exactly to that of its outputs.

Every rule gets the function, the call's inputs and those of the baselines' pass, both (…) alike, and the call's other
arguments; it gives a value that is linear in the inputs, whose gradient is the multiplier. Where inputs and baseline
meet, each rule becomes the gradient. Rescale rule: Shrikumar et al., 2017, section 3.5.1.
"""

from collections.abc import Callable

import torch
from torch.nn import functional

Tensors = tuple[torch.Tensor, ...]


def elementwise(function: Callable, inputs: Tensors, references: Tensors, *rest: object, **named: object):
    """Difference of outputs / difference of inputs; the gradient in the middle where the inputs nearly meet."""
    (values,), (reference,) = inputs, references
    return values * _multiplier(lambda shown: function(shown, *rest, **named), values.detach(), reference)


def relu(function: Callable, inputs: Tensors, references: Tensors, *rest: object, **named: object):
    """As `elementwise`: with pieces that are straight, only inputs that meet exactly need the gradient."""
    values, reference = inputs[0].detach(), references[0]
    difference = values - reference
    rise = values.clamp(min=0).sub_(reference.clamp(min=0))
    return inputs[0] * torch.where(difference == 0, (values > 0).to(values), rise.div_(difference))


def _multiplier(function: Callable, values: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    difference = values - reference
    # Nearer than this the rounding of the outputs' difference outweighs the curvature that the gradient leaves out.
    near = torch.finfo(values.dtype).eps ** (1 / 3)
    close = difference.abs() <= near * (values.abs() + reference.abs()).clamp(max=1)
    with torch.enable_grad():
        middle = (reference + difference / 2).requires_grad_(True)
        slope = torch.autograd.grad(function(middle.clone()).sum(), middle)[0]
    rise = function(values.clone()) - function(reference.clone())
    return torch.where(close, slope, rise / torch.where(close, 1, difference))


def product(function: Callable, inputs: Tensors, references: Tensors, *rest: object):
    """FUNCTION, linear in each of two inputs: each of them times the mean of the other, which is exact."""
    (one, other), (one_reference, other_reference) = inputs, references
    return function(one, _mean(other, other_reference)) + function(_mean(one, one_reference), other)


def quotient(function: Callable, inputs: Tensors, references: Tensors):
    """y = a/b by the product a = y b: dy = (da - mean of y times db) / mean of b; bounded however small one b is."""
    (top, bottom), (top_reference, bottom_reference) = inputs, references
    share = _mean(top / bottom, top_reference / bottom_reference)
    return (top - share * bottom) / _mean(bottom, bottom_reference)


def _mean(values: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    return (values.detach() + reference) / 2


def max_pool(function: Callable, inputs: Tensors, references: Tensors, *rest: object, return_indices=False, **named):
    """A window's difference goes to one pixel: the image's winner, or the baseline's where its maximum is larger.

    That pixel's own difference is at least as large, with the same sign: the multiplier lies in [0, 1]. Where baseline
    pixels tie, as on a plain colour, rounding must not choose among them: the image's winner is one of them.
    """
    if return_indices:
        raise ValueError("DeepLIFT has no rule for max pooling with return_indices=True: use another method")
    output, place = function(inputs[0].detach(), *rest, return_indices=True, **named)
    values, place = output.flatten(-2), place.flatten(-2)
    most, most_place = (each.flatten(-2) for each in function(references[0], *rest, return_indices=True, **named))
    flat, reference, rise = inputs[0].flatten(-2), references[0].flatten(-2), values - most
    tied = most - reference.gather(-1, place) <= torch.finfo(rise.dtype).eps ** 0.5 * rise.abs()
    place = torch.where((rise >= 0) | tied, place, most_place)
    difference = flat.detach().gather(-1, place) - reference.gather(-1, place)
    share = torch.where(difference == 0, 1, rise / torch.where(difference == 0, 1, difference))
    return (flat.gather(-1, place) * share).unflatten(-1, output.shape[-2:])


def softmax(function: Callable, inputs: Tensors, references: Tensors, dim: int = -1, **named: object):
    """Exponentials, their sum, and the quotient; a constant taken from all scores of both passes changes nothing."""
    values, reference = inputs[0].detach(), references[0]
    most = torch.maximum(values.amax(dim, keepdim=True), reference.amax(dim, keepdim=True))
    powers, reference_powers = (values - most).exp(), (reference - most).exp()
    distance = (values - reference).abs().nan_to_num(0)  # hidden scores may be -inf
    # (e^a - e^b) / (a - b), from the larger of both, without a difference of two close numbers.
    mean_slope = torch.where(distance == 0, 1, -torch.expm1(-distance) / distance)
    parts = inputs[0] * (torch.maximum(powers, reference_powers) * mean_slope)
    share = _mean(function(values, dim), function(reference, dim))
    total = _mean(powers.sum(dim, keepdim=True), reference_powers.sum(dim, keepdim=True))
    return (parts - share * parts.sum(dim, keepdim=True)) / total


def layer_norm(
    function: Callable,
    inputs: Tensors,
    references: Tensors,
    normalized_shape: tuple[int, ...],
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    eps: float = 1e-5,
):
    dims = tuple(range(-len(normalized_shape), 0))
    scaled = _standardised(inputs[0], references[0], dims, eps)
    return scaled if weight is None else scaled * weight


def group_norm(
    function: Callable,
    inputs: Tensors,
    references: Tensors,
    num_groups: int,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    eps: float = 1e-5,
):
    values, reference = (each.unflatten(1, (num_groups, -1)) for each in (inputs[0], references[0]))
    scaled = _standardised(values, reference, tuple(range(2, values.ndim)), eps).flatten(1, 2)
    return scaled if weight is None else scaled * weight.reshape(-1, *[1] * (scaled.ndim - 2))


def _standardised(values: torch.Tensor, reference: torch.Tensor, dims: tuple[int, ...], eps: float) -> torch.Tensor:
    centred, reference = (each - each.mean(dims, keepdim=True) for each in (values, reference))
    lengths = [(each.square().mean(dims, keepdim=True) + eps).sqrt() for each in (centred.detach(), reference)]
    return _over_length(centred, reference, *lengths, lambda each: each.mean(dims, keepdim=True))


def normalize(
    function: Callable,
    inputs: Tensors,
    references: Tensors,
    p: float = 2.0,
    dim: int = 1,
    eps: float = 1e-12,
    out: None = None,
):
    if p != 2:
        raise ValueError(f"DeepLIFT has no rule for normalize with p={p}: use another method")
    lengths = [each.norm(dim=dim, keepdim=True).clamp(min=eps) for each in (inputs[0].detach(), references[0])]
    return _over_length(inputs[0], references[0], *lengths, lambda each: each.sum(dim, keepdim=True))


def _over_length(
    values: torch.Tensor,
    reference: torch.Tensor,
    length: torch.Tensor,
    reference_length: torch.Tensor,
    sum_up: Callable,
) -> torch.Tensor:
    """Values over their length, the root of SUM_UP(values squared): square, root and quotient, each exact.

    The difference of two squares is twice the mean times the difference; that of two roots, theirs over the roots' sum.
    """
    total = length + reference_length
    lengths = sum_up(2 * _mean(values, reference) * values) / total
    share = _mean(values / length, reference / reference_length)
    return (values - share * lengths) / (total / 2)


_CURVES = """relu6 hardtanh hardtanh_ leaky_relu leaky_relu_ prelu elu elu_ selu celu gelu silu mish hardswish
hardsigmoid sigmoid sigmoid_ tanh tanh_ softplus softsign logsigmoid exp expm1 log log1p sqrt rsqrt square reciprocal
__rdiv__ pow abs clamp clamp_ clamp_min clamp_max erf sin cos"""

# Names of torch functions, their rule, and how many of the first arguments are inputs.
RULES: dict[str, tuple[Callable, int]] = {
    **dict.fromkeys(_CURVES.split(), (elementwise, 1)),
    **dict.fromkeys(("relu", "relu_"), (relu, 1)),
    **dict.fromkeys(("mul", "mul_", "matmul", "bmm"), (product, 2)),
    "div": (quotient, 2),
    "max_pool2d": (max_pool, 1),
    "adaptive_max_pool2d": (max_pool, 1),
    "softmax": (softmax, 1),
    "layer_norm": (layer_norm, 1),
    "group_norm": (group_norm, 1),
    "normalize": (normalize, 1),
}
# What the rules call in a call's stead: a function that changes nothing in place, or that gives indices.
PLAIN = {
    "mul_": torch.mul,
    "max_pool2d": functional.max_pool2d,
    "adaptive_max_pool2d": functional.adaptive_max_pool2d,
}
