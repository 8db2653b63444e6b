"""Layer-wise relevance propagation for any network: the rules of each call, whatever module or function makes it.

Relevance travels as relevance / activation, so that an ordinary backward pass carries it: wherever a call is linear or
homogeneous (sums, concatenation, pooling, ReLU, reshaping) its own gradient shares relevance by contribution, the
epsilon rule with epsilon 0. Only the other calls need a rule, and each family of networks is canonised alike:

- batch norm behind a convolution or dense layer is merged into it; elsewhere it is an affine layer of its own;
- smooth activations (GELU, SiLU, hard-swish, ReLU6) pass relevance on (Bach et al., 2015; zennit's Pass);
- a gate (squeeze-excite) counts as a constant (Arras et al., 2017); products of equals get half each, softmax its
  gradient, normalisations a constant deviation (AttnLRP: Achtibat et al., 2024, eq. 8 to 15).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from saliency_benchmark import batching, gradients, sharing
from saliency_benchmark.explaining import attention_forward, relevance_calls
from saliency_benchmark.explaining.keeping import Kept, kept
from saliency_benchmark.explaining.relevance_rules import Epsilon, Layer, Rule, channels, stabilised
from saliency_benchmark.explaining.rewriting import Rewriting

PASSING = ("gelu", "silu", "hardswish", "hardtanh", "relu6", "elu", "selu", "celu", "mish", "softplus", "tanh",
           "sigmoid", "hardsigmoid", "softsign", "logsigmoid")  # fmt: skip
# Names of the functions of each kind.
KINDS = {
    "convolution": tuple(f"conv{transposed}{n}d" for transposed in ("", "_transpose") for n in (1, 2, 3)),
    "dense": ("linear",),
    "passing": (*PASSING, *(f"{name}_" for name in PASSING)),
    "halved": ("matmul", "bmm", "__matmul__", "einsum", "baddbmm"),
    "product": ("mul", "mul_", "multiply", "__mul__", "__rmul__"),
    "quotient": ("div", "div_", "true_divide", "__truediv__"),
    "relu": ("relu", "relu_"),
    "add": ("add", "add_", "__add__", "__iadd__"),
    "average": tuple(f"{adaptive}avg_pool{n}d" for adaptive in ("", "adaptive_") for n in (1, 2, 3)),
}

# Parts of fewer images read a network's weights too often.
SEVERAL = 32


@dataclass(frozen=True)
class Composite:
    """The rule for convolutions, for dense layers, and for the first layer where it has one of its own.

    CONSTANT_ATTENTION: no relevance goes into attention weights (Ali et al., 2022).
    """

    convolution: Rule
    dense: Rule
    first: Rule | None = None
    constant_attention: bool = False


@sharing.once
def propagate(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, composite: Composite) -> torch.Tensor:
    """Relevance, (image, channel, row, column).

    The start is 1 at the target, so an image's relevance sums to 1 where the rules conserve it (biases absorb a part);
    times the output it sums to the output. zennit's own default starts with the logit, whose sign flips maps.
    """
    parts = traced(model, images, composite)
    traced.forget(model, images, composite)
    targets = targets.split([len(part.leaf) for part in parts])
    return torch.cat([part.relevance(chosen, composite) for part, chosen in zip(parts, targets, strict=True)])


@dataclass
class Part:
    """Some images as a leaf of the graph, and the outputs that depend on it by the rules: good for one backward pass.

    FOUND: the first layer's input, and the relevance that a rule of its own gives it on the way back.
    """

    leaf: torch.Tensor
    outputs: torch.Tensor
    found: list[tuple[torch.Tensor, torch.Tensor]]

    def relevance(self, targets: torch.Tensor, composite: Composite) -> torch.Tensor:
        output = gradients.chosen(self.outputs, targets)
        # What lies before the first layer is gone through once more where that layer has a rule of its own.
        more = composite.first is not None
        (slope,) = torch.autograd.grad(output, self.leaf, 1 / stabilised(output.detach(), 1e-12), retain_graph=more)
        relevance = self.leaf.detach() * slope
        for inputs, one in self.found:
            # What lies before the first layer (a resize) spreads its relevance by its own weights.
            spread = [] if inputs.is_leaf else torch.autograd.grad(inputs, self.leaf, one, retain_graph=True)
            relevance = relevance + (spread[0] if spread else one)
        return relevance


@sharing.once
def traced(model: nn.Module, images: torch.Tensor, composite: Composite) -> list[Part]:
    """IMAGES in parts of half the rows, or SEVERAL: a rule holds twice as much of a layer as a gradient does."""
    return [_part(model, some, composite) for some in images.split(max(SEVERAL, batching.rows() // 2))]


def _part(model: nn.Module, images: torch.Tensor, composite: Composite) -> Part:
    calls = _Calls(composite, kept(model))
    with torch.enable_grad(), Rewriting(calls.rules()) as mode:
        calls.mode = mode
        leaf = images.detach().requires_grad_(True)
        given = model(leaf)
    calls.forget()
    return Part(leaf, given, calls.found)


def outputs(model: nn.Module, images: torch.Tensor, composite: Composite) -> torch.Tensor:
    """What the network gives, from the pass that `propagate` goes back through."""
    return torch.cat([part.outputs.detach() for part in traced(model, images, composite)])


def total(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """What the relevance of each image sums to where no bias absorbs any: 1."""
    return torch.ones(len(images), device=images.device)


def unsuited(model: nn.Module, shape: tuple[int, int, int]) -> str | None:
    """The network that the rules see must give what the network gives: some change tensors behind the rules' back."""
    images = torch.randn((2, *shape), generator=torch.Generator().manual_seed(0)).to(next(model.parameters()))
    seen = outputs(model, images, Composite(Epsilon(), Epsilon()))
    with torch.no_grad():
        same = torch.allclose(seen, model(images), rtol=1e-3, atol=1e-4)
    return None if same else "its forward pass changes tensors in place and leaves the result; write x = f(x) there"


