"""Fit a network to images that lie on the device as bytes, and tell how good it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.optim.sgd import sgd

from saliency_benchmark import calling, noise, seeds
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.progress import Progress

Loss = Callable[..., torch.Tensor]
BATCH_FOR_PREDICTION = 256


@dataclass
class Source:
    """Images and labels to train or test on: images (image, channel, row, column) bytes, labels (image)."""

    classifier: Classifier
    images: torch.Tensor
    labels: torch.Tensor

    def inputs(self, index: torch.Tensor | slice) -> torch.Tensor:
        """What the network sees of the images at INDEX."""
        return self.classifier.normalise(self.images[index])

    def begin(self, epoch: int) -> None:
        """What changes with the EPOCH, counted from 0, changes now: nothing in images as they are."""


def statistics(images: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each channel, pixels in [0, 1]; a constant channel has deviation 1."""
    counts = np.stack([np.bincount(channel.ravel(), minlength=256) for channel in np.moveaxis(images, 1, 0)])
    share, values = counts / counts.sum(1, keepdims=True), np.arange(256) / 255
    mean = share @ values
    deviation = np.sqrt((share * (values - mean[:, None]) ** 2).sum(1))
    deviation[deviation == 0] = 1
    return torch.tensor(mean, dtype=torch.float32), torch.tensor(deviation, dtype=torch.float32)


class Descent:
    """SGD with momentum by torch's own functional form; decay for weights, none for biases and batch norm.

    torch.optim.SGD does the same, and imports torch's compiler at its first step: longer than a small model trains.
    """

    def __init__(self, network: nn.Module, momentum: float, decay: float, nesterov: bool = True) -> None:
        self._parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self._memory: list[torch.Tensor | None] = [None for _ in self._parameters]
        self._momentum, self._decay, self.steps = momentum, decay, 0
        self._nesterov = nesterov and momentum > 0

    def step(self, loss: torch.Tensor, rate: float) -> None:
        """One step of size RATE down the gradient of LOSS; a parameter that LOSS does not use stays as it is."""
        gradients = torch.autograd.grad(loss, self._parameters, allow_unused=True)
        kind = {"momentum": self._momentum, "dampening": 0.0, "nesterov": self._nesterov, "maximize": False}
        with torch.no_grad():
            for place, (parameter, gradient) in enumerate(zip(self._parameters, gradients, strict=True)):
                if gradient is not None:
                    memory = [self._memory[place]]
                    decay = self._decay if parameter.ndim > 1 else 0.0
                    sgd([parameter], [gradient], memory, weight_decay=decay, lr=rate, **kind)
                    self._memory[place] = memory[0]
        self.steps += 1


def train(
    source: Source,
    loss: Loss,
    *,
    seed: int | str,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    warmup: float,
    momentum: float,
    weight_decay: float,
    flip: bool,
    schedule: str = "cosine",
    nesterov: bool = True,
    watch: Callable[[], bool] | None = None,
) -> np.ndarray:
    """Train SOURCE's network in place by SGD; gives the mean loss of each epoch. The last epoch's weights stay.

    LOSS is a recipe (recipes/__init__.py). WATCH is called after every epoch and ends the training if it gives True.
    Raises FloatingPointError where the loss is no number any more.
    """
    network = source.classifier.network.train()
    steps = max(1, len(source.labels) // batch_size)
    descent = Descent(network, momentum, weight_decay, nesterov)
    generator, progress = noise.generator("training", seed), Progress("training", epochs * steps * batch_size)
    loss = partial(loss, **calling.asked(loss, {"generator": generator, "classifier": source.classifier,
                                               "layer": source.classifier.layer}))  # fmt: skip
    curve = np.zeros(epochs)
    # Dropout draws from the global generator: it gets a seed of its own, and the state of before comes back.
    with torch.random.fork_rng():
        torch.manual_seed(seeds.derive("dropout", seed))
        for epoch in range(epochs):
            source.begin(epoch)
            for inputs, labels in batches(source, batch_size, generator, flip):
                value = loss(network, inputs, labels)
                descent.step(value, learning_rate * rate(descent.steps, epochs * steps, warmup, schedule))
                curve[epoch] += value.item() / steps
                progress.add(len(labels), f"loss {value.item():.3f}")
            check(curve[epoch], epoch)
            if watch and watch():
                curve = curve[: epoch + 1]
                break
    network.eval().requires_grad_(False)
    return curve


def logits(source: Source) -> torch.Tensor:
    """What the network gives in evaluation mode, (image, class)."""
    network = source.classifier.network.eval()
    starts = range(0, len(source.labels), BATCH_FOR_PREDICTION)
    with torch.inference_mode():
        return torch.cat([network(source.inputs(slice(start, start + BATCH_FOR_PREDICTION))) for start in starts])


def probabilities(source: Source) -> torch.Tensor:
    """Softmax of the network in evaluation mode, (image, class)."""
    return logits(source).softmax(1)


def accuracy(source: Source) -> float:
    return (probabilities(source).argmax(1) == source.labels).double().mean().item()


def check(loss: float, epoch: int) -> None:
    """Raise FloatingPointError where the mean LOSS of an EPOCH is no number."""
    if not np.isfinite(loss):
        raise FloatingPointError(f"the loss is {loss} in epoch {epoch + 1}: lower training.learning_rate")


def batches(
    source: Source, size: int, generator: torch.Generator, flip: bool = False
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs and labels of an epoch: whole batches of a random order, and half of the images mirrored if FLIP.

    The rest of an epoch is left out, unless it is all there is.
    """
    order = torch.randperm(len(source.labels), generator=generator)
    for start in range(0, max(len(order) - size, 0) + 1, size):
        index = order[start : start + size]
        inputs = source.inputs(index)
        yield _flipped(inputs, generator) if flip else inputs, source.labels[index]


def _flipped(inputs: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    coin = torch.rand(len(inputs), generator=generator).to(inputs.device) < 0.5
    return torch.where(coin[:, None, None, None], inputs.flip(3), inputs)


def rate(step: int, steps: int, warmup: float, schedule: str = "cosine") -> float:
    """Share of the highest step size: a linear rise over the share WARMUP of the steps, then half a cosine to 0.

    With the SCHEDULE "constant" it stays where it rose to.
    """
    rising = warmup * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    if schedule == "constant":
        return 1.0
    return 0.5 * (1 + np.cos(np.pi * (step - rising) / max(steps - rising, 1)))
