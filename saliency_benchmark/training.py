"""Fit a network to images that lie on the device as bytes, and tell how good it is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from saliency_benchmark import augmenting, calling, noise, seeds
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.descent import descent, rate
from saliency_benchmark.progress import Progress
from saliency_benchmark.resuming import Run, Watcher

Loss = Callable[..., torch.Tensor]
BATCH_FOR_PREDICTION = 256
# Bytes of inputs that are made once for all epochs.
READY = {"cpu": 2**28, "cuda": 2**33}


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

    def fixed(self) -> bool:
        """Are the inputs the same in every epoch?"""
        return type(self).begin is Source.begin


class ReadySource(Source):
    """A source whose inputs are made once and kept as they lie on the device: four bytes a value instead of one."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.classifier, source.images, source.labels)
        starts = range(0, len(source.labels), BATCH_FOR_PREDICTION)
        blocks = (source.inputs(slice(start, start + BATCH_FOR_PREDICTION)) for start in starts)
        self._inputs = torch.cat([block.permute(0, 2, 3, 1) for block in blocks])

    def inputs(self, index: torch.Tensor | slice) -> torch.Tensor:
        return self._inputs[index].permute(0, 3, 1, 2)


def ready(source: Source, epochs: int, many: int = 1) -> Source:
    """SOURCE, or its inputs made once, if more than one of EPOCHS shows them and MANY such take no more than READY."""
    size = 4 * source.images.numel() * many
    return ReadySource(source) if epochs > 1 and source.fixed() and size <= READY[source.images.device.type] else source


def statistics(images: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each channel, pixels in [0, 1]; a constant channel has deviation 1."""
    counts = np.stack([np.bincount(channel.ravel(), minlength=256) for channel in np.moveaxis(images, 1, 0)])
    share, values = counts / counts.sum(1, keepdims=True), np.arange(256) / 255
    mean = share @ values
    deviation = np.sqrt((share * (values - mean[:, None]) ** 2).sum(1))
    deviation[deviation == 0] = 1
    return torch.tensor(mean, dtype=torch.float32), torch.tensor(deviation, dtype=torch.float32)


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
    milestones: Sequence[int] = (),
    factor: float = 0.1,
    crop: int = 0,
    nesterov: bool = True,
    optimiser: str = "sgd",
    watch: Watcher | None = None,
    saved: Checkpoint | None = None,
) -> np.ndarray:
    """Train SOURCE's network in place; gives the mean loss of each epoch. The last epoch's weights stay.

    LOSS is a recipe (recipes/__init__.py). MILESTONES (epochs) and FACTOR are of the schedule "steps". WATCH is called
    after every epoch and ends the training if it gives True. SAVED gets the state at ends of epochs; with one of a
    training that was killed the result is that of a training that was not. Raises FloatingPointError where the loss is
    no number any more.
    """
    network, device = source.classifier.network.train(), source.classifier.mean.device
    steps, source = max(1, len(source.labels) // batch_size), ready(source, epochs)
    generator, progress = noise.generator("training", seed), Progress("training", epochs * steps * batch_size)
    steps_of = descent(optimiser, network, momentum=momentum, decay=weight_decay, nesterov=nesterov)
    run = Run(network, steps_of, generator, watch)
    pace = partial(rate, steps=epochs * steps, warmup=warmup, schedule=schedule, factor=factor,
                   milestones=[epoch * steps for epoch in milestones])  # fmt: skip
    loss = partial(loss, **calling.asked(loss, {"generator": generator, "classifier": source.classifier,
                                               "layer": source.classifier.layer}))  # fmt: skip
    # Dropout draws from the global generator: it gets a seed of its own, and the state of before comes back.
    with torch.random.fork_rng():
        torch.manual_seed(seeds.derive("dropout", seed))
        run.resume(saved and saved.resume())
        progress.skip(len(run.curve) * steps * batch_size)
        for epoch in range(len(run.curve), epochs):
            source.begin(epoch)
            # Added up on the device: a processor that waits for every step's number leaves a GPU idle.
            total = torch.zeros((), dtype=torch.float64, device=device)
            for inputs, labels in batches(source, batch_size, generator, flip, crop):
                value = loss(network, inputs, labels)
                run.descent.step(value, learning_rate * pace(run.descent.steps))
                total += value.detach()
                progress.add(len(labels), partial(_told, value.detach()))
            run.curve.append(total.item() / steps)
            check(run.curve[-1], epoch)
            if watch and watch():
                break
            if saved and epoch + 1 < epochs and saved.due():
                saved.save(run.state())
    network.eval().requires_grad_(False)
    return np.array(run.curve)


def _told(loss: torch.Tensor) -> str:
    return f"loss {loss.item():.3f}"


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
    source: Source, size: int, generator: torch.Generator, flip: bool = False, crop: int = 0
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs and labels of an epoch: whole batches of a random order, mirrored and cropped by chance (augmenting.py).

    The rest of an epoch is left out, unless it is all there is.
    """
    number, device = len(source.labels), source.labels.device
    order = torch.randperm(number, generator=generator).to(device)
    chance = augmenting.draw(number, flip, crop, generator).to(device)
    for start in range(0, max(number - size, 0) + 1, size):
        index = order[start : start + size]
        inputs = augmenting.augment(source.inputs(index), chance[start : start + size], flip, crop)
        yield inputs, source.labels[index]
