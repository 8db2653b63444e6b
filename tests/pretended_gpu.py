"""A GPU that is not there: tensors know where they would live, and calls that a real one refuses raise.

`python -m tests.pretended_gpu` trains, explains, probes, retrains and fine-tunes on it. It computes on the processor;
what it finds are tensors of two devices in one call, numpy asked for what is on the GPU, generators of the wrong
device, and, where determinism is asked for, the operations that torch documents to have no deterministic kernel there
(torch.use_deterministic_algorithms), unless we registered one. A tensor whose place is not known, as what autograd
hands over, may be anywhere.
"""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

GPU, PROCESSOR = torch.device("cuda", 0), torch.device("cpu")
# Calls that may mix devices: what they give lives where their first argument does.
ACROSS = ("copy_", "set_", "__deepcopy__", "_has_compatible_shallow_copy_type")
INDEXED = ("__getitem__", "__setitem__", "index_put_", "index_put")
FACTORIES = ("zeros", "ones", "empty", "full", "rand", "randn", "randint", "randperm", "arange", "linspace", "eye",
             "scalar_tensor", "empty_strided", "from_numpy", "frombuffer")  # fmt: skip
# Never deterministic on a GPU; not where a gradient is wanted; the same, unless a kernel of ours is there.
NEVER = ("put_", "histc", "max_unpool1d", "max_unpool2d", "max_unpool3d")
NOT_BACKWARDS = ("avg_pool3d", "adaptive_avg_pool3d", "adaptive_max_pool2d", "fractional_max_pool2d", "ctc_loss",
                 "fractional_max_pool3d", "grid_sample")  # fmt: skip
OURS = {"adaptive_avg_pool2d": "_adaptive_avg_pool2d_backward", "interpolate": "_upsample_bilinear2d_aa_backward"}
CONVERSIONS = ("from_numpy", "frombuffer", "as_tensor", "tensor")  # torch does not show these to a mode
MEMORY = 80 * 2**30


class Pretended(TorchFunctionMode):
    """While active, every tensor function is seen, and what it gives is told where it lives."""

    def __torch_function__(self, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None):
        kwargs, name = dict(kwargs or {}), getattr(function, "__name__", "")
        if name in ("__get__", "__set__"):
            return _attribute(function, name, args)
        if name in ("to", "cuda", "cpu"):
            return _moved(function, name, args, kwargs)
        if name in ("numpy", "__array__") and place(args[0]) == GPU:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        device = kwargs.pop("device", None)
        if device is not None and torch.device(device).type == "meta":
            return function(*args, device=device, **kwargs)
        wanted = None if device is None else _place(device)
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        if wanted is None and name in FACTORIES:
            wanted = PROCESSOR
        if wanted is None:
            wanted = _common(name, args, tensors)
        _generators(name, (args, kwargs), wanted)
        if wanted == GPU and torch.are_deterministic_algorithms_enabled():
            _deterministic(name, args, kwargs)
        return told(function(*args, **kwargs), wanted)


def place(tensor: torch.Tensor) -> torch.device | None:
    """Where TENSOR lives, or None if that is not known. A parameter is made on the processor."""
    found = getattr(tensor, "_pretended", None)
    return PROCESSOR if found is None and isinstance(tensor, torch.nn.Parameter) else found


def told(found: object, where: torch.device | None) -> object:
    """FOUND, whose tensors know that they live WHERE."""

    def tell(value: object) -> object:
        if isinstance(value, torch.Tensor) and where is not None:
            value._pretended = where
        return value

    tree_map(tell, found)
    return found


def install() -> None:
    """From here on there is a GPU. CUDA graphs cannot be recorded on it."""
    for name in CONVERSIONS:
        setattr(torch, name, _converting(getattr(torch, name)))
    one = {
        "is_available": lambda: True,
        "get_device_name": lambda *device: "pretended",
        "get_device_properties": lambda *device: SimpleNamespace(total_memory=MEMORY),
        "empty_cache": lambda: None,
        "get_rng_state": lambda *device: torch.zeros(16, dtype=torch.uint8),
        "set_rng_state": lambda *state: None,
        "Stream": _Stream, "current_stream": _Stream, "stream": _Stream, "CUDAGraph": object, "graph": _refused,
    }  # fmt: skip
    for name, value in one.items():
        setattr(torch.cuda, name, value)
    torch.nn.Parameter.__deepcopy__ = _copying(torch.nn.Parameter.__deepcopy__)
    Pretended().__enter__()


class _Stream:
    def __init__(self, *of: object) -> None:
        pass

    def wait_stream(self, other: object) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


