"""Small networks of one architecture side by side: each becomes what it would have become alone, up to rounding.

Weights, the statistics of batch norm, inputs and losses lie stacked, (network, ...), and the network is mapped over the
first axis (torch.func.vmap). One small network leaves a GPU idle between its kernels; on a processor it does not pay.
"""

import copy
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from saliency_benchmark import calling, graphs, noise, training
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.descent import descent, rate
from saliency_benchmark.progress import Progress
from saliency_benchmark.resuming import Run
from saliency_benchmark.training import Loss, Source

# Largest difference of a logit in a stack, as a share of the largest logit: more than rounding explains is refused.
ROUNDING = 1e-2


def obstacle(sources: Sequence[Source], loss: Loss) -> str:
    """Why networks like those of SOURCES cannot be trained side by side, tried on all of their images; "" if they can.

    The networks stay as they are.
    """
    if not stackable(loss):
        return "the recipe does not say that it only calls the network on its inputs (`stackable`)"
    networks = [source.classifier.network.train() for source in sources]
    inputs = torch.stack([source.inputs(slice(None)) for source in sources]).contiguous()
    labels = torch.stack([source.labels for source in sources])
    try:
        with torch.no_grad():
            Stack(networks).losses(_given(loss, sources[0]), inputs, labels)
            found = Stack(networks).logits(inputs)
            alone = torch.stack([copy.deepcopy(network)(own) for network, own in zip(networks, inputs, strict=True)])
    except (RuntimeError, ValueError, TypeError, AttributeError, NotImplementedError) as error:
        return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    gap = (found - alone).abs().max() / alone.abs().max()
    return "" if gap <= ROUNDING else f"stacked they give other logits (by {gap:.0e})"


def train(
    sources: Sequence[Source],
    loss: Loss,
    *,
    seeds: Sequence[int | str],
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
    saved: Checkpoint | None = None,
) -> list[np.ndarray]:
    """As training.train, for each of SOURCES and its seed; there must be no `obstacle`, and as many images in all."""
    steps, device = max(1, len(sources[0].labels) // batch_size), sources[0].images.device
    sources = [training.ready(source, epochs, len(sources)) for source in sources]
    stack, loss, chance = (
        Stack([source.classifier.network for source in sources]),
        _given(loss, sources[0]),
        Chance(seeds),
    )
    steps_of = descent(optimiser, stack, momentum=momentum, decay=weight_decay, nesterov=nesterov, stacked=True)
    run = Run(stack, steps_of, chance)
    pace = partial(rate, steps=epochs * steps, warmup=warmup, schedule=schedule, factor=factor,
                   milestones=[epoch * steps for epoch in milestones])  # fmt: skip
    progress = Progress("training", epochs * steps * batch_size * len(sources))

    def step(inputs: torch.Tensor, labels: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        losses = stack.losses(loss, inputs, labels)
        run.descent.step(losses.sum(), size)
        return losses.detach()

    step = graphs.Recorded(step, device)
    exact = torch.float32 if device.type == "cuda" else torch.float64  # what fused steps read a rate as
    run.resume(saved and saved.resume())
    progress.skip(len(run.curve) * steps * batch_size * len(sources))
    for epoch in range(len(run.curve), epochs):
        total = torch.zeros(len(sources), dtype=torch.float64, device=device)
        for place, (inputs, labels) in enumerate(_batches(sources, chance, epoch, batch_size, flip, crop)):
            size = learning_rate * pace(epoch * steps + place)
            total += step(inputs, labels, torch.tensor(size, dtype=exact, device=device))
            progress.add(labels.numel())
        run.curve.append((total / steps).tolist())
        for value in run.curve[-1]:
            training.check(value, epoch)
        if saved and epoch + 1 < epochs and saved.due():
            saved.save(run.state())
    stack.part()
    return [np.array(values) for values in zip(*run.curve, strict=True)]


def stackable(loss: Loss) -> bool:
    """Does its recipe say that it only calls the network once, on the inputs as they are?"""
    function, options = (loss.func, loss.keywords) if isinstance(loss, partial) else (loss, {})
    told = getattr(sys.modules.get(function.__module__), "stackable", None)
    return bool(told and told(**options))


def _given(loss: Loss, source: Source) -> Loss:
    """LOSS with what it may ask for, though what only calls the network looks at none of it."""
    model = source.classifier
    given = {"generator": noise.generator("training"), "classifier": model, "layer": model.layer}
    return partial(loss, **calling.asked(loss, given))


def _batches(
    sources: Sequence[Source], chance: "Chance", epoch: int, size: int, flip: bool, crop: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs (network, image, channel, row, column) and labels (network, image): each network's as alone."""
    for source in sources:
        source.begin(epoch)
    each = [
        training.batches(source, size, generator, flip, crop)
        for source, generator in zip(sources, chance.generators, strict=True)
    ]
    for batch in zip(*each, strict=True):
        inputs, labels = zip(*batch, strict=True)
        yield torch.stack(inputs).contiguous(), torch.stack(labels)


class Chance:
    """A generator for each of SEEDS, as training.train makes it."""

    def __init__(self, seeds: Sequence[int | str]) -> None:
        self.generators = [noise.generator("training", seed) for seed in seeds]

    def get_state(self) -> list[torch.Tensor]:
        return [generator.get_state() for generator in self.generators]

    def set_state(self, state: list[torch.Tensor]) -> None:
        for generator, kept in zip(self.generators, state, strict=True):
            generator.set_state(kept)


class Stack(nn.Module):
    """NETWORKS of one architecture, in training mode: its parameters and buffers are theirs, (network, ...)."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self._networks = [network.train() for network in networks]
        self._base = [copy.deepcopy(networks[0]).to("meta")]  # in lists, they are no parts of this module
        parameters, buffers = stack_module_state(self._networks)
        # Not channels last: with that, vmap goes through the networks one after the other.
        for name, values in parameters.items():
            held = nn.Parameter(values.detach().contiguous(), values.requires_grad)
            self.register_parameter(_key(name), held)
        for name, values in buffers.items():
            self.register_buffer(_key(name), values.contiguous())
        self._names = [*parameters], [*buffers]

    def losses(self, loss: Loss, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """LOSS of each network, (network); inputs (network, image, channel, row, column), labels (network, image)."""
        return vmap(lambda held, images, truth: loss(self._network(held), images, truth))(self._held(), inputs, labels)

    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """(network, image, class)."""
        return vmap(lambda held, images: self._network(held)(images))(self._held(), inputs)

    @torch.no_grad()
    def part(self) -> None:
        """Each network takes what has become of it, and is ready for use."""
        held = {name: values for part in self._held() for name, values in part.items()}
        for place, network in enumerate(self._networks):
            for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
                tensor.copy_(held[name][place])
            network.eval().requires_grad_(False)

    def _held(self) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        return tuple({name: getattr(self, _key(name)) for name in names} for names in self._names)

    def _network(self, held: tuple[dict, dict]) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda images: functional_call(self._base[0], held, (images,))


def _key(name: str) -> str:
    """Of a parameter's NAME: a name that has no dots, and is none of this module's own."""
    return "of " + name.replace(".", " ")
