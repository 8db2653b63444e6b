"""How one linear layer shares the relevance of its output among its inputs.

A rule is called with a layer and gives the layer's output, whose gradient is then the rule: gradients stand for
relevance / activation. The rules that every layer may follow are our own, for speed; zennit_rules has those for a first
layer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, reduce

import torch


@dataclass(frozen=True)
class Layer:
    """One call of a linear operation, OPERATION(inputs, weight, bias), its OUTPUT, and the batch norm in it, if any.

    The batch norm is a SCALE and a SHIFT per output channel. MADE keeps what a rule made of the weights. PAIRABLE: two
    inputs may go side by side through one call, each by weights of its own.
    """

    operation: Callable
    inputs: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None
    output: torch.Tensor
    scale: torch.Tensor | None = None
    shift: torch.Tensor | None = None
    made: dict = field(default_factory=dict)
    pairable: bool = False

    def merged(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight and bias with the batch norm in them; without a bias, zeros."""
        channels = self.output.shape[1 if self.weight.ndim > 2 else -1]
        bias = self.output.new_zeros(channels) if self.bias is None else self.bias
        if self.scale is None:
            return self.weight, bias
        # A transposed convolution has its output channels second.
        place = 0 if self.weight.shape[0] == len(self.scale) else 1
        shape = [-1 if axis == place else 1 for axis in range(self.weight.ndim)]
        return self.weight * self.scale.reshape(shape), bias * self.scale + self.shift


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


# What makes the weights for positive inputs, and for negative inputs; the bias.
Half = tuple[Callable[[], torch.Tensor], Callable[[], torch.Tensor], torch.Tensor]


class Halves:
    """A rule that treats positive and negative inputs apart; the negative half is left out where no input is."""

    def halves(self, weight: torch.Tensor, bias: torch.Tensor) -> list[Half]:
        raise NotImplementedError

    def shares(self, relevance: torch.Tensor, output: torch.Tensor, totals: list[torch.Tensor]) -> list[torch.Tensor]:
        """What each half passes on per unit of contribution: RELEVANCE over the half's total."""
        raise NotImplementedError

    def __call__(self, layer: Layer, found: list | None) -> torch.Tensor:
        return _Halves.apply(layer.inputs, layer.output.detach(), layer, self)


class _Halves(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, output, layer, rule) -> torch.Tensor:
        ctx.save_for_backward(inputs, output)
        ctx.parts = layer, rule
        return output.view_as(output)

    @staticmethod
    def backward(ctx, slope: torch.Tensor) -> tuple:
        inputs, output = ctx.saved_tensors
        layer, rule = ctx.parts
        negative = not getattr(layer.inputs, "nonnegative", False) and bool(inputs.amin() < 0)
        signs = [inputs.clamp(min=0), inputs.clamp(max=0)] if negative else [inputs]
        if negative and layer.pairable:
            signs = [torch.cat(signs, channels(layer.weight))]
        signs = [each.detach().requires_grad_(True) for each in signs]
        with torch.enable_grad():
            made = [
                [layer.operation(values, weight, bias if values is signs[0] else None)
                 for values, weight in zip(signs, weights, strict=True)]
                for weights, bias in _weights(layer, rule, negative)
            ]  # fmt: skip
        shares = rule.shares(slope * output, output, [_total([one.detach() for one in each]) for each in made])
        pairs = list(zip(made, shares, strict=True))
        found = [
            _total([torch.autograd.grad(each[number], values, share)[0] for each, share in pairs])
            for number, values in enumerate(signs)
        ]
        if negative and layer.pairable:
            found = found[0].chunk(2, channels(layer.weight))
        return found[0] if not negative else torch.where(inputs > 0, *found), None, None, None


def channels(weight: torch.Tensor) -> int:
    """The axis of a layer's input, from the end, that its WEIGHT sums over."""
    return 1 - weight.ndim


def _weights(layer: Layer, rule: Halves, negative: bool) -> list[tuple[list[torch.Tensor], torch.Tensor]]:
    """Per half: weights for positive inputs, and for NEGATIVE ones, and the bias; made once for all images."""
    key = (rule, negative, layer.scale is not None)
    if key not in layer.made:
        halves = rule.halves(*layer.merged())
        made = [([make() for make in makes[: 1 + negative]], bias) for *makes, bias in halves]
        if negative and layer.pairable:
            made = [([torch.cat(weights, 1)], bias) for weights, bias in made]
        layer.made[key] = made
    return layer.made[key]


def _positive(values: torch.Tensor) -> torch.Tensor:
    return values.clamp(min=0)


def _negative(values: torch.Tensor) -> torch.Tensor:
    return values.clamp(max=0)


def _total(values: list[torch.Tensor]) -> torch.Tensor:
    """Their sum; one value is itself, without a pass over it."""
    return reduce(torch.add, values)


@dataclass(frozen=True)
class Plus(Halves):
    """z+: share by positive contribution (Montavon et al., 2017, eq. 17); negative inputs by negative weights.

    The bias counts as a positive contribution where it is one, as in zennit; not with BIAS false.
    """

    stabilizer: float = 1e-6
    bias: bool = True

    def halves(self, weight: torch.Tensor, bias: torch.Tensor) -> list[Half]:
        kept = _positive(bias) if self.bias else torch.zeros_like(bias)
        # The total is never negative (positive times positive, negative times negative): with the stabilizer in the
        # bias it comes stabilised out of the operation.
        return [(partial(_positive, weight), partial(_negative, weight), kept + self.stabilizer)]

    def shares(self, relevance: torch.Tensor, output: torch.Tensor, totals: list[torch.Tensor]) -> list[torch.Tensor]:
        return [relevance / totals[0] if torch.is_grad_enabled() else relevance.div_(totals[0])]


@dataclass(frozen=True)
class AlphaBeta(Halves):
    """Positive contributions share ALPHA times the relevance, negative ones BETA times (Bach et al., 2015, eq. 60)."""

    alpha: float = 2.0
    beta: float = 1.0
    stabilizer: float = 1e-6

    def halves(self, weight: torch.Tensor, bias: torch.Tensor) -> list[Half]:
        up, down = partial(_positive, weight), partial(_negative, weight)
        return [(up, down, _positive(bias)), (down, up, _negative(bias))]

    def shares(self, relevance: torch.Tensor, output: torch.Tensor, totals: list[torch.Tensor]) -> list[torch.Tensor]:
        factors = zip((self.alpha, -self.beta), totals, strict=True)
        return [factor * relevance / stabilised(total, self.stabilizer) for factor, total in factors]


@dataclass(frozen=True)
class Gamma(Halves):
    """Contributions of the output's own sign count 1 + GAMMA times (Montavon et al., 2019; signs as in zennit)."""

    gamma: float = 0.25
    stabilizer: float = 1e-6

    def halves(self, weight: torch.Tensor, bias: torch.Tensor) -> list[Half]:
        up, down = (partial(self._more, half, weight) for half in (_positive, _negative))
        return [(up, down, self._more(_positive, bias)), (down, up, self._more(_negative, bias))]

    def _more(self, half: Callable, values: torch.Tensor) -> torch.Tensor:
        return torch.add(values, half(values), alpha=self.gamma)

    def shares(self, relevance: torch.Tensor, output: torch.Tensor, totals: list[torch.Tensor]) -> list[torch.Tensor]:
        signs = zip((output > 0, output < 0), totals, strict=True)
        return [relevance * sign / stabilised(total, self.stabilizer) for sign, total in signs]
