"""Attention weights of one forward pass, in order, and what is needed to tell where their tokens lie.

Every softmax over the last of three axes or more is taken for an attention's, wherever it is called: torch's own
attention is written out, and torch does not take its closed fast path while a mode is active.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn

from saliency_benchmark import compat
from saliency_benchmark.explaining import attention_forward
from saliency_benchmark.explaining.attention_tokens import Layer, Merge, Windows
from saliency_benchmark.explaining.rewriting import Rewriting


@dataclass
class Recording:
    """What a forward pass did; KEEP(weights) is what stays of an attention's weights.

    `shapes`: of all weights as they were; `grids`: what convolutions gave, (row, column).
    """

    keep: Callable
    layers: list[Layer] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    grids: list[tuple[int, int]] = field(default_factory=list)
    convolved_later: bool = False
    windows: Windows | None = None

    def softmax(self, function: Callable, values: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        weights = function(values, *args, **kwargs)
        axis = kwargs.get("dim", args[0] if args else None)
        if weights.ndim > 2 and axis in (-1, weights.ndim - 1):
            self.shapes.append(tuple(weights.shape))
            self.layers.append(Layer(self.windows, self.keep(weights)))
            self.windows = None
        return weights

    def convolution(self, function: Callable, *args: object, **kwargs: object) -> torch.Tensor:
        output = function(*args, **kwargs)
        self.grids.append(tuple(output.shape[-2:]))
        self.convolved_later = bool(self.shapes)
        return output

    def enter(self, module: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        """An attention in windows begins: the next softmax is its own."""
        self.windows = Windows(tuple(inputs[0].shape[1:3]), tuple(module.window_size), tuple(module.shift_size))

    def merge(self, module: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        self.layers.append(Layer(Merge(tuple(inputs[0].shape[1:3]))))


@contextmanager
def recording(model: nn.Module, keep: Callable) -> Iterator[Recording]:
    """Within, a forward pass of MODEL is recorded."""
    compat.torchvision()
    from torchvision.models import swin_transformer

    found, mode = Recording(keep), Rewriting({})

    def written_out(written: Callable, function: Callable, *args: object, **kwargs: object) -> object:
        with mode:
            return written(*args, **kwargs)

    mode.rules |= {
        "softmax": found.softmax,
        "conv2d": found.convolution,
        "multi_head_attention_forward": partial(written_out, attention_forward.multi_head_attention),
        "scaled_dot_product_attention": partial(written_out, attention_forward.scaled_dot_product),
    }
    hooks = {
        swin_transformer.ShiftedWindowAttention: found.enter,
        swin_transformer.PatchMerging: found.merge,
        swin_transformer.PatchMergingV2: found.merge,
    }
    pairs = [(module, hook) for module in model.modules() for kind, hook in hooks.items() if isinstance(module, kind)]
    handles = [module.register_forward_pre_hook(hook) for module, hook in pairs]
    try:
        with mode:
            yield found
    finally:
        mode.rules.clear()  # they hold the mode, and what was recorded: memory is free at once
        for handle in handles:
            handle.remove()
