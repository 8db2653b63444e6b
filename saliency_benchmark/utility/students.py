"""Students: small networks that learn to imitate the model, and see maps only as a loss while learning (Pruthi et al.,

2022). They are tested on new images without maps: do they predict what the model predicts?
"""

from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import noise
from saliency_benchmark.utility.agents import DECAY, RATE, WIDTH, Glance, batches, begun
from saliency_benchmark.utility.seen import Seen

# Weight of the maps' loss beside the cross entropy.
WEIGHT = 1.0


class Student(nn.Module):
    """Evidence for each class of each model, at each place: (item, place, shown, class).

    Its mean over places is the logit, as in class activation maps; where it is high is where the student looks.
    """

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self.shape = tuple(seen.predictions.shape[1:])
        self.glance = Glance(seen.pictures.shape[2], seen.pictures.shape[1])
        self.evidence = nn.Linear(WIDTH, int(np.prod(self.shape)))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.evidence(self.glance(pictures)).unflatten(2, self.shape)


def agreement(learned: Seen, asked: Seen, seed: object) -> float:
    """The share of the predictions of the models in ASKED that a student predicts after learning from LEARNED.

    Students of one seed begin with the same weights, whatever maps they learn from.
    """
    student = begun(Student, learned, ("student", seed))
    optimiser = torch.optim.AdamW(student.parameters(), RATE, weight_decay=DECAY, fused=True)
    for places in batches(len(learned.answer), noise.generator("student", seed)):
        loss = _loss(student, learned.at(places))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        found = student(asked.pictures).mean(1).argmax(2)
    return (found == asked.predictions.argmax(2)).double().mean().item()


def _loss(student: Student, seen: Seen) -> torch.Tensor:
    evidence = student(seen.pictures)
    imitation = functional.cross_entropy(evidence.mean(1).flatten(0, 1), seen.predictions.argmax(2).flatten())
    looked = (evidence * seen.predictions[:, None]).sum(3).transpose(1, 2)
    return imitation + WEIGHT * looking(looked, seen.red.mean(3))


def looking(evidence: torch.Tensor, red: torch.Tensor) -> torch.Tensor:
    """1 less the cosine of the positive EVIDENCE and of how RED the map is; the mean over maps.

    evidence, red (item, shown, place). A map that marks nothing teaches nothing.
    """
    cosine = functional.cosine_similarity(evidence.clamp(min=0), red, dim=2)
    marked = (red > 0).any(2)
    return ((1 - cosine) * marked).sum() / max(1, int(marked.sum()))


def chance(asked: Seen) -> float:
    """What is reached without looking at any image: the share of the class predicted most, the mean over models."""
    return asked.predictions.mean(0).amax(1).mean().item()


def by_role(seen: Seen, clean: np.ndarray) -> Seen:
    """SEEN with the models in order: the one at CLEAN (item) first; a student imitates each of them by itself."""
    order = torch.from_numpy(np.stack([clean, 1 - clean], 1).astype(np.int64))
    items = torch.arange(len(clean))[:, None]
    return replace(seen, **{name: getattr(seen, name)[items, order] for name in ("red", "blue", "predictions")})
