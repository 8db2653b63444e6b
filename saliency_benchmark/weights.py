"""A file of weights -> the network that they are for: read without running code, and nothing left out silently.

The file is a user's, or a model that this workflow trained.
"""

import json
import pickle
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn

from saliency_benchmark import artifacts
from saliency_benchmark.progress import LOGGER
from saliency_benchmark.resizing import Resized

# Names under which training scripts put the weights beside other things.
NESTS = ("state_dict", "model_state_dict", "model")
WANTED = "is no file of weights; wanted: torch.save(network.state_dict(), path), or .safetensors"
# What torch.nn.DataParallel puts before every name.
PARALLEL = "module."
# Of the safetensors format (github.com/huggingface/safetensors, README).
TYPES = {
    **{"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16},
    **{"I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8},
    "BOOL": torch.bool,
}

State = dict[str, torch.Tensor]


def read(path: str | Path) -> State:
    """The weights by name in PATH: .safetensors, or what torch.save made of a state dict, alone or in a dict with more.

    Or those of a model of this workflow (.h5), as its network behind a resize names them. Raises ValueError where there
    is none.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}")
    if path.suffix == ".h5":
        return _trained(path)
    try:
        state = _safetensors(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path.name} {WANTED} ({told})") from error
    for nest in NESTS:
        if isinstance(state, dict) and isinstance(state.get(nest), dict):
            state = state[nest]
    if not isinstance(state, dict) or not state or not all(map(_is_weight, state.items())):
        raise ValueError(f"{path.name} {WANTED} (it holds: {_held(state)})")
    if all(name.startswith(PARALLEL) for name in state):
        state = {name.removeprefix(PARALLEL): value for name, value in state.items()}
    return state


def put(path: str | Path, network: nn.Module, classes: int | None = None) -> None:
    """Give NETWORK the weights in PATH; the network behind a resize has the names of before.

    CLASSES: a last layer made for another number of classes stays as it is, which is logged. Raises ValueError where
    names or shapes differ otherwise.
    """
    network = network.network if isinstance(network, Resized) else network
    own, state = network.state_dict(), read(path)
    other = [name for name in own.keys() & state.keys() if own[name].shape != state[name].shape]
    if classes is not None and _is_head(other, own, state, classes):
        LOGGER.info("%s: %s left random, since the classes differ", Path(path).name, ", ".join(sorted(other)))
        layer = other[0].rpartition(".")[0]
        # What the file has of that layer and the network has not, a bias, goes with it.
        state = {name: value for name, value in state.items() if name in own or name.rpartition(".")[0] != layer}
        state, other = state | {name: own[name] for name in other}, []
    faults = [
        # Files of old versions of torch do not count batches.
        ("it lacks", [name for name in own if name not in state and not name.endswith("num_batches_tracked")]),
        ("the network has no", [name for name in state if name not in own]),
        ("of another shape", [f"{name} {_shape(state[name])}, network {_shape(own[name])}" for name in sorted(other)]),
    ]
    told = "; ".join(f"{fault} {_few(names)}" for fault, names in faults if names)
    if told:
        hint = "Is the file of this model, with these options and this number of channels?"
        raise ValueError(f"{Path(path).name} does not fit the network: {told}. {hint}")
    network.load_state_dict(own | state)


def normalisation(path: str | Path) -> dict:
    """What stood before the network in PATH, as part of a model's entry, where this workflow trained it; else {}."""
    if Path(path).suffix != ".h5":
        return {}
    arrays = artifacts.read(path, artifacts.MODEL)
    return {"normalisation": {name: arrays[name].tolist() for name in ("mean", "deviation")}}


def _trained(path: Path) -> State:
    """A number by itself is stored as an array of one."""
    arrays, start = artifacts.read(path, artifacts.MODEL), len("weights.")
    if artifacts.facts(path, artifacts.MODEL)["entry"].get("size"):
        start += len("network.")
    state = {name: torch.from_numpy(value) for name, value in arrays.items() if name.startswith("weights.")}
    return {name[start:]: value[0] if name.endswith("num_batches_tracked") else value for name, value in state.items()}


def _is_weight(item: tuple[object, object]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], torch.Tensor)


def _is_head(names: list[str], own: State, state: State, classes: int) -> bool:
    """Do NAMES, of one module, differ in their first axis only, which has the length CLASSES here?"""
    shapes = [(own[name].shape, state[name].shape) for name in names]
    alike = all(mine[:1] == (classes,) and mine[1:] == other[1:] for mine, other in shapes)
    return alike and len({name.rpartition(".")[0] for name in names}) == 1


def _safetensors(path: Path) -> State:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            raise ValueError("it has no header")
        header = json.loads(file.read(length))
        values = bytearray(file.read())
    header.pop("__metadata__", None)
    return {name: _tensor(values, **about) for name, about in header.items()}


def _tensor(values: bytearray, dtype: str, shape: list[int], data_offsets: list[int]) -> torch.Tensor:
    start, stop = data_offsets
    if start == stop:
        return torch.zeros(shape, dtype=TYPES[dtype])
    return torch.frombuffer(values[start:stop], dtype=TYPES[dtype]).reshape(shape)


def _shape(value: torch.Tensor) -> str:
    return "x".join(map(str, value.shape)) or "scalar"


def _few(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _held(state: object) -> str:
    return _few([str(name) for name in state]) or "nothing" if isinstance(state, Iterable) else type(state).__name__
