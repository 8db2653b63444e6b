"""Feature maps: which module gives the last one, and where image, feature, row and column lie in what it gives.

Seen in one pass: channels first (convolutions), channels last (Swin), or tokens (ViT: one per cell, behind the class
token and registers, which are no cells).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isqrt
from weakref import WeakKeyDictionary

import torch
from torch import nn

from saliency_benchmark.preserving import preserved
from saliency_benchmark.resizing import Resized

# Modules that work on axis 1 of four; a LayerNorm or Linear works on the last.
FIRST = (
    *(nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.SyncBatchNorm, nn.GroupNorm, nn.InstanceNorm2d),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d),
)
# They draw what they are given on a grid of their own: their cells are copies or means of the cells before.
REDRAWING = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
# Tokens beside those of the cells: a class token, registers.
MOST_EXTRA = 16

_known: WeakKeyDictionary[nn.Module, dict] = WeakKeyDictionary()


@dataclass(frozen=True)
class Layout:
    """ORDER: "first" (image, feature, row, column), "last" (image, row, column, feature) or "tokens" (image, token,
    feature), whose EXTRA first tokens are no cells. GRID: rows and columns of cells.
    """

    order: str
    grid: tuple[int, int]
    extra: int = 0

    def maps(self, values: torch.Tensor) -> torch.Tensor:
        """What the layer gives, or a gradient there, as (image, feature, row, column): a view of VALUES."""
        if self.order == "tokens":
            values = values[:, self.extra :].unflatten(1, self.grid)
        return values if self.order == "first" else values.permute(0, 3, 1, 2)

    def without(self, values: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """What the layer gives, with one feature map of each image set to 0: FEATURES (image), its number."""
        kept = values.clone()
        self.maps(kept)[torch.arange(len(kept), device=kept.device), features] = 0
        return kept


@dataclass
class _Pass:
    """One forward pass, module by module as they end: NAMES in order, outputs, and their layouts where known."""

    shape: tuple[int, int]
    names: list[str] = field(default_factory=list)
    outputs: dict[str, torch.Tensor] = field(default_factory=dict)
    layouts: dict[str, Layout] = field(default_factory=dict)
    _orders: dict[tuple, str] = field(default_factory=dict)  # by the shape of outputs so far

    def note(self, name: str, module: nn.Module, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.ndim in (3, 4):
            shape = tuple(output.shape)
            self._orders[shape] = _order(module, output) or self._orders.get(shape) or self._neighbour(shape)
            if layout := self.layout(shape, self._orders[shape]):
                self.layouts[name] = layout
        self.names.append(name)
        self.outputs[name] = output

    def _neighbour(self, shape: tuple[int, ...]) -> str | None:
        """The order of an earlier output with the same cells: what a block concatenates has its branches' order."""
        for layout in reversed(self.layouts.values()):
            if layout.order != "tokens" and layout.grid == (shape[2:] if layout.order == "first" else shape[1:-1]):
                return layout.order
        return None

    def layout(self, shape: tuple[int, ...], order: str | None) -> Layout | None:
        """Layout of an output of SHAPE whose feature axis lies as ORDER says, first or last."""
        if order == "first" and len(shape) == 4:
            return Layout("first", shape[2:])
        if order == "last" and len(shape) == 4:
            return Layout("last", shape[1:3])
        return self._tokens(shape[1]) if order == "last" else None

    def _tokens(self, number: int) -> Layout | None:
        """NUMBER tokens on a grid that was seen before, or on one of the image's own proportions."""
        extras = range(min(MOST_EXTRA + 1, number))
        for extra in extras:
            for seen in reversed(self.layouts.values()):
                if seen.order != "tokens" and seen.grid[0] * seen.grid[1] == number - extra:
                    return Layout("tokens", seen.grid, extra)
        for extra in extras:
            cells = number - extra
            rows = isqrt(cells * self.shape[0] // self.shape[1])
            if rows and cells % rows == 0 and rows * self.shape[1] == cells // rows * self.shape[0]:
                return Layout("tokens", (rows, cells // rows), extra)
        return None

    def maps(self) -> list[str]:
        """Names of the modules that gave one feature map of more than one cell, in order."""
        once = [name for name in self.layouts if self.names.count(name) == 1]
        return [name for name in once if self.layouts[name].grid != (1, 1)]


def feature_layer(network: nn.Module, shape: tuple[int, int, int]) -> str:
    """Name of the last module whose output is a feature map that the logits depend on, for images of SHAPE.

    It has more than one cell, and its cells have a gradient: what a ViT's last block gives counts through the class
    token alone, so there it is the norm before that block's attention. Passed over are a module that is called twice
    in one pass (its hooks would speak of two maps; the block around it speaks of the last), and adaptive pooling,
    which draws the map on a grid of its own (VGG and AlexNet: the map before `avgpool`). Raises ValueError where there
    is none; the settings' `layer` names one then.
    """
    seen, reaching = _examined(network, shape)
    modules = dict(network.named_modules())
    found = [name for name in seen.maps() if name in reaching and not isinstance(modules[name], REDRAWING)]
    if not found:
        raise ValueError("no module of this model gives a feature map: name one as `layer` of the model")
    return found[-1]


def checked(network: nn.Module, shape: tuple[int, int, int], layer: str) -> str:
    """LAYER, if its output is a feature map that the logits depend on; else ValueError, with the nearest names."""
    seen, reaching = _examined(network, shape)
    fault = _fault(seen, dict(network.named_modules()), layer)
    if fault is None and layer not in reaching and layer in seen.layouts:
        fault = "gives cells that no logit depends on"
    if fault:
        near = get_close_matches(layer, reaching, 3, 0.3) or reaching[-3:]
        raise ValueError(f"the layer {layer!r} {fault}; feature maps are given by: {', '.join(near) or 'no module'}")
    return layer


def layout(network: nn.Module, layer: str, images: torch.Tensor) -> Layout:
    """How the module LAYER lays out what it gives for IMAGES; one image is passed, once per network and size.

    Where no module tells, four axes have channels first. Raises ValueError where it is no feature map.
    """
    known = _known.setdefault(network, {})
    key = (layer, tuple(images.shape[1:]))
    if key not in known:
        with preserved(network), torch.no_grad(), _listening(network, key[1]) as seen:
            network(images[:1].detach())
        fault = _fault(seen, dict(network.named_modules()), layer)
        if fault:
            near = get_close_matches(layer, seen.maps(), 3, 0.3) or seen.maps()[-3:]
            raise ValueError(f"the layer {layer!r} {fault}; feature maps are given by: {', '.join(near)}")
        output = tuple(seen.outputs[layer].shape)
        known[key] = seen.layouts.get(layer) or seen.layout(output, "first" if len(output) == 4 else "last")
    return known[key]


def _fault(seen: _Pass, modules: dict[str, nn.Module], layer: str) -> str | None:
    """Why LAYER gives no feature map."""
    if layer not in modules or not layer:
        return "is no module of this model"
    calls = seen.names.count(layer)
    if calls != 1:
        return f"is called {calls} times in one pass; wanted: once" + (" (take the block around it)" if calls else "")
    output = seen.outputs[layer]
    if not isinstance(output, torch.Tensor) or output.ndim not in (3, 4):
        told = f"shape {tuple(output.shape)}" if isinstance(output, torch.Tensor) else f"type {type(output).__name__}"
        return f"gives an output of {told}; wanted: features on a grid of cells"
    if output.ndim == 3 and not seen.layout(tuple(output.shape), "last"):
        return f"gives {output.shape[1]} tokens, which lie on no grid that is known"
    return None


def _examined(network: nn.Module, shape: tuple[int, int, int]) -> tuple[_Pass, list[str]]:
    """A pass of one image of noise, and the names of the feature maps of which a cell changes a logit, in order."""
    example = next(network.parameters(), torch.zeros(()))
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, *shape, generator=generator).to(example)
    with preserved(network), _awake(network, generator), torch.enable_grad(), _listening(network, shape[1:]) as seen:
        # A clone, since a first module that works in place may not change a leaf.
        logits = network(image.requires_grad_(True).clone())
        names = [name for name in seen.maps() if seen.outputs[name].requires_grad]
        weights = torch.randn(logits.shape, generator=generator).to(logits)
        outputs = [seen.outputs[name] for name in names]
        gradients = torch.autograd.grad((logits * weights).sum(), outputs, allow_unused=True) if names else []
    pairs = zip(names, gradients, strict=True)
    return seen, [name for name, each in pairs if each is not None and seen.layouts[name].maps(each).any()]


@contextmanager
def _awake(network: nn.Module, generator: torch.Generator) -> Iterator[None]:
    """Within, no weight matrix is zero: a head that starts at zero (ViT) would hide that anything matters."""
    asleep = [weight for weight in network.parameters() if weight.ndim > 1 and not weight.any()]
    try:
        for weight in asleep:
            weight.data.copy_(torch.randn(weight.shape, generator=generator))
        yield
    finally:
        for weight in asleep:
            weight.data.zero_()


@contextmanager
def _listening(network: nn.Module, shape: tuple[int, ...]) -> Iterator[_Pass]:
    seen = _Pass(network.size if isinstance(network, Resized) else tuple(shape)[-2:])

    def listen(name: str):
        return lambda module, inputs, output: seen.note(name, module, output)

    handles = [module.register_forward_hook(listen(name)) for name, module in network.named_modules() if name]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _order(module: nn.Module, output: torch.Tensor) -> str | None:
    """Where MODULE itself says that the features of its OUTPUT lie, first (behind the image) or last."""
    if output.ndim == 4 and isinstance(module, FIRST):
        return "first"
    if output.ndim == 4 and isinstance(module, nn.LayerNorm) and type(module) is not nn.LayerNorm:
        # ConvNeXt's LayerNorm2d moves its axes back and forth.
        return "first" if module.normalized_shape == tuple(output.shape[1:2]) else "last"
    if isinstance(module, nn.LayerNorm | nn.Linear):
        return "last"
    moved = {(0, 3, 1, 2): "first", (0, 2, 3, 1): "last"}
    return moved.get(tuple(getattr(module, "dims", None) or ()))
