"""Networks whose parameters are drawn anew, module by module (Adebayo et al., 2018). The network itself stays."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from saliency_benchmark import seeds
from saliency_benchmark.preserving import preserved

ORDERS = ("top_down", "bottom_up", "independent")


def modules(network: nn.Module, images: torch.Tensor) -> list[str]:
    """Names of the modules that have parameters of their own, in the order in which a forward pass begins them.

    One of IMAGES is passed. What is never called by itself (a projection inside attention) follows the module around
    it. Raises ValueError where no module has parameters.
    """
    names, begun = {module: name for name, module in network.named_modules()}, {}

    def note(module: nn.Module, inputs: object) -> None:
        begun.setdefault(names[module], len(begun))

    with preserved(network), torch.no_grad():
        for module in names:
            module.register_forward_pre_hook(note)
        network(images[:1])
    found = [name for module, name in names.items() if next(module.parameters(recurse=False), None) is not None]
    if not found:
        raise ValueError("this model has no parameters that could be drawn anew")
    return sorted(found, key=lambda name: begun[_called(name, begun)])


def _called(name: str, begun: dict[str, int]) -> str:
    """NAME, or the nearest module around it that is called."""
    while name not in begun:
        name = name.rpartition(".")[0]
    return name


def stages(network: nn.Module, names: list[str], order: str, steps: int, seed: int) -> Iterator[nn.Module]:
    """Copies of NETWORK, each with more of the modules NAMES drawn anew, at most STEPS of them, evenly spaced.

    ORDER: from the last module down to all (`top_down`), from the first up to all (`bottom_up`), or one module at a
    time (`independent`). A module draws the same whatever the order. Raises ValueError for no order or step.
    """
    if order not in ORDERS or steps < 1:
        raise ValueError(f"order {order!r}, {steps} steps; wanted: {', '.join(ORDERS)}, and at least one step")
    if order == "independent":
        places = np.unique(np.round(np.linspace(0, len(names) - 1, steps)).astype(int))
        yield from (redrawn(network, [names[place]], seed) for place in places)
        return
    counts = np.unique(np.round(np.linspace(0, len(names), steps + 1)).astype(int))
    ordered = names[::-1] if order == "top_down" else names
    for before, count in pairwise(counts):
        network = redrawn(network, ordered[before:count], seed)
        yield network


def redrawn(network: nn.Module, names: list[str], seed: int) -> nn.Module:
    """A copy of NETWORK in which the parameters of the modules NAMES are drawn anew, each from SEED and its name.

    A module that knows how to begin (`reset_parameters`) does so, a batch norm forgets its statistics too; other
    parameters are normal with the mean and deviation of their own entries, so a single number stays.
    """
    copy = deepcopy(network)
    for name in names:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            # Not torch.manual_seed, which would seed the GPU as well.
            torch.default_generator.manual_seed(seeds.derive("parameters", seed, name))
            _draw(copy.get_submodule(name))
    return copy


def _draw(module: nn.Module) -> None:
    if hasattr(module, "reset_parameters") and not [*module.children()]:
        # On the processor, so that every device gets the same numbers.
        begun = deepcopy(module).cpu()
        begun.reset_parameters()
        module.load_state_dict(begun.state_dict())
        return
    for parameter in module.parameters(recurse=False):
        drawn = torch.randn(parameter.shape).to(parameter)
        parameter.copy_(parameter.mean() + drawn * parameter.std(correction=0))
