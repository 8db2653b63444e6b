"""Logits of images that change a few pixels at a time: what no changed pixel reaches is not computed again.

After a change a layer gives something else only where it looks at a changed place. These places are gathered, computed
and put back, layer by layer, until they are a large part of a layer; from there on the network runs as a whole. Every
value is computed from what is there now, so that nothing adds up over the steps. (Krypton does so for one window that
moves over an image: Nakandala, Kumar and Papakonstantinou, SIGMOD 2019; here the places are any, each image's own.)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import nn

from saliency_benchmark import forwarding, grid, places
from saliency_benchmark.fusing import Fused

# Up to this part of a layer's places it pays to compute them alone; each costs OVERHEAD times what it does in a whole.
PART, OVERHEAD = 0.6, 1.5
# What must be saved for it to pay: this share of the passes, and so many multiplications for each layer in part.
SHARE, BESIDE = 0.2, 5e6
DRAWS = 16  # changes that are tried to see what they reach


@dataclass(frozen=True)
class Change:
    """From step to step so many CELLS of a GRID (rows, columns) change, wherever they lie."""

    grid: tuple[int, int]
    cells: int = 1

    def masks(self, shape: tuple[int, int]) -> torch.Tensor:
        """Some of them, always the same: 1 at the pixels that change, (draw, 1, row, column) for images of SHAPE."""
        number = self.grid[0] * self.grid[1]
        rank = torch.rand(DRAWS, number, generator=torch.Generator().manual_seed(0)).argsort(1)
        return grid.spread((rank < self.cells).float(), shape, self.grid)


class Stepping:
    """The steps that FORWARD, as `forwarding.fastest` gives it, can take; SHAPE of an image: (channel, row, column)."""

    def __init__(self, forward: forwarding.Forward, shape: tuple[int, int, int]) -> None:
        fused = isinstance(forward, torch.fx.GraphModule) and any(isinstance(each, Fused) for each in forward.modules())
        self._network, self._shape = forward if fused else None, shape
        self._known: dict[Change, Steps | None] = {}

    def of(self, change: Change | None, images: int) -> "Steps | None":
        """Those under CHANGE of so many IMAGES at a time; None where they do not pay, or give other logits."""
        if change is None or self._network is None:
            return None
        if change not in self._known:
            steps = Steps(self._network, self._shape, change)
            good = steps.saved and steps.difference(self._network, self._shape, change) <= forwarding.ROUNDING
            self._known[change] = steps if good else None
        steps = self._known[change]
        return steps if steps and steps.pays(images) else None


class Steps:
    """NETWORK, a fused one (`forwarding.fastest`), for images of SHAPE (channel, row, column) under CHANGE."""

    @torch.inference_mode()
    def __init__(self, network: torch.fx.GraphModule, shape: tuple[int, int, int], change: Change) -> None:
        images = torch.zeros(1, *shape).contiguous(memory_format=torch.channels_last)
        costs = _multiplications(network, images)
        found, part = _in_part(network, images, change)
        self._layers = list(found.values())
        saved = sum(costs.get(node.target, 0) * (1 - OVERHEAD * part[node]) for node in found)
        self.saved = saved if saved > SHARE * sum(costs.values()) else 0
        ends = [node for node in found if any(user not in found for user in node.users)]
        self._ends = [found[node] for node in ends]
        self._rest = _rest(network, ends)
        self._forget()

    def pays(self, images: int) -> bool:
        """Does it, for so many IMAGES at a time?"""
        return images * self.saved > BESIDE * len(self._layers)

    def difference(self, network: nn.Module, shape: tuple[int, int, int], change: Change) -> float:
        """Largest difference of a logit from what NETWORK gives, on noise, as a share of the largest logit."""
        images = forwarding.noise(shape)
        masks = change.masks(shape[1:]).bool()[: 3 * len(images)].unflatten(0, (3, -1))
        steps = [images, *(torch.where(mask, 0, images) for mask in masks)]
        with torch.inference_mode():
            pairs = zip(self.over(steps), steps, strict=True)
            return max(forwarding.gap(found, network(step)) for found, step in pairs)

    @torch.inference_mode()
    def over(self, steps: Iterable[torch.Tensor]) -> Iterator[torch.Tensor]:
        """Logits (image, class) of the same images (image, channel, row, column) at each of STEPS; one walk at once."""
        try:
            for number, images in enumerate(steps):
                images = images.contiguous(memory_format=torch.channels_last)
                self._change(images) if number else self._start(images)
                yield self._rest(*(layer.image() for layer in self._ends))
        finally:
            self._forget()

    def _start(self, images: torch.Tensor) -> None:
        self._layers[0].keep(images)
        for layer in self._layers[1:]:
            layer.fill()

    def _change(self, images: torch.Tensor) -> None:
        first, *others = self._layers
        masks = {first: (images != first.image()).any(1, keepdim=True).float()}
        first.image().copy_(images)
        for layer in others:
            masks[layer] = layer.reached(*(masks[source] for source in layer.sources))
            layer.update(masks[layer].view(-1).nonzero()[:, 0])

    def _forget(self) -> None:
        for layer in self._layers:
            layer.forget()


def _multiplications(network: torch.fx.GraphModule, images: torch.Tensor) -> dict[str, int]:
    """Of each fused convolution of NETWORK, by name, for one of IMAGES."""
    found = {}

    def count(name: str, module: Fused, output: torch.Tensor) -> None:
        found[name] = found.get(name, 0) + module.multiplications(prod(output.shape[2:]))

    fused = [(name, module) for name, module in network.named_modules() if isinstance(module, Fused)]
    hooks = [
        module.register_forward_hook(lambda module, _, output, name=name: count(name, module, output))
        for name, module in fused
    ]
    network(images)
    for hook in hooks:
        hook.remove()
    return found


def _in_part(network: torch.fx.GraphModule, images: torch.Tensor, change: Change) -> tuple[dict, dict]:
    """The layers of NETWORK, by node, that are computed in part, and which part of their places a CHANGE reaches."""
    modules, found, part, masks = dict(network.named_modules()), {}, {}, {}
    for node in network.graph.nodes:
        if node.op == "placeholder" and not found:
            layer, masks[node] = places.Layer(), change.masks(tuple(images.shape[2:]))
            layer.keep(images)
        else:
            inputs = node.all_input_nodes
            if not inputs or any(each not in found for each in inputs):
                continue
            module = modules.get(node.target) if node.op == "call_module" else None
            layer = places.layer(node, module, *(found[each] for each in inputs))
            if layer is None:
                continue
            masks[node] = layer.reached(*(masks[each] for each in inputs))
            if masks[node].mean() > PART:
                continue
            layer.fill()
        found[node], part[node] = layer, float(masks[node].mean())
    return found, part


def _rest(network: torch.fx.GraphModule, given: list[torch.fx.Node]) -> torch.fx.GraphModule:
    """What NETWORK does with what the nodes GIVEN give."""
    needed, todo = set(), [node for node in network.graph.nodes if node.op == "output"]
    while todo:
        node = todo.pop()
        if node not in needed and node not in given:
            needed.add(node)
            todo += node.all_input_nodes
    graph, copies = torch.fx.Graph(), {}
    modules = dict(network.named_modules())
    for number, node in enumerate(given):
        copies[node] = graph.placeholder(f"given{number}")
        if not all(isinstance(modules.get(user.target), Fused) for user in node.users):
            # It may be changed in place, and is looked at again in the next step.
            copies[node] = graph.call_method("clone", (copies[node],))
    for node in network.graph.nodes:
        if node in needed:
            copies[node] = graph.node_copy(node, copies.__getitem__)
    return torch.fx.GraphModule(network, graph)
