"""Images perturbed as the faithfulness metrics do it, where a map says (arXiv 2311.17876)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from saliency_benchmark import fills, grid, layers

# The metrics whose perturbations are drawn.
SOURCES = ("dauc", "iauc", "ad", "add")


@contextmanager
def features_of(network: nn.Module, layer: str, inputs: torch.Tensor) -> Iterator[list[torch.Tensor]]:
    """Feature maps (image, feature, row, column) at LAYER of every forward pass of INPUTS within, in order."""
    found: list[torch.Tensor] = []
    layout = layers.layout(network, layer, inputs)

    def note(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        found.append(layout.maps(output))

    handle = network.get_submodule(layer).register_forward_hook(note)
    try:
        yield found
    finally:
        handle.remove()


def draw(inputs: torch.Tensor, features: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """`perturb` with all SOURCES and the map |sum over the features|; features (image, feature, row, column)."""
    return perturb(inputs, saliency(features), generator)


def saliency(features: torch.Tensor) -> torch.Tensor:
    """|Sum over the features|, (image, row, column): the map that needs no saliency method."""
    return features.sum(1).abs()


def perturb(
    inputs: torch.Tensor,
    maps: torch.Tensor,
    generator: torch.Generator,
    *,
    sources: Sequence[str] = SOURCES,
    filled: torch.Tensor | None = None,
) -> torch.Tensor:
    """Perturb each image as one of SOURCES would, drawn for each image with equal chance.

    inputs (image, channel, row, column); maps (image, row, column), a value per cell; FILLED: the images without
    anything, the mean colour (0) if None. DAUC: the k most salient cells go, k ~ U{0..cells-1}; IAUC: the k most
    salient cells appear on the blurred image; AD: image * m; ADD: image * (1 - m), m the map, min-max normalised per
    image and drawn bicubically, over FILLED. Raises ValueError where SOURCES are empty or unknown.
    """
    known = [SOURCES.index(source) for source in SOURCES if source in sources]
    if not known or len(known) != len(sources):
        raise ValueError(f"cannot perturb as {list(sources)}; wanted: some of {', '.join(SOURCES)}, each once")
    cells = maps.flatten(1)
    shape, size = tuple(inputs.shape[2:]), tuple(maps.shape[1:])
    place = torch.randint(len(known), (len(inputs), 1, 1, 1), generator=generator)
    kind = torch.tensor(known)[place].to(inputs.device)
    k = torch.randint(cells.shape[1], (len(inputs), 1), generator=generator).to(inputs.device)
    rank = cells.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    top = grid.spread((rank < k).to(inputs.dtype), shape, size)
    # A constant map singles out nothing: m = 0.
    soft = grid.smooth(cells, shape, size).nan_to_num(0.0)
    keep = torch.where(kind == 0, 1 - top, torch.where(kind == 1, top, torch.where(kind == 2, soft, 1 - soft)))
    instead = torch.where(kind == 1, fills.blur(inputs), torch.zeros_like(inputs) if filled is None else filled)
    return inputs * keep + instead * (1 - keep)
