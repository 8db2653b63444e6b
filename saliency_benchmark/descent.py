"""Stochastic gradient descent: the steps, and how large they are."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.optim.sgd import sgd


class Descent:
    """SGD with momentum by torch's own functional form; decay for weights, none for biases and batch norm.

    torch.optim.SGD does the same, and imports torch's compiler at its first step: longer than a small model trains.
    STACKED: the parameters are those of many networks, (network, ...).
    """

    def __init__(
        self, network: nn.Module, momentum: float, decay: float, nesterov: bool = True, stacked: bool = False
    ) -> None:
        self._parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        # Momentum of 0 before the first step: then it is the first gradient, as it should be.
        self._memory = [torch.zeros_like(parameter) for parameter in self._parameters] if momentum else []
        self._momentum, self._decay, self.steps = momentum, decay, 0
        self._nesterov = nesterov and momentum > 0
        self._axes = 2 if stacked else 1  # at most, of a bias or of batch norm

    def step(self, loss: torch.Tensor, rate: float | torch.Tensor) -> None:
        """One step of size RATE down the gradient of LOSS; a parameter that LOSS does not use stays as it is."""
        gradients = torch.autograd.grad(loss, self._parameters, allow_unused=True)
        seen = [place for place, gradient in enumerate(gradients) if gradient is not None]
        weights = [place for place in seen if self._parameters[place].ndim > self._axes]
        with torch.no_grad():
            self._move(weights, gradients, rate, self._decay)
            self._move([place for place in seen if place not in weights], gradients, rate, 0.0)
        self.steps += 1

    def _move(
        self, places: list[int], gradients: Sequence[torch.Tensor], rate: float | torch.Tensor, decay: float
    ) -> None:
        parameters = [self._parameters[place] for place in places]
        slopes = [_laid_out(gradients[place], self._parameters[place]) for place in places]
        memory = [self._memory[place] for place in places] if self._memory else [None for _ in places]
        kind = {"momentum": self._momentum, "dampening": 0.0, "nesterov": self._nesterov, "maximize": False}
        if places:
            sgd(parameters, slopes, memory, fused=True, weight_decay=decay, lr=rate, **kind)

    def state(self) -> dict:
        return {"steps": self.steps, "memory": self._memory}

    def resume(self, state: dict) -> None:
        self.steps = state["steps"]
        for memory, kept in zip(self._memory, state["memory"], strict=True):
            memory.copy_(kept)


def _laid_out(gradient: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """GRADIENT in the memory layout of PARAMETER: the fused step goes through both as they lie."""
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def rate(
    step: int,
    steps: int,
    warmup: float,
    schedule: str = "cosine",
    milestones: Sequence[int] = (),
    factor: float = 0.1,
) -> float:
    """Share of the highest step size: a linear rise over the share WARMUP of the steps, then what SCHEDULE says.

    "cosine": half a cosine to 0; "constant": it stays where it rose to; "steps": times FACTOR from each of MILESTONES
    (steps) on.
    """
    rising = warmup * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    if schedule == "constant":
        return 1.0
    if schedule == "steps":
        return factor ** sum(step >= milestone for milestone in milestones)
    return 0.5 * (1 + np.cos(np.pi * (step - rising) / max(steps - rising, 1)))
