"""What ordering pixels costs, and how the order is stored best.

`python benchmarks/ranking.py [--rounds 5]`, the project on PYTHONPATH. One thread, processor time, medians of rounds
in which all take their turn. First ns per pixel of masking.ranks, of one lexsort by value and tie key (as it was done
before) and of torch's stable argsort with a scatter (ties by place); then bytes per pixel and maps/s of HDF5 filters on
percent levels and on exact ranks, the maps repeated to files of 16 to 25 million pixels: written, read whole, and read
one by one at random places.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import torch

from saliency_benchmark import chunks, masking, ordering

SIZES = {28: 1024, 32: 1024, 224: 24}
KINDS = ("noise", "half zeros", "cells")
CELL = 8
STORED = 25_000_000
FILTERS = {"none": {}, "gzip-1": chunks.COMPRESSION}
try:
    import hdf5plugin

    FILTERS["bitshuffle-lz4"] = dict(hdf5plugin.Bitshuffle(cname="lz4"))
except ImportError:
    pass


def maps_of(kind: str, images: int, side: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(images, side, side)).astype(np.float32)
    if kind == "half zeros":
        return np.where(rng.random(maps.shape) < 0.5, np.float32(0), maps)
    return maps if kind == "noise" else maps[:, ::CELL, ::CELL].repeat(CELL, 1).repeat(CELL, 2)[:, :side, :side].copy()


def lexsorted(maps: np.ndarray, index: np.ndarray) -> np.ndarray:
    flat = maps.reshape(len(maps), -1)
    order = np.lexsort((ordering.tie_keys(index, 0, flat.shape[1]), -flat), axis=1)
    rank = np.empty(flat.shape, np.min_scalar_type(flat.shape[1] - 1))
    np.put_along_axis(rank, order, np.arange(flat.shape[1], dtype=rank.dtype)[None], axis=1)
    return rank.reshape(maps.shape)


def stable(maps: np.ndarray, index: np.ndarray) -> np.ndarray:
    flat = torch.from_numpy(maps).flatten(1)
    order = torch.argsort(flat, dim=1, descending=True, stable=True)
    return torch.empty_like(order).scatter_(1, order, torch.arange(flat.shape[1]).expand_as(order)).numpy()


def seconds(call: Callable, *arguments: object) -> float:
    start = time.process_time()
    call(*arguments)
    return time.process_time() - start


def compare_orders(rounds: int) -> None:
    for side, images in SIZES.items():
        for kind in KINDS:
            maps, index = maps_of(kind, images, side), np.arange(images)
            assert np.array_equal(masking.ranks(maps, index), lexsorted(maps, index))
            times = [[seconds(way, maps, index) for way in (masking.ranks, lexsorted, stable)] for _ in range(rounds)]
            ours, before, torchs = np.median(times, axis=0) / maps.size * 1e9
            print(
                f"{side:4} {kind:10} ours {ours:5.0f} ns  lexsort {before / ours:4.1f} x  torch {torchs / ours:4.1f} x"
            )


def compare_filters(rounds: int) -> None:
    for side, images in SIZES.items():
        for kind in KINDS:
            rank = masking.ranks(maps_of(kind, images, side), np.arange(images))
            level = masking.levels_of(rank, masking.counts(masking.PERCENT, side * side))
            for name, array in {"levels": level, "ranks": rank}.items():
                array = np.tile(array, (max(1, STORED // array.size), 1, 1))
                for label, options in FILTERS.items():
                    size, *rates = np.median([measured(array, options) for _ in range(rounds)], axis=0)
                    told = "  ".join(f"{rate:9.0f}" for rate in rates)
                    print(f"{side:4} {kind:10} {name:6} {label:14} {size:5.2f} B/pixel  {told}")


def measured(array: np.ndarray, options: dict) -> tuple[float, float, float, float]:
    size = chunks.CHUNK_OF_BYTES if array.dtype == np.uint8 else chunks.CHUNK
    chunk = (max(1, size // array[:1].nbytes), *array.shape[1:])
    picks = np.random.default_rng(0).integers(0, len(array), 500)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "array.h5")
        with h5py.File(path, "w") as file:
            written = seconds(lambda: file.create_dataset("a", data=array, chunks=chunk, **options))
            size = file["a"].id.get_storage_size() / array.size
        with h5py.File(path) as file:
            read = seconds(lambda: file["a"][()])
        with h5py.File(path) as file:
            stored = file["a"]
            single = seconds(lambda: [stored[pick] for pick in picks])
    return size, len(array) / written, len(array) / read, len(picks) / single


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    compare_orders(rounds)
    compare_filters(rounds)