def _refused(*graph: object) -> None:
    raise RuntimeError("no graphs on a pretended GPU")


def _place(device: object) -> torch.device:
    return GPU if torch.device(device).type == "cuda" else PROCESSOR


def _converting(function: Callable) -> Callable:
    def convert(*args: object, **kwargs: object) -> torch.Tensor:
        found = function(*args, **kwargs)
        return found if place(found) else told(found, PROCESSOR)

    return convert


def _copying(function: Callable) -> Callable:
    return lambda parameter, memory: told(function(parameter, memory), place(parameter))


def _attribute(function: Callable, name: str, args: tuple) -> object:
    """An attribute of a tensor: its device is the pretended one, and what belongs to it lives where it does."""
    of = getattr(function.__self__, "__name__", "")
    where = place(args[0])
    if name == "__get__" and of in ("device", "is_cuda", "is_cpu"):
        real = function(*args)
        here = {"device": where or GPU, "is_cuda": where != PROCESSOR, "is_cpu": where == PROCESSOR}[of]
        return real if args[0].is_meta else here
    found = function(*args)
    if name == "__set__":
        return told(found, None) if of != "data" or place(args[1]) is None else told(args[0], place(args[1]))
    return told(found, where)


def _moved(function: Callable, name: str, args: tuple, kwargs: dict) -> torch.Tensor:
    """`to`, `cuda` and `cpu`: a copy where the device is another one."""
    before, where, others = place(args[0]), {"cuda": GPU, "cpu": PROCESSOR}.get(name), []
    for each in [*args[1:], *([kwargs.pop("device")] if "device" in kwargs else [])]:
        if isinstance(each, torch.device | str):
            where = _place(each)
        elif isinstance(each, torch.Tensor):
            where = place(each)
            others.append(each.dtype)
        elif isinstance(each, torch.dtype):
            others.append(each)
    kwargs.pop("non_blocking", None)
    found = function(args[0], *others, **kwargs) if name == "to" and (others or kwargs) else args[0]
    where = where or before
    if found is args[0]:
        return found if where == before else told(found.clone(), where)
    return told(found, where)


def _common(name: str, args: tuple, tensors: list[torch.Tensor]) -> torch.device | None:
    """Where the arguments live. Raises RuntimeError where that is two places; a number may come from either."""
    if name in ACROSS:
        return place(args[0])
    if name in INDEXED and place(args[0]) == GPU:
        return GPU
    places = {place(each) for each in tensors if each.ndim} - {None}
    if len(places) > 1:
        shapes = [(str(place(each)), tuple(each.shape)) for each in tensors]
        raise RuntimeError(f"{name}: expected all tensors to be on the same device, found {shapes}")
    return places.pop() if places else place(tensors[0]) if tensors else PROCESSOR


def _generators(name: str, given: object, where: torch.device | None) -> None:
    """Raises RuntimeError where a generator, all of which are the processor's here, draws on the GPU."""
    if where == GPU and any(isinstance(each, torch.Generator) for each in tree_leaves(given)):
        raise RuntimeError(f"{name}: expected a 'cuda' device type for generator but found 'cpu'")


def _deterministic(name: str, args: tuple, kwargs: dict) -> None:
    """Raises RuntimeError where the GPU has no deterministic kernel for NAME."""
    first = args[0] if args else None
    if not isinstance(first, torch.Tensor):
        return
    backwards = first.requires_grad and torch.is_grad_enabled()
    mode = kwargs.get("mode", "")
    missing = name in NEVER or (backwards and name in NOT_BACKWARDS)
    missing |= name in ("cumsum", "cumsum_") and first.is_floating_point()
    missing |= name in ("median", "nanmedian") and len(args) + len(kwargs) > 1
    missing |= name == "bincount" and len(args) + len(kwargs) > 1 and "weights" in kwargs
    missing |= name == "pad" and backwards and "reflect" in (mode, *args[2:])
    # Both to one cell and without antialiasing torch has other ways.
    if backwards and name == "adaptive_avg_pool2d" and args[1] not in (1, (1, 1), [1, 1]):
        missing |= not _registered(name)
    if backwards and name == "interpolate":
        missing |= mode == "bicubic" or (bool(kwargs.get("antialias")) and not _registered(name))
    if missing:
        raise RuntimeError(f"{name}: no deterministic kernel on a GPU")


def _registered(name: str) -> bool:
    return torch._C._dispatch_has_kernel_for_dispatch_key(f"aten::{OURS[name]}", "CUDA")
