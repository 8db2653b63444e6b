"""How one linear layer shares the relevance of its output among its inputs.

A rule is called with a layer and gives the layer's output, whose gradient is then the rule: gradients stand for
relevance / activation. The z+ and epsilon rules are our own, for speed; all others are zennit's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from saliency_benchmark import compat


@dataclass(frozen=True)
class Layer:
    """One call of a linear operation, OPERATION(inputs, weight, bias), its OUTPUT, and the batch norm in it, if any.

    The batch norm is a SCALE and a SHIFT per output channel.
    """

    operation: Callable
    inputs: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None
    output: torch.Tensor
    scale: torch.Tensor | None = None
    shift: torch.Tensor | None = None

    def merged(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Weight and bias with the batch norm in them."""
        if self.scale is None:
            return self.weight, self.bias
        # A transposed convolution has its output channels second.
        place = 0 if self.weight.shape[0] == len(self.scale) else 1
        shape = [-1 if axis == place else 1 for axis in range(self.weight.ndim)]
        bias = self.shift if self.bias is None else self.bias * self.scale + self.shift
        return self.weight * self.scale.reshape(shape), bias


Rule = Callable[[Layer, list | None], torch.Tensor]


def stabilised(values: torch.Tensor, epsilon: float) -> torch.Tensor:
    """VALUES moved away from 0 by EPSILON, 0 counting as positive."""
    return values + torch.where(values < 0, -epsilon, epsilon)


class _Sloped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, value, slope) -> torch.Tensor:
        ctx.save_for_backward(slope)
        return value.view_as(value)

    @staticmethod
    def backward(ctx, above: torch.Tensor) -> tuple:
        return above * ctx.saved_tensors[0], None, None


def sloped(inputs: torch.Tensor, value: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    """VALUE, whose gradient with respect to INPUTS is SLOPE, entry by entry."""
    return _Sloped.apply(inputs, value, slope)


class _Stable(torch.autograd.Function):
    @staticmethod
    def forward(ctx, output, epsilon) -> torch.Tensor:
        ctx.save_for_backward(output)
        ctx.epsilon = epsilon
        return output.view_as(output)

    @staticmethod
    def backward(ctx, above: torch.Tensor) -> tuple:
        # output / (output + epsilon, away from 0) is the same for both signs.
        size = ctx.saved_tensors[0].abs()
        return (size / (size + ctx.epsilon)).mul_(above), None


def stable(output: torch.Tensor, epsilon: float = 1e-6) -> torch.Tensor:
    """OUTPUT of a linear call, whose gradient is that of the epsilon rule (Bach et al., 2015, eq. 58)."""
    return _Stable.apply(output, epsilon)


@dataclass(frozen=True)
class Epsilon:
    """Share by contribution, EPSILON in the denominator (Bach et al., 2015, eq. 58)."""

    epsilon: float = 1e-6

    def __call__(self, layer: Layer, found: list | None) -> torch.Tensor:
        return stable(layer.output, self.epsilon)


@dataclass(frozen=True)
class Plus:
    """z+: share by positive contribution (Montavon et al., 2017, eq. 17); negative inputs by negative weights.

    The bias counts as a positive contribution where it is one, as in zennit; not with BIAS false.
    """

    stabilizer: float = 1e-6
    bias: bool = True

    def __call__(self, layer: Layer, found: list | None) -> torch.Tensor:
        weight, bias = layer.merged()
        return _Plus.apply(layer.inputs, layer.output.detach(), layer.operation, weight, bias, self)


class _Plus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, output, operation, weight, bias, rule) -> torch.Tensor:
        ctx.save_for_backward(inputs, output)
        ctx.parts = operation, weight, bias, rule
        return output.view_as(output)

    @staticmethod
    def backward(ctx, slope: torch.Tensor) -> tuple:
        inputs, output = ctx.saved_tensors
        operation, weight, bias, rule = ctx.parts
        negative = bool(inputs.amin() < 0)
        positive_bias = bias.clamp(min=0) if bias is not None and rule.bias else None
        with torch.enable_grad():
            up = (inputs.clamp(min=0) if negative else inputs).detach().requires_grad_(True)
            total = ups = operation(up, weight.clamp(min=0), positive_bias)
            if negative:
                down = inputs.clamp(max=0).detach().requires_grad_(True)
                downs = operation(down, weight.clamp(max=0), None)
                total = ups + downs
        # Never negative: positive times positive, and negative times negative.
        share = (slope * output).div_(total.detach() + rule.stabilizer)
        (found,) = torch.autograd.grad(ups, up, share)
        if negative:
            found = torch.where(inputs > 0, found, torch.autograd.grad(downs, down, share)[0])
        return found, None, None, None, None, None


@dataclass(frozen=True)
class Zennit:
    """A rule of zennit by its NAME there, with its OPTIONS."""

    name: str
    options: tuple[tuple[str, object], ...] = ()

    def __call__(self, layer: Layer, found: list | None) -> torch.Tensor:
        compat.torchvision()  # zennit imports it
        from zennit import rules

        rule = getattr(rules, self.name)(**dict(self.options))
        return _Zennit.apply(layer.inputs, layer.output.detach(), layer.operation, *layer.merged(), rule, found)


class _Zennit(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, output, operation, weight, bias, rule, found) -> torch.Tensor:
        ctx.save_for_backward(inputs, output)
        ctx.parts = _Module(operation, weight, bias), rule, found
        return output.view_as(output)

    @staticmethod
    def backward(ctx, slope: torch.Tensor) -> tuple:
        inputs, output = ctx.saved_tensors
        module, rule, found = ctx.parts
        rule.forward(module, (inputs,), output)
        relevance = rule.backward(module, (inputs,), (slope * output,))[0].detach()
        if found is None:
            slope = torch.where(inputs != 0, relevance / torch.where(inputs != 0, inputs, 1), 0)
        else:
            # A rule for the first layer may give relevance to zeros, which no slope can tell.
            found.append((inputs, relevance))
            slope = torch.zeros_like(inputs)
        return slope, None, None, None, None, None, None


class _Module(nn.Module):
    """A linear operation as the module that zennit's rules change for a moment."""

    def __init__(self, operation: Callable, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self._operation = operation
        self.weight = nn.Parameter(weight.detach(), requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self._operation(inputs, self.weight, self.bias)
