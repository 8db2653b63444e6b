"""A masked data set is a data set: the same images, with some of their pixels removed as they are read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch

from saliency_benchmark import fills, fitting, imputation, masking, seeds
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.masking import Levels
from saliency_benchmark.training import Source

# Fills that cost much: made once, where they take no more bytes than that.
DEAR = ("blur", "linear")
LARGEST = {"cpu": 2**30, "cuda": 2**33}
BLOCK = 256


@dataclass
class MaskedSource(Source):
    """Images whose entries show FILL where REMOVED is True.

    removed (image, [channel], row, column) bool, on the images' device. index (image): places in the data set, which
    with SEED decide the noise of `linear`. redraw(epoch): another `removed` for each epoch. filled (image, channel,
    row, column): what is shown where an entry is gone, or None where it is made at every reading.
    """

    removed: torch.Tensor
    fill: str
    index: torch.Tensor | np.ndarray | None = None
    seed: int | str = 0
    redraw: Callable[[int], torch.Tensor] | None = None
    filled: torch.Tensor | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        index = np.arange(len(self.labels)) if self.index is None else self.index
        self.index = torch.as_tensor(index, device=self.images.device)
        if self.filled is None:
            self._keep()

    def inputs(self, index: torch.Tensor | slice) -> torch.Tensor:
        inputs, gone = self.classifier.scaled(self.images[index]), self._gone(index)
        filled = self._made(index, inputs) if self.filled is None else self.filled[index]
        # Between two ends, at 0 or 1: one of them to the last bit, in a fraction of the time of torch.where.
        shown = torch.lerp(inputs, filled, gone.to(inputs.dtype))
        return shown.contiguous(memory_format=torch.channels_last)

    def begin(self, epoch: int) -> None:
        if self.redraw:
            self.removed = self.redraw(epoch)
            if self.fill == "linear":
                self._keep()

    def fixed(self) -> bool:
        return self.redraw is None

    def _gone(self, index: torch.Tensor | slice) -> torch.Tensor:
        gone = self.removed[index]
        return gone if gone.ndim == 4 else gone[:, None]

    def _keep(self) -> None:
        self.filled = None
        if self.fill in DEAR and 4 * self.images.numel() <= LARGEST[self.images.device.type]:
            spans = [slice(start, start + BLOCK) for start in range(0, len(self.labels), BLOCK)]
            self.filled = torch.cat([self._made(span, self.classifier.scaled(self.images[span])) for span in spans])

    def _made(self, index: torch.Tensor | slice, inputs: torch.Tensor) -> torch.Tensor:
        if self.fill == "linear":
            return imputation.impute(inputs, self._gone(index), self.index[index], seed=self.seed)
        return fills.fill(self.fill, inputs, self.classifier.black())


def source_of(model: Classifier, images: dict, removed: np.ndarray, fill: str, seed: int | str = 0) -> MaskedSource:
    source, gone = fitting.source_of(model, images["data"], images["label"]), torch.from_numpy(removed)
    return MaskedSource(model, source.images, source.labels, gone.to(model.mean.device), fill, images["index"], seed)


class Split:
    """Images and the ranks of their entries: sources of any fraction, which share what no fraction changes.

    REDRAWN: the ranks are drawn anew for every epoch, as those of the random control in the first release of ROAR.
    SHARED: the dictionary that splits of the same images and fill share, whatever their ranks, for what is made once.
    """

    def __init__(
        self,
        images: dict,
        ranks: Levels,
        *,
        order: str,
        fill: str,
        seed: int | str,
        redrawn: bool = False,
        shared: dict | None = None,
    ) -> None:
        self._images, self._ranks, self._order, self._fill, self._seed = images, ranks, order, fill, seed
        self._drawn = drawn(ranks.shape, images["index"], seed) if redrawn else None
        self._shared = {} if shared is None else shared

    def source(self, model: Classifier, fraction: float) -> MaskedSource:
        """The images without FRACTION of their entries, for MODEL, which normalises as those before it did."""

        def gone(ranks: Levels | np.ndarray) -> torch.Tensor:
            return torch.from_numpy(masking.removed(ranks, fraction, self._order)).to(model.mean.device)

        if "plain" not in self._shared:
            self._shared["plain"] = fitting.source_of(model, self._images["data"], self._images["label"])
        plain = self._shared["plain"]
        made = MaskedSource(
            model, plain.images, plain.labels, gone(self._ranks), self._fill, self._images["index"],
            self._seed, self._drawn and (lambda epoch: gone(self._drawn(epoch))), self._shared.get("filled"),
        )  # fmt: skip
        if self._fill != "linear":
            self._shared["filled"] = made.filled
        return made


def drawn(shape: tuple[int, ...], index: np.ndarray, seed: str) -> Callable[[int], np.ndarray]:
    """By epoch: ranks of SHAPE (image, ...) in a random order, each image's from SEED, the epoch and its INDEX."""
    entries = int(np.prod(shape[1:]))

    @lru_cache(maxsize=1)
    def ranks(epoch: int) -> np.ndarray:
        key, found = seeds.derive("control", seed, epoch), np.empty(shape, np.min_scalar_type(entries - 1))
        for place, image in enumerate(index):
            stream = np.random.Philox(key=key, counter=[0, 0, 0, int(image)])
            found[place] = np.random.Generator(stream).permutation(entries).reshape(shape[1:])
        return found

    return ranks
