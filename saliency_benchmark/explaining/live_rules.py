"""Rules of one layer as functions of the weights: gradients whose own gradients are right."""

from collections.abc import Callable, Sequence
from functools import partial

import torch

from saliency_benchmark.explaining.relevance_rules import Epsilon, Halves, Layer, Rule, channels


class Ruled(torch.autograd.Function):
    """VALUE, whose gradient with respect to STREAMS is what SLOPE makes of its own gradient."""

    @staticmethod
    def forward(ctx, value, slope, *streams) -> torch.Tensor:
        ctx.slope = slope
        return value.view_as(value)

    @staticmethod
    def backward(ctx, above: torch.Tensor) -> tuple:
        return None, None, *ctx.slope(above)


def ruled(value: torch.Tensor, slope: Callable[[torch.Tensor], list[torch.Tensor]], stream: torch.Tensor):
    return Ruled.apply(value.detach(), slope, stream)


def scaled(stream: torch.Tensor, ratio: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """VALUE, whose gradient with respect to STREAM is RATIO, entry by entry."""
    return ruled(value, lambda above: [above * ratio], stream)


def stable(stream: torch.Tensor, output: torch.Tensor, epsilon: float = 1e-6) -> torch.Tensor:
    size = output.abs()
    return scaled(stream, size / (size + epsilon), stream)


def slopes(function: Callable, args: Sequence, places: Sequence[int], above: torch.Tensor) -> list[torch.Tensor]:
    """Of FUNCTION's result, times ABOVE, with respect to its arguments at PLACES: taken at ARGS, each by itself."""
    apart = [one.view_as(one) if place in places else one for place, one in enumerate(args)]
    with torch.enable_grad():
        apart = [one if place not in places or one.requires_grad else one.detach().requires_grad_(True)
                 for place, one in enumerate(apart)]  # fmt: skip
        return list(torch.autograd.grad(function(*apart), [apart[place] for place in places], above, create_graph=True))


def followed(rule: Rule, layer: Layer, stream: torch.Tensor) -> torch.Tensor:
    """The layer's output, as its RULE shares relevance."""
    if isinstance(rule, Epsilon):
        return ruled(layer.output, partial(_by_contribution, layer, rule), stream)
    if isinstance(rule, Halves):
        return ruled(layer.output, partial(_by_halves, layer, rule), stream)
    raise ValueError(
        f"no gradient of {type(rule).__name__} by the weights; there are epsilon, z+, alpha-beta and gamma"
    )


def _by_contribution(layer: Layer, rule: Epsilon, above: torch.Tensor) -> list[torch.Tensor]:
    size, (weight, _) = layer.output.abs(), layer.merged()
    above = above * (size / (size + rule.epsilon))
    return slopes(lambda inputs: layer.operation(inputs, weight, None), [layer.inputs], [0], above)


def _by_halves(layer: Layer, rule: Halves, above: torch.Tensor) -> list[torch.Tensor]:
    inputs, negative = layer.inputs, bool(layer.inputs.amin() < 0)
    signs = [inputs.clamp(min=0), inputs.clamp(max=0)] if negative else [inputs.view_as(inputs)]
    axis, paired = channels(layer.weight), negative and layer.pairable
    signs = [torch.cat(signs, axis)] if paired else signs
    signs = [each if each.requires_grad else each.requires_grad_(True) for each in signs]
    made = []
    for *makes, bias in rule.halves(*layer.merged()):
        weights = [make() for make in makes[: 1 + negative]]
        weights = [torch.cat(weights, 1)] if paired else weights
        made.append([layer.operation(values, weight, bias if values is signs[0] else None)
                     for values, weight in zip(signs, weights, strict=True)])  # fmt: skip
    shares = rule.shares(above * layer.output, layer.output, [sum(each[1:], each[0]) for each in made])
    found = [
        sum(torch.autograd.grad(each[number], values, share, create_graph=True)[0]
            for each, share in zip(made, shares, strict=True))
        for number, values in enumerate(signs)
    ]  # fmt: skip
    found = found[0].chunk(2, axis) if paired else found
    return [torch.where(inputs > 0, *found) if negative else found[0]]
