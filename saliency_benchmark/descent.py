"""Steps down the gradient of a loss, SGD and AdamW, and how large they are."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

BETAS, EPSILON = (0.9, 0.999), 1e-8


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


class AdaptiveDescent:
    """AdamW in the place of `Descent`: decay for weights, none for biases and norms."""

    def __init__(self, network: nn.Module, decay: float, stacked: bool = False) -> None:
        self._parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self._large = [parameter.ndim > (2 if stacked else 1) for parameter in self._parameters]
        self._parts = {large: AdamW(self._of(large, self._parameters), decay * large) for large in (True, False)}
        self.steps = 0

    def step(self, loss: torch.Tensor, rate: float | torch.Tensor) -> None:
        """One step of size RATE for LOSS; a parameter that LOSS does not use stays as it is."""
        gradients = torch.autograd.grad(loss, self._parameters, allow_unused=True)
        for large, part in self._parts.items():
            part.step(self._of(large, gradients), rate)
        self.steps += 1

    def _of(self, large: bool, values: Sequence) -> list:
        return [value for value, own in zip(values, self._large, strict=True) if own == large]

    def state(self) -> dict:
        return {"steps": self.steps, "parts": [part.state() for part in self._parts.values()]}

    def resume(self, state: dict) -> None:
        self.steps = state["steps"]
        for part, kept in zip(self._parts.values(), state["parts"], strict=True):
            part.resume(kept)


def descent(
    optimiser: str, network: nn.Module, *, momentum: float, decay: float, nesterov: bool, stacked: bool = False
) -> Descent | AdaptiveDescent:
    """What moves the weights of NETWORK: OPTIMISER is "sgd" or "adamw", which needs no momentum."""
    if optimiser == "adamw":
        return AdaptiveDescent(network, decay, stacked)
    return Descent(network, momentum, decay, nesterov, stacked)


class AdamW:
    """AdamW (Loshchilov and Hutter, 2019) by torch's own functional form, as torch.optim.AdamW with its defaults.

    DECAY is taken from every parameter, biases and norms too.
    """

    def __init__(self, parameters: Sequence[torch.Tensor], decay: float) -> None:
        self._parameters, self._decay = list(parameters), decay
        self._means = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._counts = [torch.zeros((), device=parameter.device) for parameter in self._parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[torch.Tensor | None], rate: float | torch.Tensor) -> None:
        """One step of size RATE; a parameter without a gradient (None) stays as it is."""
        seen = [place for place, gradient in enumerate(gradients) if gradient is not None]
        if seen:
            parts = (self._parameters, self._means, self._squares, self._counts)
            parameters, means, squares, counts = ([part[place] for place in seen] for part in parts)
            slopes = [_laid_out(gradients[place], self._parameters[place]) for place in seen]
            kind = {"amsgrad": False, "beta1": BETAS[0], "beta2": BETAS[1], "eps": EPSILON, "maximize": False}
            adamw(parameters, slopes, means, squares, [], counts, fused=True, weight_decay=self._decay, lr=rate, **kind)

    def state(self) -> dict:
        return {"means": self._means, "squares": self._squares, "counts": self._counts}

    def resume(self, state: dict) -> None:
        for name, own in self.state().items():
            for value, kept in zip(own, state[name], strict=True):
                value.copy_(kept)


def clip(gradients: Sequence[torch.Tensor | None], most: float) -> list[torch.Tensor | None]:
    """GRADIENTS, all scaled alike where their norm together is above MOST; as torch.nn.utils.clip_grad_norm_ does."""
    norms = [gradient.norm() for gradient in gradients if gradient is not None]
    scale = (most / (torch.stack(norms).norm() + 1e-6)).clamp(max=1) if norms else 1
    return [None if gradient is None else gradient * scale for gradient in gradients]


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
