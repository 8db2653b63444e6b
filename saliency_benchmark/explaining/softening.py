"""A network whose ReLUs are softplus while it is explained: a smooth map instead of one with kinks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark.explaining.rewriting import Rewriting


@contextmanager
def softened(network: nn.Module, beta: float | None) -> Iterator[None]:
    """Within, a pass through NETWORK takes log(1 + exp(BETA x)) / BETA for each ReLU; None: it stays as it is.

    What calls the network keeps its own ReLUs, a CAM's for instance.
    """
    modes: list[Rewriting] = []

    def begin(module: nn.Module, inputs: object) -> None:
        modes.append(Rewriting(dict.fromkeys(("relu", "relu_"), partial(_soft, beta))))
        modes[-1].__enter__()

    def end(module: nn.Module, inputs: object, output: object) -> None:
        modes.pop().__exit__(None, None, None)

    handles = [] if beta is None else [network.register_forward_pre_hook(begin),
                                       network.register_forward_hook(end, always_call=True)]  # fmt: skip
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _soft(beta: float, function: Callable, values: torch.Tensor, *args: object, **more: object) -> torch.Tensor:
    return functional.softplus(values, beta)
