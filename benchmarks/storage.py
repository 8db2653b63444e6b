"""How maps, ranks and images are stored best: bytes and rates of HDF5 filters on the files of a finished run.

`python benchmarks/storage.py results` after `make run`. Each line: size as a share of the raw bytes, and write,
bulk read and random single read in images/s (median of five rounds, filters in turn in every round).
"""

import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

FILTERS = {
    "none": {},
    "lzf": {"compression": "lzf", "shuffle": True},
    "gzip-1": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
    "gzip-4": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
}
ROUNDS = 5
IMAGES = 2000
CHUNK = 256 * 1024


def main(results: Path) -> None:
    found = {
        "images": ("*/images/train.h5", "data"),
        "regions": ("*/images/train.h5", "region"),
        "ranks": ("*/*/*/*/ranks/*/*/train.h5", "level"),
        "maps": ("*/*/*/*/maps/*/train.h5", "attribution"),
    }
    for kind, (pattern, name) in found.items():
        for path in sorted(results.glob(pattern)):
            with h5py.File(path) as file:
                if name in file:
                    compare(f"{kind} {path.parent.name}", file[name][:IMAGES])


def compare(title: str, array: np.ndarray) -> None:
    rounds = [{label: measure(array, options) for label, options in FILTERS.items()} for _ in range(ROUNDS)]
    print(f"{title} {array.dtype} {array.shape[1:]}")
    for label in FILTERS:
        size, *rates = np.median([one[label] for one in rounds], axis=0)
        print(f"  {label:7} {size:6.2f}  " + "  ".join(f"{rate:9.0f}" for rate in rates))


def measure(array: np.ndarray, options: dict) -> tuple[float, float, float, float]:
    chunk = (max(1, CHUNK // array[:1].nbytes), *array.shape[1:])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "array.h5")
        start = time.perf_counter()
        with h5py.File(path, "w") as file:
            file.create_dataset("a", data=array, chunks=chunk, **options)
        written = time.perf_counter()
        with h5py.File(path) as file:
            file["a"][()]
        read = time.perf_counter()
        picks = np.random.default_rng(0).integers(0, len(array), 50)
        with h5py.File(path) as file:
            for pick in picks:
                file["a"][pick]
        single = time.perf_counter()
        share = path.stat().st_size / array.nbytes
    return share, len(array) / (written - start), len(array) / (read - written), len(picks) / (single - read)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
