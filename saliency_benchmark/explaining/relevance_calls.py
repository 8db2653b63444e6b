"""How the calls of a forward pass that are no layers carry relevance / activation: sums, products, activations, norms.

Each stands for one torch function and gives its value; its gradient is the rule.
"""

from collections.abc import Callable

import torch
from torch.nn import functional

from saliency_benchmark.explaining.relevance_rules import sloped, stable

GATES = ("sigmoid", "hardsigmoid")


def constant(function: Callable, inputs: torch.Tensor, *args: object, **more: object) -> torch.Tensor:
    value = function(inputs, *args, **more)
    return value.detach() if inputs.ndim > 2 else value  # a softmax over classes is no attention


def passing(function: Callable, inputs: torch.Tensor, *args: object, **more: object) -> torch.Tensor:
    """Relevance in = relevance out: an element counts as its activation's constant multiple."""
    more.pop("inplace", None)
    plain = inputs.detach()
    value = function(plain.clone(), *args, **more)
    if not inputs.requires_grad:
        return value
    result = sloped(inputs, value, torch.where(plain != 0, value / torch.where(plain != 0, plain, 1), 0))
    result.gate = function.__name__.rstrip("_") in GATES
    return result


def add(function: Callable, one: object, other: object, **more: object) -> torch.Tensor:
    """Sums and averages share by contribution, with the small number in the denominator that zennit's Norm has."""
    if not alive((one, other)):
        return function(one, other, **more)
    total = torch.add(one, other, **more)
    return stable(total) if len(alive((one, other))) == 2 else total


def relu(function: Callable, inputs: torch.Tensor, *args: object, **more: object) -> torch.Tensor:
    """A new tensor: what an in-place call would overwrite is needed on the way back."""
    if not inputs.requires_grad:
        return function(inputs, *args, **more)
    result = functional.relu(inputs)
    result.nonnegative = True  # the rules of the next layer need not look
    return result


def average(function: Callable, *args: object, **more: object) -> torch.Tensor:
    return stable(function(*args, **more))


def halved(function: Callable, *args: object, **more: object) -> torch.Tensor:
    """A product of tensors that all depend on the image: each gets its equal share."""
    parts = len(alive(args))
    return function(*(args if parts < 2 else _shared(args, parts)), **more)


def _shared(value: object, parts: int) -> object:
    if isinstance(value, list | tuple):
        return type(value)(_shared(one, parts) for one in value)
    if isinstance(value, torch.Tensor) and value.requires_grad:
        return sloped(value, value.detach(), torch.tensor(1 / parts))
    return value


def alive(values: object) -> list[torch.Tensor]:
    """The tensors in VALUES that depend on the image."""
    if isinstance(values, list | tuple):
        return [one for value in values for one in alive(value)]
    return [values] if isinstance(values, torch.Tensor) and values.requires_grad else []


def product(function: Callable, one: object, other: object, **more: object) -> torch.Tensor:
    """A gate, a sigmoid or the operand that is spread over the other's cells, is a constant; equals share."""
    if len(alive((one, other))) < 2:
        return function(one, other, **more)
    found = gates(one, other)
    if any(found):
        return torch.mul(*(each.detach() if gate else each for each, gate in zip((one, other), found, strict=True)))
    return torch.mul(*_shared((one, other), 2))


def gates(one: torch.Tensor, other: torch.Tensor) -> list[bool]:
    """Which of two factors is a gate."""
    found = [getattr(each, "gate", False) for each in (one, other)]
    return found if any(found) else [one.numel() < other.numel(), other.numel() < one.numel()]


def quotient(function: Callable, one: torch.Tensor, other: object, **more: object) -> torch.Tensor:
    return function(one, other.detach() if isinstance(other, torch.Tensor) else other, **more)


def layer_norm(function, inputs, shape, weight=None, bias=None, eps=1e-5, true=None) -> torch.Tensor:
    """TRUE: what the deviation is taken of, the inputs if not given."""
    axes, true = tuple(range(-len(shape), 0)), inputs.detach() if true is None else true
    deviation = ((true - true.mean(axes, keepdim=True)).square().mean(axes, keepdim=True) + eps).sqrt()
    return _affine((inputs - inputs.mean(axes, keepdim=True)) / deviation, weight, bias)


def group_norm(function, inputs, groups, weight=None, bias=None, eps=1e-5, true=None) -> torch.Tensor:
    parts, true = (None if one is None else one.unflatten(1, (groups, -1)).flatten(2) for one in (inputs, true))
    normal = layer_norm(None, parts, parts.shape[2:], eps=eps, true=true).reshape(inputs.shape)
    spread = (-1, *[1] * (inputs.ndim - 2))
    return _affine(normal, *(None if one is None else one.reshape(spread) for one in (weight, bias)))


def _affine(values: torch.Tensor, weight: torch.Tensor | None, bias: torch.Tensor | None) -> torch.Tensor:
    values = values if weight is None else values * weight
    return values if bias is None else values + bias


def normalize(function, inputs, p: float = 2.0, dim: int = 1, eps: float = 1e-12, true=None, **_) -> torch.Tensor:
    return inputs / (inputs.detach() if true is None else true).norm(p, dim, keepdim=True).clamp_min(eps)
