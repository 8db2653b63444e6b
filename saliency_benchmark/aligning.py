"""Fine-tune a classifier until its maps show the region, or all but the region (arXiv 2311.04813).

The loss is that of the recipe plus WEIGHT times `localising.loss` of the maps: a gradient of explanations by weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from saliency_benchmark import batch_norms, batching, calling, localising, noise, seeds
from saliency_benchmark.accumulation import Gradients, Parts, added, in_one_pass, slopes, whole
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.descent import AdamW, clip
from saliency_benchmark.explaining.softening import softened
from saliency_benchmark.progress import LOGGER, Progress
from saliency_benchmark.resuming import Run
from saliency_benchmark.selection import Course
from saliency_benchmark.stacking import stackable
from saliency_benchmark.training import Loss, Source

DIRECTIONS = ("aligned", "misaligned")
CONTROL = "control"

Explainer = Callable[[torch.nn.Module, torch.Tensor, torch.Tensor], Parts]


@dataclass
class Annotated(Source):
    """Images, and where their class is: regions (image, row, column) bool, targets (image), counted (image) bool.

    The map explains the target; an image that does not count is classified alone.
    """

    regions: torch.Tensor
    targets: torch.Tensor
    counted: torch.Tensor


@dataclass(frozen=True)
class Tuning:
    """How a copy is fine-tuned: DIRECTION of the maps, or `control` for the classification alone; the settings."""

    direction: str
    seed: int | str
    weight: float = 1.0
    epochs: int = 25
    batch_size: int = 4
    accumulation: int = 4
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    clip: float = 0.5
    batch_norm: str = "frozen"
    softplus: float | None = None
    rows: int | None = None


def align(
    source: Annotated, loss: Loss, explainer: Explainer, tuning: Tuning, saved: Checkpoint | None = None
) -> Course:
    """Fine-tune SOURCE's network in place; gives its curves (epoch, the first before any step) and facts.

    EXPLAINER gives the parts of which a method's map is the sum, differentiable by the weights (`live`). A step takes
    `accumulation` batches; the rest of an epoch that fills no batch is left out, unless it is all there is. Curves:
    `classification` (mean over batches), `localisation` (mean over the images that count; NaN for the control), `loss`
    (what is minimised), `without_relevance` (images). Facts: `moved`, the norm of the weights' change over theirs.
    Raises ValueError where no image counts or no weight moves, FloatingPointError where a loss is no number.
    """
    if tuning.direction != CONTROL and not source.counted.any():
        raise ValueError("no image to fine-tune on has a region of its class: maps have nothing to be aligned with")
    work = _Work(source, loss, explainer, tuning)
    before = [parameter.detach().clone() for parameter in work.parameters]
    with torch.random.fork_rng(), batching.limited(tuning.rows or batching.rows()):
        torch.manual_seed(seeds.derive("dropout", tuning.seed))
        work.run.resume(saved and saved.resume())
        if not work.run.curve:
            work.run.curve.append(work.look())
        for epoch in range(len(work.run.curve) - 1, tuning.epochs):
            work.run.curve.append(work.epoch())
            _check(work.run.curve[-1], epoch)
            if saved and epoch + 1 < tuning.epochs and saved.due():
                saved.save(work.run.state())
    source.classifier.network.eval().requires_grad_(False)
    rows = np.array(work.run.curve, dtype=float).T
    names = ("loss", "classification", "localisation", "without_relevance")
    return Course(dict(zip(names, rows, strict=True)), {"moved": _moved(before, work.parameters)})


class _Work:
    """A fine-tuning at work: what a batch asks of the weights, and the steps that follow."""

    def __init__(self, source: Annotated, loss: Loss, explainer: Explainer, tuning: Tuning) -> None:
        network = source.classifier.network
        self.parameters = batch_norms.prepare(network, tuning.batch_norm)
        generator = noise.generator("alignment", tuning.seed)
        self.run = Run(network, AdamW(self.parameters, tuning.weight_decay), generator)
        given = {"generator": generator, "classifier": source.classifier, "layer": source.classifier.layer}
        self._loss = partial(loss, **calling.asked(loss, given))
        # A loss in training mode, or maps of a softened network, need passes of their own.
        self._together = stackable(loss) and tuning.batch_norm != "batch" and tuning.softplus is None
        self._source, self._explainer, self._tuning = source, explainer, tuning
        self._progress = Progress("fine-tuning", tuning.epochs * len(source.labels))

    def look(self) -> list[float]:
        """The losses before any step."""
        return self._told([self._batch(index, learn=False)[1] for index in self._batches()])

    def epoch(self) -> list[float]:
        tuning, told = self._tuning, []
        batches = self._batches()
        for start in range(0, len(batches), tuning.accumulation):
            group, total = batches[start : start + tuning.accumulation], [None] * len(self.parameters)
            for index in group:
                found, losses = self._batch(index)
                total = added(total, found, 1 / len(group))
                told.append(losses)
                self._progress.add(len(index))
            self.run.descent.step(clip(total, tuning.clip), tuning.learning_rate)
        return self._told(told)

    def _batches(self) -> list[torch.Tensor]:
        number, size = len(self._source.labels), self._tuning.batch_size
        order = torch.randperm(number, generator=self.run.generator).to(self._source.labels.device)
        return [order[start : start + size] for start in range(0, max(number - size, 0) + 1, size)]

    def _batch(self, index: torch.Tensor, learn: bool = True) -> tuple[Gradients, list[torch.Tensor]]:
        """Gradients of the batch's loss, and what is told of it: classification; sum and number of L_loc, no relevance.

        Both losses are read from one pass where they can be. Memory is that of the larger.
        """
        source, tuning, network = self._source, self._tuning, self.run.network
        chosen = index[source.counted[index]] if tuning.direction != CONTROL else index[:0]
        inputs = source.inputs(index)
        shown = inputs if len(chosen) == len(index) else source.inputs(chosen)
        parts = self._explainer(network, shown, source.targets[chosen]) if len(chosen) else []
        against = {"regions": source.regions[chosen], "misaligned": tuning.direction == DIRECTIONS[1]}
        wanted = partial(localising.loss, **against)
        losses = (
            lambda network: self._loss(network, inputs, source.labels[index]),
            lambda maps: tuning.weight * wanted(maps).mean(),
        )
        if learn and self._together and shown is inputs and len(parts) == 1:
            found, value, maps = in_one_pass(parts[0], *losses, network, self.parameters)
        else:
            found, value, maps = self._apart(parts, *losses, learn)
        if maps is None:
            return found, [value, *value.new_zeros(3)]
        far = wanted(maps)
        return found, [value, far.sum(), far.new_tensor(len(far)), localising.without_relevance(maps).sum()]

    def _apart(
        self,
        parts: Parts,
        classification: Callable[[torch.nn.Module], torch.Tensor],
        criterion: Callable[[torch.Tensor], torch.Tensor],
        learn: bool,
    ) -> tuple[Gradients, torch.Tensor, torch.Tensor | None]:
        """As `in_one_pass`, the two losses gone back through one after the other; no maps where there are no PARTS."""
        tuning, network = self._tuning, self.run.network
        network.train(learn and tuning.batch_norm == "batch")
        value = classification(network)
        found = torch.autograd.grad(value, self.parameters, allow_unused=True) if learn else ()
        network.eval()
        if not parts:
            return list(found), value.detach(), None
        with softened(network, tuning.softplus):
            if not learn:
                return [], value.detach(), whole(parts)
            more, maps = slopes(parts, criterion, self.parameters)
        return added(list(found), more), value.detach(), maps

    def _told(self, losses: list[list[torch.Tensor]]) -> list[float]:
        """Loss, classification, localisation, maps without positive relevance, of all batches together."""
        numbers = torch.stack([torch.stack(each) for each in losses]).double().cpu()
        classification, (total, number, empty) = numbers[:, 0].mean().item(), numbers[:, 1:].sum(0).tolist()
        localisation = total / number if number else float("nan")
        both = classification + (self._tuning.weight * localisation if number else 0)
        return [both, classification, localisation, empty]


def _check(row: list[float], epoch: int) -> None:
    if not np.isfinite(row[0]):
        raise FloatingPointError(f"the loss is {row[0]} in epoch {epoch + 1}: lower alignment.learning_rate")


def _moved(before: Sequence[torch.Tensor], after: Sequence[torch.Tensor]) -> float:
    """Norm of the change of the weights over their norm. Raises ValueError where they did not move."""
    pairs = list(zip(before, after, strict=True))
    change = torch.stack([(one - other).norm() for one, other in pairs]).norm()
    if not change > 0:
        raise ValueError("fine-tuning moved no weight: raise alignment.learning_rate, weight or epochs")
    found = (change / torch.stack([one.norm() for one in before]).norm()).item()
    LOGGER.info("the weights moved by %.2e of their norm", found)
    return found
