"""An ordinary forward pass, recorded call by call, for rules that are written with what it had there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark.explaining import attention_forward
from saliency_benchmark.explaining.rewriting import Rewriting

PLAIN = {"__iadd__": torch.add, "__add__": torch.add, "__mul__": torch.mul, "__rmul__": torch.mul,
         "__truediv__": torch.div}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """What one call was given and gave in the recorded pass; STREAMS: places of arguments that depend on the image."""

    args: tuple
    more: dict
    output: torch.Tensor
    streams: tuple[int, ...] = ()


def recorded(model: nn.Module, images: torch.Tensor, names: Iterable[str]) -> tuple[list[Call], torch.Tensor]:
    """The calls of the functions NAMES in an ordinary pass, and its outputs. Nothing is changed in place."""
    calls: list[Call] = []

    def record(function: Callable, *args: object, **more: object) -> torch.Tensor:
        more = {name: value for name, value in more.items() if name != "inplace"}
        output = plain(function)(*args, **more)
        calls.append(Call(args, more, output))
        return output

    with torch.enable_grad(), Rewriting(dict.fromkeys(names, record)) as mode:
        mode.rules |= attention_forward.written_out(lambda: mode)
        given = model(images.detach())
    mode.rules = {}
    return calls, given


def plain(function: Callable) -> Callable:
    """FUNCTION, or what does the same without changing its input."""
    name = function.__name__
    if name in PLAIN:
        return PLAIN[name]
    if not name.endswith("_") or name.endswith("__"):
        return function
    return getattr(functional, name[:-1], None) or getattr(torch, name[:-1])
