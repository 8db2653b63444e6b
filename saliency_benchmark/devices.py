"""Where tensors live, and the promise that the same seed gives the same bytes there."""

import torch


def best() -> torch.device:
    """The GPU if there is one. From here on every operation is deterministic."""
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def use_threads(threads: int) -> None:
    """As many threads as the rule was given: one-thread jobs side by side beat one job with all threads."""
    torch.set_num_threads(threads)
