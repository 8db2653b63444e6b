"""Layers that can be computed at some of their places alone, from what the layers before them hold."""

import operator

import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark.fusing import RELUS, Fused
from saliency_benchmark.small_images import geometry, windows

# What gives each place by itself, whatever the others are.
ALONE = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.Identity, nn.Dropout, nn.BatchNorm2d)
ADDITIONS = (operator.add, operator.iadd, torch.add)
CHUNK = 4096  # places computed at a time: more would not stay in the processor's cache


class Layer:
    """What a layer gives, kept for every place: `values` (image x place + 1, channel); the last row is of no place.

    `shape`: rows and columns. SOURCES: the layers that it reads.
    """

    def __init__(self, *sources: "Layer") -> None:
        self.sources, self.shape = sources, (0, 0)
        self.values = torch.empty(0)

    def keep(self, found: torch.Tensor) -> None:
        """Hold FOUND, (image, channel, row, column)."""
        images, channels, *shape = found.shape
        self.shape = tuple(shape)
        self.values = found.new_zeros(images * shape[0] * shape[1] + 1, channels)
        self.image().copy_(found)

    def image(self) -> torch.Tensor:
        """The values as (image, channel, row, column); no copy."""
        return self.values[:-1].unflatten(0, (-1, *self.shape)).permute(0, 3, 1, 2)

    def fill(self) -> None:
        """Compute all places."""
        self.keep(self.whole(*(source.image() for source in self.sources)))

    def update(self, places: torch.Tensor) -> None:
        """Compute PLACES, rows of `values`, anew; there may be none."""
        for chunk in places.split(CHUNK) if len(places) else ():
            self.values.index_copy_(0, chunk, self.at(chunk))

    def forget(self) -> None:
        self.values = torch.empty(0)

    def reached(self, *changed: torch.Tensor) -> torch.Tensor:
        """The places that look at one that CHANGED in a source; masks (image, 1, row, column) of 0 and 1."""
        return changed[0] if len(changed) == 1 else torch.stack(changed).amax(0)

    def whole(self, *inputs: torch.Tensor) -> torch.Tensor:
        """What it gives for INPUTS (image, channel, row, column)."""
        raise NotImplementedError

    def at(self, places: torch.Tensor) -> torch.Tensor:
        """What it gives at PLACES, (place, channel)."""
        rows = [source.values.index_select(0, places)[:, :, None, None] for source in self.sources]
        return self.whole(*rows)[:, :, 0, 0]


class Alone(Layer):
    def __init__(self, module: nn.Module, source: Layer) -> None:
        super().__init__(source)
        self._module = module

    def whole(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self._module(inputs[0].clone())  # it may work in place


class Sum(Layer):
    def whole(self, *inputs: torch.Tensor) -> torch.Tensor:
        return inputs[0] + inputs[1]


class Concatenation(Layer):
    def whole(self, *inputs: torch.Tensor) -> torch.Tensor:
        return torch.cat(inputs, 1)


class Window(Layer):
    """MODULE, a convolution or a pooling, whose places look at a window each; WINDOW: what describes it."""

    def __init__(self, module: nn.Module, window: nn.Module, source: Layer) -> None:
        super().__init__(source)
        self._module, self._window = module, geometry(window)
        self._near: torch.Tensor | None = None

    def whole(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self._module(inputs[0])

    def reached(self, *changed: torch.Tensor) -> torch.Tensor:
        size, dilation, padding, stride = self._window
        wide = functional.pad(changed[0], (padding[1], padding[1], padding[0], padding[0]))
        return functional.max_pool2d(wide, size, stride, 0, dilation)

    def at(self, places: torch.Tensor) -> torch.Tensor:
        source, here = self.sources[0], self.shape[0] * self.shape[1]
        there = source.shape[0] * source.shape[1]
        image = places.div(here, rounding_mode="floor")
        near = self._neighbours().index_select(0, places - image * here)
        outside = near < 0
        rows = torch.where(outside, len(source.values) - 1, near + (image * there)[:, None])
        seen = source.values.index_select(0, rows.view(-1)).view(*near.shape, -1)
        return self.of(seen, outside)

    def of(self, seen: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
        """What windows give, (place, channel), that have SEEN (place, neighbour, channel); 0 where it is OUTSIDE."""
        raise NotImplementedError

    def _neighbours(self) -> torch.Tensor:
        """Which places of the source each place looks at, (place, neighbour); -1 outside the image."""
        if self._near is None:
            self._near = windows(self._window, *self.sources[0].shape)
        return self._near


class Convolution(Window):
    def __init__(self, module: Fused, source: Layer) -> None:
        super().__init__(module, module.plain[0], source)
        self._weight = module.plain[0].weight.detach().permute(2, 3, 1, 0).flatten(0, 2).contiguous()
        self._bias, self._relu = module.plain[0].bias, module.relu

    def of(self, seen: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
        flat = seen.flatten(1)
        found = flat @ self._weight if self._bias is None else torch.addmm(self._bias.detach(), flat, self._weight)
        return found.relu_() if self._relu else found


class Largest(Window):
    def of(self, seen: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
        return seen.masked_fill_(outside[..., None], -torch.inf).amax(1)


class Mean(Window):
    def of(self, seen: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
        return seen.mean(1)


def layer(node: torch.fx.Node, module: nn.Module | None, *sources: Layer) -> Layer | None:
    """The layer of NODE, which calls MODULE or a function on what SOURCES give; None where it is none of these."""
    if isinstance(module, Fused):
        # Grouped ones gather as much for far fewer multiplications: mobile networks would be slower.
        return Convolution(module, *sources) if module.plain[0].groups == 1 else None
    if type(module) is nn.MaxPool2d and not module.ceil_mode and not module.return_indices:
        return Largest(module, module, *sources)
    if type(module) is nn.AvgPool2d and not module.ceil_mode and module.divisor_override is None:
        return Mean(module, module, *sources) if module.padding in (0, (0, 0)) else None
    if type(module) in ALONE:
        return Alone(module, *sources)
    if node.op != "call_function" or len({source.shape for source in sources}) > 1:
        return None
    if node.target in RELUS:
        return Alone(nn.ReLU(), *sources)
    if node.target in ADDITIONS and len(sources) == len(node.args) == 2 and not node.kwargs:
        return Sum(*sources)
    along_channels = (node.args[1:], node.kwargs) in (((1,), {}), ((), {"dim": 1}))
    if node.target is torch.cat and along_channels and len(node.args[0]) == len(sources):
        return Concatenation(*sources)
    return None
