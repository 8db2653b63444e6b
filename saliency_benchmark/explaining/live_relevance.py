"""Relevance as a function of the weights: the maps of `relevance`, whose gradient by every weight is right.

The network is passed twice. The first pass is an ordinary one, recorded call by call: what it gives depends on the
weights as it should. The second pass begins at a leaf of its own and has the rules as its gradient, each written with
the recorded values. A backward pass to that leaf makes the map, and what it is made of are recorded values and weights
alone: so a gradient of the map goes back through the first pass, and never through a rule as if it were a derivative.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from saliency_benchmark import gradients
from saliency_benchmark.explaining import attention_forward, relevance, relevance_calls
from saliency_benchmark.explaining.live_rules import Ruled, followed, scaled, slopes, stable
from saliency_benchmark.explaining.recorded_calls import Call, plain, recorded
from saliency_benchmark.explaining.relevance import Composite
from saliency_benchmark.explaining.relevance_rules import Layer, Rule, channels, stabilised
from saliency_benchmark.explaining.rewriting import Rewriting

CURVED = ("softmax", "exp", "log", "pow", "sqrt", "rsqrt", "square", "erf")
BATCH_NORM = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")


def propagate(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, composite: Composite) -> torch.Tensor:
    """Relevance, (image, channel, row, column), as `relevance.propagate` gives it, differentiable by the weights.

    COMPOSITE has no rule of the first layer's own. The network is in evaluation mode.
    """
    calls, given = recorded(model, images, _Rules(composite, iter(())).rules())
    gradients.passed.keep(given, model, images)
    leaf = images.detach().requires_grad_(True)
    frozen = {name: value.detach() for name, value in chain(model.named_parameters(), model.named_buffers())}
    rules = _Rules(composite, iter(calls))
    with torch.enable_grad(), Rewriting(rules.rules()) as mode:
        rules.mode = mode
        ended = functional_call(model, frozen, (leaf,))
    mode.rules = {}
    start = 1 / stabilised(gradients.chosen(given, targets), 1e-12)
    (slope,) = torch.autograd.grad(gradients.chosen(ended, targets), leaf, start, create_graph=True)
    return images.detach() * slope


@dataclass(frozen=True)
class _Last:
    """The layer that was just called: a batch norm that follows at once belongs to it."""

    layer: Layer
    rule: Rule
    stream: torch.Tensor
    result: torch.Tensor


class _Rules:
    """The rules of the second pass, each with the values that the recorded pass had there."""

    def __init__(self, composite: Composite | None, calls: Iterator[Call]) -> None:
        self._composite, self._calls, self._last = composite, calls, None
        self.mode: Rewriting

    def rules(self) -> dict[str, Callable]:
        kinds = (*relevance.KINDS, "batch_norm", "layer_norm", "group_norm", "normalize")
        told = relevance.by_name({kind: getattr(self, f"_{kind}") for kind in kinds})
        told |= dict.fromkeys(CURVED, self._curved)
        if self._composite is not None and self._composite.constant_attention:
            told["softmax"] = self._constant
        recorded = {name: self._told(rule) for name, rule in told.items()}
        return recorded | attention_forward.written_out(lambda: self.mode)

    def _told(self, rule: Callable) -> Callable:
        """RULE with the recorded call; what does not depend on the image is as it was recorded."""

        def answer(function: Callable, *args: object, **more: object) -> torch.Tensor:
            call = next(self._calls)
            streams = tuple(place for place, one in enumerate(args) if relevance_calls.alive(one))
            if relevance_calls.alive(tuple(more.values())):
                raise ValueError(f"{function.__name__} is given a tensor by name, which LRP does not follow here")
            if not streams:
                return call.output
            args = [args[place] if place in streams else true for place, true in enumerate(call.args)]
            return rule(plain(function), replace(call, streams=streams), *args)

        return answer

    def _convolution(self, function: Callable, call: Call, stream: torch.Tensor, *_: object) -> torch.Tensor:
        return self._layer(self._composite.convolution, function, call, stream)

    def _dense(self, function: Callable, call: Call, stream: torch.Tensor, *_: object) -> torch.Tensor:
        return self._layer(self._composite.dense, function, call, stream)

    def _layer(self, rule: Rule, function: Callable, call: Call, stream: torch.Tensor) -> torch.Tensor:
        more = dict(call.more)
        inputs, weight, *rest = call.args if len(call.args) > 1 else (call.args[0], more.pop("weight"))
        bias = rest.pop(0) if rest else more.pop("bias", None)
        layer = Layer(
            lambda x, w, b: function(x, w, b, *rest, **more),
            inputs,
            weight,
            bias,
            call.output,
            pairable="transpose" not in function.__name__ and inputs.shape[channels(weight)] == weight.shape[1],
        )
        self._last = _Last(layer, rule, stream, followed(rule, layer, stream))
        return self._last.result

    def _batch_norm(self, function: Callable, call: Call, stream: torch.Tensor, *_: object) -> torch.Tensor:
        given = dict(zip(BATCH_NORM, call.args, strict=False)) | call.more
        scale = (given["running_var"] + given.get("eps", 1e-5)).rsqrt()
        scale = scale if given.get("weight") is None else scale * given["weight"]
        shift = (0 if given.get("bias") is None else given["bias"]) - given["running_mean"] * scale
        last, self._last = self._last, None
        if last is not None and last.result is stream:
            return followed(last.rule, replace(last.layer, output=call.output, scale=scale, shift=shift), last.stream)
        return scaled(stream, scale.reshape(-1, *[1] * (stream.ndim - 2)), call.output)

    def _passing(self, function: Callable, call: Call, stream: torch.Tensor, *_: object) -> torch.Tensor:
        plain = call.args[0]
        ratio = torch.where(plain != 0, call.output / torch.where(plain != 0, plain, 1), 0)
        result = scaled(stream, ratio, call.output)
        result.gate = function.__name__ in relevance_calls.GATES
        return result

    def _relu(self, function: Callable, call: Call, stream: torch.Tensor, *_: object) -> torch.Tensor:
        return functional.relu(stream)

    def _add(self, function: Callable, call: Call, *pair: object) -> torch.Tensor:
        total = torch.add(*pair, **call.more)
        return stable(total, call.output) if len(call.streams) == 2 else total

    def _average(self, function: Callable, call: Call, *args: object) -> torch.Tensor:
        return stable(function(*args, **call.more), call.output)

    def _halved(self, function: Callable, call: Call, *args: object) -> torch.Tensor:
        """A product of tensors that all depend on the image: each gets its equal share."""
        return self._shared(function, call, args, 1 / len(call.streams))

    def _curved(self, function: Callable, call: Call, *args: object) -> torch.Tensor:
        return self._shared(function, call, args, 1)

    @staticmethod
    def _shared(function: Callable, call: Call, args: tuple, share: float) -> torch.Tensor:
        def slope(above: torch.Tensor) -> list[torch.Tensor]:
            return slopes(lambda *each: function(*each, **call.more), call.args, call.streams, above * share)

        return Ruled.apply(call.output.detach(), slope, *(args[place] for place in call.streams))

    def _product(self, function: Callable, call: Call, *pair: object) -> torch.Tensor:
        """A gate, a sigmoid or the operand that is spread over the other's cells, is a constant; equals share."""
        if len(call.streams) < 2:
            return torch.mul(*pair)
        gates = relevance_calls.gates(*pair)
        if any(gates):
            return torch.mul(*(true if gate else one for one, true, gate in zip(pair, call.args, gates, strict=True)))
        return self._shared(torch.mul, call, pair, 1 / 2)

    def _quotient(self, function: Callable, call: Call, one: torch.Tensor, other: object) -> torch.Tensor:
        return torch.div(one, call.args[1], **call.more)

    def _constant(self, function: Callable, call: Call, stream: torch.Tensor, *rest: object) -> torch.Tensor:
        return call.output if stream.ndim > 2 else self._curved(function, call, stream, *rest)

    def _layer_norm(self, function: Callable, call: Call, stream: torch.Tensor, shape, *rest: object) -> torch.Tensor:
        names = dict(zip(("weight", "bias", "eps"), rest, strict=False)) | call.more
        return relevance_calls.layer_norm(function, stream, shape, true=call.args[0], **names)

    def _group_norm(self, function: Callable, call: Call, stream: torch.Tensor, groups: int, *rest) -> torch.Tensor:
        names = dict(zip(("weight", "bias", "eps"), rest, strict=False)) | call.more
        return relevance_calls.group_norm(function, stream, groups, true=call.args[0], **names)

    def _normalize(self, function: Callable, call: Call, stream: torch.Tensor, *rest: object) -> torch.Tensor:
        return relevance_calls.normalize(function, stream, *rest, true=call.args[0], **call.more)
