"""A classifier of torchvision by its name there, with random weights."""

from difflib import get_close_matches
from types import ModuleType

import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import compat

# Auxiliary heads make the output a tuple in training; torch's own start is as good, and takes no minutes.
BARE = {"aux_logits": False, "init_weights": False}


def build(
    shape: tuple[int, int, int],
    classes: int,
    *,
    name: str,
    settings: dict | None = None,
    dropout: float = 0.0,
    bias: bool = True,
) -> nn.Module:
    """NAME as torchvision.models has it (resnet18, vit_b_16, ...); SETTINGS: more keyword arguments of its builder.

    DROPOUT: share of the last layer's inputs that are dropped in training, beside what the network drops by itself;
    BIAS: whether the last layer has biases (arXiv 2311.17876: 0.2 and none). GoogLeNet and Inception have no auxiliary
    heads unless SETTINGS say so. A first convolution for three channels is made anew where SHAPE has another number.
    Raises ValueError where the name is unknown, or of no image classifier, and where a transformer cannot take images
    of SHAPE.
    """
    compat.torchvision()
    from torchvision import models

    _check_name(name, models)
    more = _size(name, shape) | (BARE if name in ("googlenet", "inception_v3") else {}) | (settings or {})
    try:
        network = models.get_model(name, weights=None, num_classes=classes, **more)
    except (ValueError, AssertionError) as error:
        raise ValueError(f"{name} takes no images of {shape[1]} x {shape[2]} pixels ({error}); {ADVICE}") from error
    if shape[0] != 3:
        take_channels(network, shape[0])
    if dropout or not bias:
        _take_head(network, name, dropout, bias)
    return network


class Head(nn.Linear):
    """A last layer that drops some of its inputs in training; it has the weights and the name of LAYER."""

    def __init__(self, layer: nn.Linear, dropout: float, bias: bool) -> None:
        super().__init__(layer.in_features, layer.out_features, bias)
        self.dropout, self.weight = dropout, layer.weight
        self.bias = layer.bias if bias else None

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return super().forward(functional.dropout(features, self.dropout) if self.training else features)


def _take_head(network: nn.Module, name: str, dropout: float, bias: bool) -> None:
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}; wanted: a share of at least 0 and below 1")
    linear = [path for path, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(f"{name} has no linear layer at its end: leave out dropout and bias")
    network.set_submodule(linear[-1], Head(network.get_submodule(linear[-1]), dropout, bias))


ADVICE = "set `size: [224, 224]` of the model: they are resized inside it"


def _check_name(name: str, models: ModuleType) -> None:
    known = models.list_models(models)
    if name in known:
        return
    if name in models.list_models():
        raise ValueError(f"{name!r} of torchvision is no image classifier; classifiers: {', '.join(known)}")
    near = get_close_matches(name, known, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ValueError(f"torchvision has no classifier {name!r}{hint}; it has: {', '.join(known)}")


def _size(name: str, shape: tuple[int, int, int]) -> dict:
    """What a network of a fixed size has to be told of SHAPE."""
    if name.startswith("vit_"):
        if shape[1] != shape[2]:
            raise ValueError(f"{name} takes square images, not {shape[1]} x {shape[2]} pixels; {ADVICE}")
        return {"image_size": shape[1]}
    return {"input_size": shape[1:]} if name.startswith("maxvit_") else {}


def take_channels(network: nn.Module, channels: int) -> None:
    """Replace the first convolution by one for CHANNELS input channels, initialised as torch does."""
    path, first = next((path, module) for path, module in network.named_modules() if isinstance(module, nn.Conv2d))
    parent, _, last = path.rpartition(".")
    kept = ("out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
    options = {name: getattr(first, name) for name in kept}
    setattr(network.get_submodule(parent), last, nn.Conv2d(channels, bias=first.bias is not None, **options))
