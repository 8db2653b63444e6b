"""How arrays lie in a file: in which chunks, and which of them compressed."""

import numpy as np

# Bytes in a chunk, uncompressed: bulk reads are fast, and one image costs at most one chunk (benchmarks/storage.py).
CHUNK = 256 * 1024
# The same where an entry is a byte (images, levels), which are read one by one in any order (benchmarks/ranking.py).
CHUNK_OF_BYTES = 64 * 1024
# Measured (benchmarks/storage.py): gzip makes masks and ranks 0.05 to 0.65 of their size, and is faster than what reads
# them; float maps and photos hardly shrink (0.83 to 0.95) and would be written 20 to 50 times slower.
COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


def layout(block: np.ndarray) -> dict:
    """Chunks and compression of an array that begins with BLOCK, as h5py's keyword arguments."""
    row = max(1, block[:1].nbytes)
    # A small array is one chunk of its own length: chunks are allocated whole.
    wanted = CHUNK_OF_BYTES if block.dtype == np.uint8 else CHUNK
    chunk = (max(1, min(wanted // row, max(len(block), 1024))), *block.shape[1:])
    small = block.dtype == bool or (block.dtype.kind == "u" and block.dtype.itemsize > 1)
    return {"chunks": chunk, **(COMPRESSION if block.ndim > 1 and small else {})}


def rows(first: np.ndarray) -> int:
    """Entries like FIRST to read at a time where there are no chunks."""
    return max(1, 64 * CHUNK // max(1, first.nbytes))
