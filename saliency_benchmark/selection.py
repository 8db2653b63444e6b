"""Which epoch's weights a training ends with, and when it ends, by validation images alone (arXiv 2311.17876)."""

from dataclasses import dataclass, field

import numpy as np
import torch

from saliency_benchmark import calibration, training
from saliency_benchmark.training import Source

# Among the best tenth of the epochs by accuracy, and at least these, the best calibrated one is chosen.
FEWEST, SHARE = 5, 10


@dataclass
class Course:
    """What is told of a training: curves (epoch) by name, `loss` among them, and facts: epoch chosen, temperature."""

    curves: dict[str, np.ndarray]
    facts: dict = field(default_factory=dict)


class Watch:
    """Called after every epoch: how good the network is on SOURCE, and whether to stop.

    Stops where the accuracy has not risen above its best for PATIENCE epochs. Keeps the weights of those epochs that
    can still be chosen by `calibrated` where KEEP: a tenth of the EPOCHS planned, on the processor.
    """

    def __init__(self, source: Source, epochs: int, patience: int | None = None, keep: bool = False) -> None:
        self._source, self._patience = source, patience
        self._most = candidates(epochs) if keep else 0
        self._kept: dict[int, dict[str, torch.Tensor]] = {}
        self.accuracy: list[float] = []
        self.ece: list[float] = []

    def __call__(self) -> bool:
        network = self._source.classifier.network
        found = calibration.quality(training.probabilities(self._source).cpu().numpy(), self._labels())
        network.train()
        self.accuracy.append(found["accuracy"])
        self.ece.append(found["ece"])
        best = by_accuracy(self.accuracy)
        if self._most:
            self._kept[len(self.accuracy) - 1] = {
                name: value.detach().cpu().clone() for name, value in network.state_dict().items()
            }
            self._kept = {epoch: self._kept[epoch] for epoch in best[: self._most] if epoch in self._kept}
        return self._patience is not None and len(self.accuracy) - 1 - best[0] >= self._patience

    def _labels(self) -> np.ndarray:
        return self._source.labels.cpu().numpy()

    def state(self) -> dict:
        return {"kept": self._kept, "accuracy": self.accuracy, "ece": self.ece}

    def resume(self, state: dict) -> None:
        self._kept, self.accuracy, self.ece = state["kept"], state["accuracy"], state["ece"]

    def restore(self) -> int:
        """Give the network the weights of the epoch chosen; its number, from 0."""
        epoch = calibrated(self.accuracy, self.ece)
        self._source.classifier.network.load_state_dict(self._kept[epoch])
        return epoch

    def curves(self) -> dict[str, np.ndarray]:
        return {"validation_accuracy": np.array(self.accuracy), "validation_ece": np.array(self.ece)}


def candidates(epochs: int) -> int:
    """How many of EPOCHS are good enough: a tenth, rounded up, and at least five."""
    return max(FEWEST, -(-epochs // SHARE))


def by_accuracy(accuracy: list[float]) -> list[int]:
    """Epochs, the most accurate first; of equal ones the earlier first."""
    return sorted(range(len(accuracy)), key=lambda epoch: -accuracy[epoch])


def calibrated(accuracy: list[float], ece: list[float]) -> int:
    """Of the candidates by ACCURACY the epoch of lowest ECE; of equal ones the more accurate, then the earlier."""
    return min(by_accuracy(accuracy)[: candidates(len(accuracy))], key=lambda epoch: ece[epoch])
