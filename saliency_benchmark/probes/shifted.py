"""Maps of images whose pixels are all moved by one number, by a network that takes it off (Kindermans et al., 2019).

Both networks give the same for what they are shown: nothing that matters has changed.
"""

from copy import deepcopy

import torch
from torch import nn

from saliency_benchmark import distances, similarity
from saliency_benchmark.asking import Asked

EXPLAINS = True


def probe(asked: Asked, maps: torch.Tensor, *, shift: float = -1.0, signed: bool = True) -> dict[str, torch.Tensor]:
    """SHIFT: what is added to all pixels in [0, 1] (from [0, 1] to [-1, 0] in the paper).

    Readings (image): `map_distance` of the two maps and `map_norm` of the first, Euclidean over all entries with their
    sign; `spearman`, rank correlation of the pixels' sums over the channels, SIGNED or of their magnitude.
    """
    moved = shift / asked.classifier.deviation[:, None, None]
    network = compensating(asked.classifier.network, moved)
    images = (asked.inputs + moved).contiguous(memory_format=torch.channels_last)
    found = asked.explain(images, asked.targets, network=network).reshape(maps.shape)
    return {
        "map_distance": distances.norm(found - maps),
        "map_norm": distances.norm(maps),
        "spearman": similarity.spearman(similarity.per_pixel(maps, signed), similarity.per_pixel(found, signed)),
    }


def compensating(network: nn.Module, shift: torch.Tensor) -> nn.Module:
    """A copy of NETWORK that takes SHIFT (channel, 1, 1) off what it is shown. Its modules keep their names."""
    copy, kind = deepcopy(network), type(network)

    def forward(self: nn.Module, images: torch.Tensor) -> torch.Tensor:
        return kind.forward(self, images - shift)

    # A class of its own instead of a module around it: methods find layers by their names.
    copy.__class__ = type(kind.__name__, (kind,), {"forward": forward})
    return copy
