"""zennit's rules for one linear layer, without its hooks: those for a first layer give relevance to zeros too."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from saliency_benchmark import compat
from saliency_benchmark.explaining.relevance_rules import Layer


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

    def __init__(self, operation: Callable, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self._operation = operation
        self.weight = nn.Parameter(weight.detach(), requires_grad=False)
        self.bias = nn.Parameter(bias.detach(), requires_grad=False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self._operation(inputs, self.weight, self.bias)
