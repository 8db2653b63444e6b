"""Work of one shape as one CUDA graph: a small network's step is hundreds of kernels shorter than their launches."""

from collections.abc import Callable

import torch

from saliency_benchmark.progress import LOGGER

# Calls on a stream of their own before the recording, in which libraries set themselves up.
BEFORE = 3


class Recorded:
    """STEP(*tensors), of a training or a pass; on a GPU recorded once and replayed, for tensors of the same shapes.

    What it gives is overwritten by the next call. Where recording fails, STEP goes on as it is. The recording has not
    been run so far, for want of a GPU: the tests show that without one, and where it fails, the step is STEP itself.
    """

    def __init__(self, step: Callable[..., torch.Tensor], device: torch.device) -> None:
        self._step, self._calls, self._replay = step, 0, None
        self._plain = device.type != "cuda"

    def __call__(self, *tensors: torch.Tensor) -> torch.Tensor:
        self._calls += 1
        if self._plain:
            return self._step(*tensors)
        if self._calls <= BEFORE:
            return self._aside(tensors)
        if self._replay is None and not self._record(tensors):
            return self._step(*tensors)
        for held, given in zip(self._held, tensors, strict=True):
            held.copy_(given)
        self._replay()
        return self._given

    def _aside(self, tensors: tuple[torch.Tensor, ...]) -> torch.Tensor:
        stream, current = torch.cuda.Stream(), torch.cuda.current_stream()
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            given = self._step(*tensors)
        current.wait_stream(stream)
        return given

    def _record(self, tensors: tuple[torch.Tensor, ...]) -> bool:
        graph, self._held = torch.cuda.CUDAGraph(), [each.clone() for each in tensors]
        try:
            with torch.cuda.graph(graph):
                self._given = self._step(*self._held)
        except RuntimeError as error:
            LOGGER.info("no CUDA graph, step by step: %s", str(error).partition("\n")[0])
            self._plain = True
            return False
        self._replay = graph.replay
        return True
