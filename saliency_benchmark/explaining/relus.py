"""Backward passes with a rule of their own at every ReLU, wherever it is called: guided backprop and DeconvNet.

A ReLU is a call of relu, relu6, or hardtanh from 0, in place or not, by a module (used once or often) or in plain code.
Other activations (leaky_relu, gelu, silu, hardswish, clamp) pass the plain gradient: the rules are defined for ReLU.
"""

from collections.abc import Callable

import torch
from torch import nn

from saliency_benchmark import gradients, sharing
from saliency_benchmark.explaining import rewriting

ADVICE = "use another method, such as gradient or integrated_gradients"


@sharing.once
def backward(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, rule: Callable) -> torch.Tensor:
    """Gradient of each image's target output with RULE at every ReLU, (image, channel, row, column).

    RULE(relu, values) gives relu(values) with a backward pass of its own. Raises ValueError where no ReLU is called.
    """
    leaf, found = traced(model, images, rule)
    traced.forget(model, images, rule)
    return torch.autograd.grad(gradients.chosen(found, targets).sum(), leaf)[0]


@sharing.once
def traced(model: nn.Module, images: torch.Tensor, rule: Callable) -> tuple[torch.Tensor, torch.Tensor]:
    """The images as a leaf of the graph, and the outputs that depend on it by RULE: good for one backward pass."""
    seen: list[str] = []
    with rewriting.Rewriting(_rules(rule, seen)):
        found = gradients.begun(model, images)
    if not seen:
        raise ValueError(_reason())
    return found


def outputs(model: nn.Module, images: torch.Tensor, rule: Callable) -> torch.Tensor:
    """What the network gives, from the pass that `backward` goes back through."""
    return traced(model, images, rule)[1].detach()


def unsuited(model: nn.Module, shape: tuple[int, int, int]) -> str | None:
    """Why MODEL, of frozen weights, cannot be explained by a rule for ReLUs, or None: its forward pass calls none."""
    parameter = next(model.parameters())
    image = torch.zeros(1, *shape, device=parameter.device, dtype=parameter.dtype, requires_grad=True)
    seen: list[str] = []
    with torch.enable_grad(), rewriting.Rewriting(_rules(lambda relu, values: relu(values), seen)):
        model(image)
    return None if seen else _reason()


def _reason() -> str:
    return f"its forward pass calls no ReLU, and without one this is the plain gradient: {ADVICE}"


def _rules(rule: Callable, seen: list[str]) -> dict[str, Callable]:
    """RULE under the name of every function that may be a ReLU; those that the image reaches are noted in SEEN.

    Swin V2 calls ReLUs too, but on constants: its position biases.
    """

    def at(function: Callable, values: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        def relu(shown: torch.Tensor) -> torch.Tensor:
            return function(shown, *args, **kwargs)

        lowest = kwargs.get("min_val", args[0] if args else -1.0)
        if not values.requires_grad or (function.__name__.startswith("hardtanh") and lowest != 0):
            return relu(values)
        seen.append(function.__name__)
        return rule(relu, values)

    return dict.fromkeys(rewriting.RELUS, at)


def guided(relu: Callable, values: torch.Tensor) -> torch.Tensor:
    """Only positive gradients reach the ReLU, which stops them where it is closed, as ever."""
    output = relu(values)
    # A hook on this value: it holds whatever the model does in place afterwards.
    output.register_hook(lambda gradient: gradient.clamp(min=0))
    return output


def reversed_relu(relu: Callable, values: torch.Tensor) -> torch.Tensor:
    """Positive gradients pass, whether the ReLU is open or closed."""
    return _Reversed.apply(values, relu)


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: torch.Tensor, relu: Callable) -> torch.Tensor:
        output = relu(values)
        if output is values:
            ctx.mark_dirty(values)
        return output

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradient.clamp(min=0), None
