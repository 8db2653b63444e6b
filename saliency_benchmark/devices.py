"""Where tensors live, and the promise that the same seed gives the same bytes there."""

import os

import torch

from saliency_benchmark import deterministic


def best() -> torch.device:
    """The GPU if there is one. From here on every operation is deterministic."""
    if not torch.cuda.is_available():
        # What we use is deterministic on a processor anyway, and asking for it imports half of torch's compiler.
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with a fixed workspace only
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    deterministic.register()
    return torch.device("cuda")


def name() -> str:
    """What the best device is called: the same seed gives the same bytes on devices of one name."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"cpu {torch.backends.cpu.get_cpu_capability()}"


def use_threads(threads: int) -> None:
    """As many threads as the rule was given: one-thread jobs side by side beat one job with all threads."""
    torch.set_num_threads(threads)
