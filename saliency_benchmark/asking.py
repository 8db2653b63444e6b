"""What a probe may ask of a model: scores of the explained class on any images, each pass once for all probes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from saliency_benchmark import batching, fills, imputation, noise, sharing, stepping
from saliency_benchmark.classifier import Classifier

# What can be read of the explained class; a metric names one, the settings another.
OUTPUTS = ("probability", "logit", "log_probability")


def scores(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Scores of each image's target class, (image, output): OUTPUTS of (image, class)."""
    chosen = targets[:, None]
    logarithm = logits.log_softmax(1).gather(1, chosen)
    return torch.cat([logits.softmax(1).gather(1, chosen), logits.gather(1, chosen), logarithm], 1)


def named(name: str, values: torch.Tensor) -> dict[str, torch.Tensor]:
    """A reading for each of OUTPUTS: scores (image, ..., output) -> NAME.probability, ... (image, ...)."""
    return {f"{name}.{output}": values[..., place] for place, output in enumerate(OUTPUTS)}


@dataclass
class Asked(sharing.Itself):
    """A block of images and its model. INPUTS (image, channel, row, column) are network input, INDEX their place in the
    data set, TARGETS the class explained. FORWARD gives the logits in the fastest exact form. EXPLAIN gives new maps of
    other images, targets or networks by the method whose maps these are, where a probe wants some. STEPS: how FORWARD
    follows small changes, if it can.
    """

    classifier: Classifier
    inputs: torch.Tensor
    index: np.ndarray
    targets: torch.Tensor
    forward: Callable[[torch.Tensor], torch.Tensor]
    explain: Callable[..., torch.Tensor] | None = None
    steps: stepping.Stepping | None = None
    _filled: dict[str, torch.Tensor] = field(default_factory=dict)
    _ends: dict[str, torch.Tensor] = field(default_factory=dict)

    @cached_property
    def logits(self) -> torch.Tensor:
        """Of the clean images, (image, class)."""
        return self.answer(self.inputs)

    @cached_property
    def clean(self) -> torch.Tensor:
        """Scores of the clean images, (image, output)."""
        return scores(self.logits, self.targets)

    def answer(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of IMAGES."""
        with torch.inference_mode():
            return self.forward(images.contiguous(memory_format=torch.channels_last))

    def score(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of IMAGES, changed from `inputs` one by one, (image, output)."""
        return scores(self.answer(images), self.targets)

    def each(self, parts: Iterable[torch.Tensor], change: stepping.Change | None = None) -> torch.Tensor:
        """Scores of many changes of `inputs`, (image, change, output); PARTS are made one after the other.

        CHANGE: how each differs from the one before, if by little; then only what it reaches is computed, where that
        pays. Otherwise small blocks are put together, up to the rows that fit.
        """
        steps = self.steps and self.steps.of(change, len(self.inputs))
        if steps:
            found = [scores(logits, self.targets)[:, None] for logits in steps.over(parts)]
        else:
            found = [self._scored(group) for group in self._groups(parts)]
        return torch.cat(found, 1) if found else self.inputs.new_empty(len(self.inputs), 0, len(OUTPUTS))

    def _groups(self, parts: Iterable[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
        size, group = max(1, batching.rows() // len(self.inputs)), []
        for part in parts:
            group.append(part)
            if len(group) == size:
                yield group
                group = []
        if group:
            yield group

    def _scored(self, group: list[torch.Tensor]) -> torch.Tensor:
        answers = self.answer(torch.cat(group) if len(group) > 1 else group[0]).unflatten(0, (len(group), -1))
        return torch.stack([scores(answer, self.targets) for answer in answers], 1)

    def without(self, removed: torch.Tensor, fill: str) -> torch.Tensor:
        """The images whose pixels in REMOVED, (image, 1, row, column), show FILL: one of `fills`, or `impute`."""
        if fill == "impute":
            return imputation.impute(self.inputs, removed, self.index)
        return torch.where(removed, self.filled(fill), self.inputs)

    def filled(self, name: str) -> torch.Tensor:
        """The images with every pixel removed: what a removed pixel shows (`fills`)."""
        if name not in self._filled:
            if name == "impute":
                everything = torch.ones_like(self.inputs[:, :1], dtype=torch.bool)
                return self._filled.setdefault(name, imputation.impute(self.inputs, everything, self.index))
            generators = [noise.generator("fill", int(image)) for image in self.index] if name == "noise" else None
            filled = fills.fill(name, self.inputs, self.classifier.black(), self.classifier.white(), generators)
            self._filled[name] = filled.contiguous(memory_format=torch.channels_last)
        return self._filled[name]

    def ends(self, name: str) -> torch.Tensor:
        """Scores of the images with every pixel removed, (image, output); asked once."""
        if name not in self._ends:
            self._ends[name] = self.score(self.filled(name))
        return self._ends[name]
