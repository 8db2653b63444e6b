"""From an entry of the settings' `models` to a new network, checked before anything is built on it."""

import torch
from torch import nn

from saliency_benchmark import calling, registry
from saliency_benchmark.progress import LOGGER
from saliency_benchmark.resizing import Resized

# Of parameters that no module knows how to draw: class tokens, positions.
LOOSE_DEVIATION = 0.02


def build(entry: dict, label: str, shape: tuple[int, int, int], classes: int, seed: int) -> nn.Module:
    """A new network for images of SHAPE (channel, row, column), initialised from SEED; no global state changes.

    Its factory gets `shape`, `classes` or `num_classes` where it has parameters of these names. Raises ValueError
    where it gives no module.
    """
    factory = registry.load("models", label, entry).build
    size = entry.get("size")
    given = {"shape": (shape[0], *(size or shape[1:])), "classes": classes, "num_classes": classes}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = calling.call(factory, given=given, options=entry["options"])
    if not isinstance(network, nn.Module):
        raise ValueError(f"models.{label}: its factory gives {type(network).__name__}; wanted: a torch.nn.Module")
    network = Resized(network, size) if size else network
    return network.to(memory_format=torch.channels_last)


def untaught(entry: dict, label: str, shape: tuple[int, int, int], classes: int, seed: int) -> nn.Module:
    """As `build`, with random weights even where the factory brings weights: they are those that no seed changes."""
    network = build(entry, label, shape, classes, seed)
    if "call" in entry:
        twin = dict(build(entry, label, shape, classes, seed + 1).named_parameters())
        brought = [name for name, value in network.named_parameters() if _varied(value) and value.equal(twin[name])]
        if any(twin[name].ndim > 1 for name in brought):
            LOGGER.info("models.%s: its factory brings weights; here it starts from random ones", label)
            _forget(network, brought, seed)
    return network


def _varied(values: torch.Tensor) -> bool:
    """Are VALUES more than one constant, as biases and norms begin?"""
    return bool((values != values.flatten()[0]).any())


@torch.no_grad()
def _forget(network: nn.Module, brought: list[str], seed: int) -> None:
    """Draw every module of NETWORK anew as torch does; of the rest, what was BROUGHT."""
    drawn: set[int] = set()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in network.modules():
            draw = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
            if draw:
                draw()
                drawn |= {id(value) for value in module.parameters()}
        for name in brought:
            value = network.get_parameter(name)
            if id(value) not in drawn:
                value.normal_(std=LOOSE_DEVIATION)


def check(network: nn.Module, label: str, shape: tuple[int, int, int], classes: int, training: bool = True) -> None:
    """Raise ValueError unless NETWORK gives logits (image, class), in evaluation mode and, if TRAINING, in that too."""
    before = {name: value.clone() for name, value in network.named_buffers()}
    modes = [(module, module.training) for module in network.modules()]
    try:
        for mode in (False, True) if training else (False,):
            _check_logits(network.train(mode), label, shape, classes)
    finally:
        for module, mode in modes:
            module.training = mode
        for name, value in network.named_buffers():
            value.copy_(before[name])


def _check_logits(network: nn.Module, label: str, shape: tuple[int, int, int], classes: int) -> None:
    images = torch.zeros(2, *shape).contiguous(memory_format=torch.channels_last)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            logits = network(images)
    except (RuntimeError, ValueError, AssertionError, IndexError, TypeError) as error:
        told = f"models.{label} cannot take images of (channel, row, column) = {tuple(shape)}: {error}"
        raise ValueError(f"{told}. If they have another size than it wants, set `size: [rows, columns]`") from error
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if found == (2, classes):
        return
    hint = "give it a head that ends in one number per class"
    if not isinstance(logits, torch.Tensor):
        hint = "let it give one tensor, without auxiliary outputs"
    elif logits.ndim == 2 and logits.shape[1] > classes:
        hint = f"set `classes: {logits.shape[1]}` to keep all its outputs, or let its factory take `classes`"
    raise ValueError(
        f"models.{label} gives {found} for 2 images; wanted: logits (image, class) = (2, {classes}); {hint}"
    )