def by_name(rules: dict[str, Callable]) -> dict[str, Callable]:
    """RULES by kind -> by the names of the functions of that kind; a kind of one function has its name."""
    return {name: rule for kind, rule in rules.items() for name in KINDS.get(kind, (kind,))}


class _Call:
    """A layer as it was just called: a batch norm that follows at once belongs to it."""

    def __init__(self, layer: Layer, rule: Rule, found: list | None) -> None:
        self.layer, self.rule, self.found = layer, rule, found
        self.result = rule(layer, found)


class _Calls:
    """The rules of one forward pass; FOUND: the first layer's input, and the relevance that its own rule gave it."""

    def __init__(self, composite: Composite, made: Kept) -> None:
        self._composite, self._last, self._made, self._layers = composite, None, made, 0
        self.found: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.mode: Rewriting

    def forget(self) -> None:
        """Let go of the last layer and of the rules, which hold each other: memory is free at once."""
        self._last = None
        self.mode.rules = {}

    def rules(self) -> dict[str, Callable]:
        softmax = {"softmax": relevance_calls.constant} if self._composite.constant_attention else {}
        kinds = {"convolution": self._convolution, "dense": self._dense, "batch_norm": self._batch_norm}
        others = ("passing", "halved", "product", "quotient", "relu", "add", "average")
        others += ("layer_norm", "group_norm", "normalize")
        kinds |= {kind: getattr(relevance_calls, kind) for kind in others}
        return by_name(kinds) | softmax | attention_forward.written_out(lambda: self.mode)

    def _convolution(self, function: Callable, images: torch.Tensor, weight: torch.Tensor, *args: object, **more):
        return self._layer(self._composite.convolution, function, images, weight, *args, **more)

    def _dense(self, function: Callable, images: torch.Tensor, weight: torch.Tensor, *args: object, **more):
        return self._layer(self._composite.dense, function, images, weight, *args, **more)

    def _layer(
        self, rule: Rule, function: Callable, inputs: torch.Tensor, weight: torch.Tensor, bias=None, *args, **more
    ) -> torch.Tensor:
        if not inputs.requires_grad:
            return function(inputs, weight, bias, *args, **more)
        first = self._composite.first if self._layers == 0 else None
        self._layers += 1
        layer = Layer(
            lambda x, w, b: function(x, w, b, *args, **more),
            inputs,
            weight,
            bias,
            function(inputs, weight, bias, *args, **more),
            made=self._made.of(weight, bias),
            pairable="transpose" not in function.__name__ and inputs.shape[channels(weight)] == weight.shape[1],
        )
        call = _Call(layer, first or rule, self.found if first else None)
        self._last = call
        return call.result

    def _batch_norm(self, function, inputs, mean, variance, weight=None, bias=None, training=False, *args, **more):
        last, self._last = self._last, None
        if last is None or last.result is not inputs or training:
            return function(inputs, mean, variance, weight, bias, training, *args, **more)
        epsilon = more.get("eps", args[1] if len(args) > 1 else 1e-5)
        scale = (variance + epsilon).rsqrt() * (1 if weight is None else weight)
        shift = (0 if bias is None else bias) - mean * scale
        output = function(last.layer.output, mean, variance, weight, bias, training, *args, **more)
        made = self._made.of(last.layer.weight, last.layer.bias, mean, variance, weight, bias)
        layer = replace(last.layer, output=output, scale=scale, shift=shift, made=made.setdefault(epsilon, {}))
        return last.rule(layer, last.found)
