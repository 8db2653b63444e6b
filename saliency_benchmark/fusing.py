"""Convolutions with the ReLU after them in one operation of a processor, the one that torch's compiler calls too."""

from collections.abc import Sequence

import torch
from torch import nn

from saliency_benchmark import small_images

# Larger weights (entries) are laid out once for the operation, instead of in every call; smaller ones gain nothing.
LARGE = 2**18
RELUS = (torch.relu, torch.relu_, nn.functional.relu)


class Fused(nn.Module):
    """CONVOLUTION, and the ReLU of what it gives if RELU; inference in float32 on a processor.

    SHAPE: of the images (image, channel, row, column) that it is made for; it takes others too.
    """

    def __init__(self, convolution: nn.Conv2d, relu: bool, shape: Sequence[int]) -> None:
        super().__init__()
        # As it was: not a module of this one, which would have its weights twice.
        self.plain, self.relu = (convolution,), relu
        weight, bias = convolution.weight.detach(), convolution.bias
        self._how = [[*convolution.padding], [*convolution.stride], [*convolution.dilation], convolution.groups]
        self._size, self._form = tuple(shape[2:]), small_images.form(convolution, shape)
        if self._form is None and weight.numel() > LARGE:
            weight = torch.ops.mkldnn._reorder_convolution_weight(weight, *self._how, [*shape])
        self._weight, self._bias = weight, None if bias is None else bias.detach()
        self._then = "relu" if relu else "none"

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self._form is not None and images.shape[2:] == self._size:
            found = self._form(images)
            found = found if self._bias is None else found.add_(self._bias)
            return (found.relu_() if self.relu else found).permute(0, 3, 1, 2)
        operation = torch.ops.mkldnn._convolution_pointwise
        return operation(images, self._weight, self._bias, *self._how, self._then, [], "")

    def multiplications(self, places: int) -> int:
        """For an image of the size that it is made for, and PLACES of what it gives."""
        return self._form.multiplications if self._form else self.plain[0].weight.numel() * places


@torch.no_grad()
def fuse(traced: torch.fx.GraphModule, images: torch.Tensor) -> torch.fx.GraphModule:
    """TRACED, changed in place: its convolutions are `Fused`. IMAGES are run through it once.

    Raises what torch raises where it has no such operations. A network that is not traced module by module is none's.
    """
    modules, shapes = dict(traced.named_modules()), {}
    hooks = [module.register_forward_hook(lambda _, given, found, name=name: shapes.__setitem__(name, given[0].shape))
             for name, module in modules.items() if _fits(module)]  # fmt: skip
    traced(images)
    for hook in hooks:
        hook.remove()
    for node in list(traced.graph.nodes):
        if node.op == "call_module" and node.target in shapes:
            _replace(traced, modules, node, shapes[node.target])
    traced.recompile()
    return traced


def _fits(module: nn.Module) -> bool:
    return type(module) is nn.Conv2d and module.padding_mode == "zeros" and not isinstance(module.padding, str)


def _replace(
    traced: torch.fx.GraphModule, modules: dict[str, nn.Module], node: torch.fx.Node, shape: torch.Size
) -> None:
    calls = [each for each in traced.graph.nodes if each.op == "call_module" and each.target == node.target]
    after = next(iter(node.users)) if len(node.users) == 1 else None
    relu = after is not None and len(calls) == 1 and _is_relu(after, modules)
    traced.set_submodule(node.target, Fused(modules[node.target], relu, shape))
    if relu:
        after.replace_all_uses_with(node)
        traced.graph.erase_node(after)


def _is_relu(node: torch.fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return type(modules.get(node.target)) is nn.ReLU
    return node.op == "call_function" and node.target in RELUS
