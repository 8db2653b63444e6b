"""Work that several methods share in one job is done once: what a function found is kept while a block lasts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

import torch

_found: ContextVar[dict | None] = ContextVar("found", default=None)


@contextmanager
def shared() -> Iterator[None]:
    """Within, a function marked `once` runs once for the same tensors and arguments."""
    token = _found.set({})
    try:
        yield
    finally:
        _found.reset(token)


@contextmanager
def apart() -> Iterator[None]:
    """Within, nothing is kept: for copies of images, which nobody else will see."""
    token = _found.set(None)
    try:
        yield
    finally:
        _found.reset(token)


def once(function: Callable) -> Callable:
    """FUNCTION, whose result is kept within `shared`. Nobody may change the result in place.

    Tensors and modules count by identity: those of a block live as long as it does. `forget(...)` lets a result go;
    `keep(result, ...)` keeps one that was found on another way.
    """

    def key_of(args: tuple, options: dict) -> tuple:
        return (function, *map(_key, args), *((name, _key(value)) for name, value in sorted(options.items())))

    @wraps(function)
    def remembered(*args: object, **options: object) -> object:
        found = _found.get()
        if found is None:
            return function(*args, **options)
        key = key_of(args, options)
        if key not in found:
            # The arguments are kept too: while they live, nothing else can have their identity.
            found[key] = (function(*args, **options), args, options)
        return found[key][0]

    def forget(*args: object, **options: object) -> None:
        (_found.get() or {}).pop(key_of(args, options), None)

    def keep(result: object, *args: object, **options: object) -> None:
        if (found := _found.get()) is not None:
            found.setdefault(key_of(args, options), (result, args, options))

    remembered.forget, remembered.keep = forget, keep
    return remembered


class Itself:
    """An argument that counts by identity, as a tensor does, and not by what it says of itself."""


def _key(value: object) -> object:
    if isinstance(value, torch.Tensor | torch.nn.Module | dict | Itself) or callable(value):
        return id(value)
    return repr(value)
