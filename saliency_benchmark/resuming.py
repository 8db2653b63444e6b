"""What a training carries from one epoch into the next, put down and taken up again."""

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import nn

from saliency_benchmark.progress import LOGGER


class Steps(Protocol):
    """What moves the weights, and remembers something from step to step."""

    def state(self) -> dict: ...

    def resume(self, state: dict) -> None: ...


class Watcher(Protocol):
    """Asked after every epoch whether to stop; what it remembers is part of the training's state."""

    def __call__(self) -> bool: ...

    def state(self) -> dict: ...

    def resume(self, state: dict) -> None: ...


@dataclass
class Run:
    """A training between two epochs: its network, steps, chance, watcher, and mean losses of each epoch so far."""

    network: nn.Module
    descent: Steps
    generator: torch.Generator
    watch: Watcher | None = None
    curve: list = field(default_factory=list)

    def state(self) -> dict:
        return {
            "network": tensors(self.network),
            "descent": self.descent.state(),
            "generator": self.generator.get_state(),
            "global": [torch.get_rng_state(), *([torch.cuda.get_rng_state()] if self._on_gpu() else [])],
            "watch": self.watch.state() if self.watch else {},
            "curve": self.curve,
        }

    def resume(self, state: dict | None) -> None:
        """Go on from STATE; from the beginning where it is None."""
        if state is None:
            return
        restore(self.network, state["network"])
        self.descent.resume(state["descent"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["global"][0])
        if self._on_gpu():
            torch.cuda.set_rng_state(state["global"][1])
        if self.watch:
            self.watch.resume(state["watch"])
        self.curve = state["curve"]
        LOGGER.info("training goes on after epoch %d", len(self.curve))

    def _on_gpu(self) -> bool:
        return any(tensor.is_cuda for tensor in tensors(self.network).values())


def tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers by name, those too that a state dict leaves out."""
    return {name: tensor.detach() for name, tensor in [*network.named_parameters(), *network.named_buffers()]}


@torch.no_grad()
def restore(network: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Give NETWORK the `tensors` in STATE."""
    for name, tensor in tensors(network).items():
        tensor.copy_(state[name])
