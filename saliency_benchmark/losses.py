"""Losses of a classifier, each a mean over the batch: cross entropy, smoothed labels, focal losses.

All end in one formula, -(1 - p)^gamma log p with p the probability of the true class (Lin et al., 2017); the gradient
flows through both p. They differ in gamma, which may depend on p, as in 5-3-1 (arXiv 2311.17876) and FLSD-53
(Mukhoti et al., 2020); gamma = 0 is cross entropy.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional

Criterion = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

# Below a probability: its gamma; the last one is for the rest.
ADAPTIVE = ((0.2, 5.0), (0.5, 3.0), (1.0, 1.0))
FLSD_53 = ((0.2, 5.0), (1.0, 3.0))


def focal(logits: torch.Tensor, labels: torch.Tensor, gamma: float | torch.Tensor) -> torch.Tensor:
    """Focal loss of each image; logits (image, class), GAMMA at least 0, one for all or (image).

    1 - p is summed over the other classes in logarithms: value and gradient are finite however sure the network is.
    """
    others = logits.scatter(1, labels[:, None], -torch.inf).logsumexp(1) - logits.logsumexp(1)
    return (gamma * others).exp() * functional.cross_entropy(logits, labels, reduction="none")


def stepwise(logits: torch.Tensor, labels: torch.Tensor, steps: tuple[tuple[float, float], ...]) -> torch.Tensor:
    """Focal loss whose gamma falls in STEPS, (below this probability, this gamma), as the true class gets likely."""
    with torch.no_grad():
        likely = (-functional.cross_entropy(logits, labels, reduction="none")).exp()
        bounds, gammas = (likely.new_tensor(values) for values in zip(*steps, strict=True))
        gamma = gammas[torch.bucketize(likely, bounds[:-1], right=True)]
    return focal(logits, labels, gamma)


def named(name: str, gamma: float = 3.0, smoothing: float = 0.05) -> Criterion:
    """The loss called NAME of logits (image, class) and labels (image); GAMMA of `focal`, SMOOTHING of labels.

    `label_smoothing`: SMOOTHING of the target's mass lies evenly on all classes (Szegedy et al., 2016). Raises
    ValueError where there is no such loss.
    """
    criteria: dict[str, Criterion] = {
        "cross_entropy": functional.cross_entropy,
        "label_smoothing": partial(functional.cross_entropy, label_smoothing=smoothing),
        "focal": lambda logits, labels: focal(logits, labels, gamma).mean(),
        "adaptive_focal": lambda logits, labels: stepwise(logits, labels, ADAPTIVE).mean(),
        "flsd_53": lambda logits, labels: stepwise(logits, labels, FLSD_53).mean(),
    }
    if name not in criteria:
        raise ValueError(f"no loss {name!r}; there are: {', '.join(criteria)}")
    return criteria[name]
