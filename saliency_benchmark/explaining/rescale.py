"""DeepLIFT's multipliers: a pass of the baselines, then one of the images that takes differences back to the pixels.

The first pass keeps the inputs of every non-linear call; in the second, each call meets its partner in turn, and its
backward pass is the call's rule (rescale_rules). One forward pass more than a gradient, and no graph for it.
"""

from collections import deque
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from saliency_benchmark import gradients
from saliency_benchmark.explaining import attention_forward, rewriting
from saliency_benchmark.explaining.rescale_rules import PLAIN, RULES, product

ADVICE = "DeepLIFT compares call by call; use another method, such as integrated_gradients"


def multipliers(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, baseline: torch.Tensor) -> torch.Tensor:
    """What (images - BASELINE) is multiplied with, (image, channel, row, column).

    The products' sum is f(image) - f(baseline) wherever the network is made of calls that are linear or have a rule.
    """
    tape = Tape()
    with torch.no_grad(), tape.mode:
        model(baseline)
    tape.recording = False
    with tape.mode:
        return gradients.slope(model, images, targets)


class Tape:
    """The mode of both passes: it keeps what calls are given while `recording`, then hands it to their rules."""

    def __init__(self) -> None:
        self.recording, self._kept = True, deque()
        found = {name: partial(self._at, *rule) for name, rule in RULES.items()} | {"einsum": self._einsum}
        found["multi_head_attention_forward"] = self._inside(attention_forward.multi_head_attention)
        found["scaled_dot_product_attention"] = self._inside(attention_forward.scaled_dot_product)
        self.mode = rewriting.Rewriting(found)

    def _inside(self, written_out: Callable) -> Callable:
        def attend(function: Callable, *args: object, **kwargs: object) -> object:
            with self.mode:
                return written_out(*args, **kwargs)

        return attend

    def _einsum(self, function: Callable, equation: str, *operands: object) -> torch.Tensor:
        if len(operands) != 2:
            return function(equation, *operands)
        return self._at(product, 2, partial(torch.einsum, equation), *operands)

    def _at(self, rule: Callable, count: int, function: Callable, *args: object, **kwargs: object) -> torch.Tensor:
        name, inputs, rest = getattr(function, "__name__", "einsum"), args[:count], args[count:]
        if len(inputs) < count or not all(isinstance(each, torch.Tensor) for each in inputs):
            return function(*args, **kwargs)
        references = self._meet(name, inputs)
        if references is None or not any(each.requires_grad for each in inputs):
            return function(*args, **kwargs)
        changes = kwargs.pop("inplace", False) or (name.endswith("_") and not name.endswith("__"))
        with torch.no_grad():
            first = inputs[0].detach().clone() if changes else inputs[0].detach()
            value = function(first, *(each.detach() for each in inputs[1:]), *rest, **kwargs)
        linear = rule(PLAIN.get(name, function), inputs, references, *rest, **kwargs)
        result = _Valued.apply(linear, (value,))
        return inputs[0].copy_(result) if changes else result

    def _meet(self, name: str, inputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor] | None:
        """The baselines' inputs of this call, or None in their own pass, which keeps copies: some change in place."""
        shapes = [each.shape for each in inputs]
        if self.recording:
            self._kept.append((name, shapes, [each.detach().clone() for each in inputs]))
            return None
        met, expected, references = self._kept.popleft() if self._kept else ("nothing more", [], [])
        if (met, expected) != (name, shapes):
            raise ValueError(f"this model calls {name} on an image where it calls {met} on its baseline: {ADVICE}")
        return references


class _Valued(torch.autograd.Function):
    """The true value, with the backward pass of what is linear in its stead."""

    @staticmethod
    def forward(ctx, linear: torch.Tensor, value: tuple[torch.Tensor]) -> torch.Tensor:
        return value[0]

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradient, None
