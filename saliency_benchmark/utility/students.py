"""Students: small networks that learn to imitate the model, and see maps only as a loss while learning.

They are tested on new images without maps: do they predict what the model predicts (Pruthi et al., 2022)?
"""

from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import noise
from saliency_benchmark.utility.agents import WIDTH, Glance, begun, teach
from saliency_benchmark.utility.seen import Seen

# Weight of the maps' loss beside the cross entropy, and the step size: ten or so classes take longer than two answers.
WEIGHT = 1.0
RATE = 1e-2


class Student(nn.Module):
    """Gives for each model the logits, (item, shown, class), and the log of its attention, (item, shown, place).

    The logits are the mean of the evidence at all places, weighted by the attention.
    """

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self.shape = tuple(seen.predictions.shape[1:])
        self.glance = Glance(seen.pictures.shape[2], seen.pictures.shape[1])
        self.evidence = nn.Linear(WIDTH, int(np.prod(self.shape)))
        self.attention = nn.Linear(WIDTH, self.shape[0])

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.glance(pictures)
        attention = self.attention(found).log_softmax(1)
        evidence = self.evidence(found).unflatten(2, self.shape)
        return (attention.exp()[..., None] * evidence).sum(1), attention.transpose(1, 2)


def agreement(learned: Seen, asked: Seen, seed: object) -> float:
    """The share of the predictions of the models in ASKED that a student predicts after learning from LEARNED.

    Students of one seed begin with the same weights, whatever maps they learn from.
    """
    student = begun(Student, learned, ("student", seed))
    teach(student, learned, lambda part: _loss(student, part), RATE, noise.generator("student", seed))
    with torch.inference_mode():
        found = student(asked.pictures)[0].argmax(2)
    return (found == asked.predictions.argmax(2)).double().mean().item()


def _loss(student: Student, seen: Seen) -> torch.Tensor:
    logits, attention = student(seen.pictures)
    imitation = functional.cross_entropy(logits.flatten(0, 1), seen.predictions.argmax(2).flatten())
    return imitation + WEIGHT * looking(attention, seen.red)


def looking(attention: torch.Tensor, red: torch.Tensor) -> torch.Tensor:
    """Divergence (Kullback and Leibler's) of the attention from how RED each place of the map is; the mean over maps.

    attention (item, shown, place): its log; red alike. A map that marks nothing teaches nothing.
    """
    total = red.sum(2, keepdim=True)
    marked = total[..., 0] > 0
    wanted = red / torch.where(total > 0, total, 1)
    apart = (torch.special.xlogy(wanted, wanted) - wanted * attention).sum(2)
    return (apart * marked).sum() / max(1, int(marked.sum()))


def chance(asked: Seen) -> float:
    """What is reached without looking at any image: the share of the class predicted most, the mean over models."""
    return asked.predictions.mean(0).amax(1).mean().item()


def by_role(seen: Seen, clean: np.ndarray) -> Seen:
    """SEEN with the models in order: the one at CLEAN (item) first; a student imitates each of them by itself."""
    order = torch.from_numpy(np.stack([clean, 1 - clean], 1).astype(np.int64))
    items = torch.arange(len(clean))[:, None]
    return replace(seen, **{name: getattr(seen, name)[items, order] for name in ("red", "blue", "predictions")})
