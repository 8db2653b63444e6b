"""A method and a data set whose jobs meet trouble on a cluster: what it is lies in the folder `trouble`."""

import os
import time
from pathlib import Path

import numpy as np

from saliency_benchmark.datasets import planted

GROUP = "controls"
REGIONS = True
WAITING = 900
# More than the first attempt of a job may have, and less than the second.
LARGE = 900_000_000


def attribute(model, images, targets, *, trouble: str):
    """The images themselves, after TROUBLE: fails, too_large, or any other name: it waits, to be ended by others."""
    meet(trouble)
    return images.sum(1)


def load(split: str, *, trouble: str, train: int, test: int) -> dict[str, np.ndarray]:
    """The planted images, after TROUBLE."""
    meet(f"{trouble}_{split}")
    return planted.load(split, train=train, test=test, rows=30, columns=40)


def meet(trouble: str) -> None:
    """Nothing happens where no file of this name lies. Others learn by NAME.met which job has met it."""
    flag = Path("trouble", trouble)
    if not flag.exists():
        return
    flag.with_suffix(".met").write_text(os.environ.get("SLURM_JOB_ID", ""))
    if trouble == "too_large":  # on every attempt; other trouble comes once
        held = bytearray(LARGE)
        held[::1024] = b"x" * len(held[::1024])
        time.sleep(8)
        return
    flag.unlink()
    if trouble == "fails":
        raise RuntimeError("this job fails once")
    end = time.monotonic() + WAITING
    while time.monotonic() < end and not flag.with_suffix(".go").exists():
        time.sleep(0.2)
