"""The IDX format of the MNIST family: a big-endian header (type, axes, lengths), then the array; here gzipped."""

import gzip
import zlib
from pathlib import Path

import numpy as np

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read(path: Path) -> np.ndarray:
    """The array in PATH. Raises ValueError where the file is not IDX, or shorter than its header says."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is not a whole gzip file ({error}): copy it again") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES or len(content) < 4 + 4 * content[3]:
        raise ValueError(f"{path} begins with {content[:4].hex()}, and an IDX file with 0000, a known type, its axes")
    axes, dtype = content[3], np.dtype(TYPES[content[2]])
    shape = np.frombuffer(content, ">i4", axes, 4)
    values = content[4 + 4 * axes :]
    if len(values) != shape.prod() * dtype.itemsize:
        raise ValueError(f"{path} holds {len(values)} bytes, its header promises shape {tuple(shape)}: copy it again")
    return np.frombuffer(values, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def write(path: Path, array: np.ndarray) -> None:
    """ARRAY as gzipped IDX, without a time stamp: the same array, the same bytes."""
    code = next(code for code, dtype in TYPES.items() if np.dtype(dtype).newbyteorder("=") == array.dtype)
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    path.write_bytes(gzip.compress(header + array.astype(TYPES[code]).tobytes(), 9, mtime=0))
