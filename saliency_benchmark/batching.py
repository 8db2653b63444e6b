"""How many images are on the device at a time, copies included: one number, halved where memory runs out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import nn

from saliency_benchmark.progress import LOGGER

# Numbers that the modules of a network give for one batch. A processor is at its best with few (benchmarks/rows.py),
# and with no fewer images than SEVERAL, where they fit easily; on a GPU they may take a SHARE of its memory.
BEST = 2**26
SEVERAL, EASILY = 4, 2**29
SHARE = 0.2
LARGEST = {"cpu": 64, "cuda": 1024}
_rows: ContextVar[int] = ContextVar("rows", default=64)


def rows() -> int:
    """Images x steps that a method may have on the device at a time."""
    return _rows.get()


@contextmanager
def limited(number: int) -> Iterator[None]:
    token = _rows.set(number)
    try:
        yield
    finally:
        _rows.reset(token)


def spans(steps: int, images: int) -> Iterator[range]:
    """STEPS in pieces: as many at a time as fit beside IMAGES images, at least one."""
    size = max(1, rows() // max(1, images))
    for start in range(0, steps, size):
        yield range(start, min(start + size, steps))


def automatic(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Rows for NETWORK and images of SHAPE, a power of two; it depends on both and the kind of device, on no clock."""
    device = next(network.parameters()).device
    values = _values(network, shape)
    if device.type == "cuda":
        fitting = int(SHARE * torch.cuda.get_device_properties(device).total_memory / 4 // values)
    else:
        fitting = max(BEST // values, min(SEVERAL, EASILY // values))
    return min(LARGEST.get(device.type, 64), 2 ** (max(1, fitting).bit_length() - 1))


def _values(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Numbers that the modules without children give for one image of SHAPE."""
    found = [int(torch.tensor(shape).prod())]

    def count(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, torch.Tensor):
            found.append(output.numel())

    handles = [module.register_forward_hook(count) for module in network.modules() if not [*module.children()]]
    training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, *shape, device=next(network.parameters()).device))
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return sum(found)


class Walk:
    """Through COUNT items from START in blocks of at most `rows`; one that does not fit is halved and done again."""

    def __init__(self, count: int, number: int, start: int = 0) -> None:
        self._count, self.rows, self._start = count, number, start

    def over(self, work: Callable[[slice], None]) -> None:
        """WORK(block) for each block. Raises MemoryError where one item alone does not fit."""
        place = self._start
        while place < self._count:
            block = slice(place, min(place + self.rows, self._count))
            try:
                with limited(self.rows):
                    work(block)
            except (RuntimeError, MemoryError) as error:
                if not short_of_memory(error):
                    raise
                self._halve(error)
            else:
                place = block.stop

    def _halve(self, error: Exception) -> None:
        if self.rows == 1:
            raise MemoryError("not enough memory for one image at a time: take a smaller model or image") from error
        self.rows //= 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        told = f"set explain.rows: {self.rows} to begin with it"
        LOGGER.warning(f"out of memory: going on with {self.rows} images x steps at a time ({told})")


def short_of_memory(error: Exception) -> bool:
    """Does ERROR mean that the device or the machine has no memory left?"""
    # A processor's allocator has no error class of its own.
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)
