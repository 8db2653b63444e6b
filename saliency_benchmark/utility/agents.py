"""Agents: small networks that learn to answer from all that a participant sees (use-case-grounded simulations).

They see maps while learning and when tested (Chen et al., 2022). How long they learn, and how strictly, is fixed:
nothing is chosen by what they answer in the end.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import noise, seeds
from saliency_benchmark.descent import AdamW
from saliency_benchmark.utility.seen import Seen

STEPS = 150
BATCH = 64
RATE = 3e-3
DECAY = 1e-2
WIDTH = 32


class Glance(nn.Module):
    """What is made of each patch, (..., place, feature), by two layers that know the patch and where it is."""

    def __init__(self, values: int, places: int) -> None:
        super().__init__()
        self.where = nn.Parameter(torch.zeros(places, WIDTH))
        self.first, self.second = nn.Linear(values, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return self.second((self.first(patches) + self.where).relu()).relu()


class Agent(nn.Module):
    """Gives the logit (item) of answer 1. Of two models shown each is judged alike: the better one is chosen."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        values = seen.pictures.shape[2] + 2  # with the red and the blue
        self.glance = Glance(values, seen.pictures.shape[1])
        self.judge = nn.Sequential(
            nn.Linear(2 * WIDTH + 4 + seen.predictions.shape[2], WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1)
        )

    def forward(self, seen: Seen) -> torch.Tensor:
        pictures = seen.pictures[:, None].expand(-1, seen.red.shape[1], -1, -1)
        found = self.glance(torch.cat([pictures, seen.red[..., None], seen.blue[..., None]], 3))
        # How much is red or blue at all is seen at once.
        colours = [part for each in (seen.red, seen.blue) for part in (each.mean(2), each.amax(2))]
        known = [found.mean(2), found.amax(2), torch.stack(colours, 2), seen.predictions]
        judged = self.judge(torch.cat(known, 2))[..., 0]
        return judged[:, 1] - judged[:, 0] if judged.shape[1] == 2 else judged[:, 0]


def accuracy(learned: Seen, asked: Seen, seed: object) -> float:
    """The share of the items ASKED that an agent answers as they are, after learning from LEARNED; seeded by SEED.

    Agents of one seed begin with the same weights, whatever they see. A logit of 0 is half an answer.
    """
    agent = begun(Agent, learned, ("agent", seed))

    def loss(part: Seen) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(agent(part), part.answer)

    teach(agent, learned, loss, RATE, noise.generator("agent", seed))
    with torch.inference_mode():
        found = np.sign(agent(asked).numpy())
    return float((0.5 + 0.5 * found * np.sign(asked.answer.numpy() - 0.5)).mean())


def begun(kind: type[nn.Module], seen: Seen, seed: object) -> nn.Module:
    """A new network of a KIND for what is SEEN, with weights from SEED; no global state changes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive("user", seed))
        return kind(seen)


def teach(
    network: nn.Module, learned: Seen, loss: Callable[[Seen], torch.Tensor], rate: float, generator: torch.Generator
) -> None:
    """STEPS of size RATE down the LOSS of NETWORK on items of LEARNED."""
    parameters = [*network.parameters()]
    steps = AdamW(parameters, DECAY)
    for places in batches(len(learned.answer), generator):
        steps.step(torch.autograd.grad(loss(learned.at(places)), parameters, allow_unused=True), rate)


def batches(number: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Places of the items of each of STEPS: all of NUMBER, or BATCH of them in a random order, again and again."""
    order = torch.randperm(number, generator=generator)
    for _ in range(STEPS):
        if number <= BATCH:
            yield order
        else:
            if len(order) < BATCH:
                order = torch.cat([order, torch.randperm(number, generator=generator)])
            yield order[:BATCH]
            order = order[BATCH:]
