"""What rules make of a network's weights, kept between blocks of images while the network stays as it is."""

from itertools import chain
from weakref import WeakKeyDictionary

import torch
from torch import nn

_networks: WeakKeyDictionary[nn.Module, tuple[tuple, "Kept"]] = WeakKeyDictionary()


class Kept:
    """One dictionary for each set of tensors of a network; tensors made on the way get an empty one each time."""

    def __init__(self, known: set[int]) -> None:
        self._known = known
        self._made: dict[tuple, dict] = {}

    def of(self, *tensors: torch.Tensor | None) -> dict:
        key = tuple(map(id, tensors))
        return self._made.setdefault(key, {}) if self._known.issuperset(key) else {}


def kept(model: nn.Module) -> Kept:
    """What was made for MODEL; nothing once a weight or a statistic has changed or was exchanged."""
    tensors = list(chain(model.parameters(), model.buffers()))
    # An inference tensor does not tell whether it changed: nothing is kept for it.
    tensors = [tensor for tensor in tensors if not tensor.is_inference()]
    stamp = tuple((id(tensor), tensor.data_ptr(), tensor._version) for tensor in tensors)
    if model not in _networks or _networks[model][0] != stamp:
        _networks[model] = stamp, Kept({id(None), *map(id, tensors)})
    return _networks[model][1]
