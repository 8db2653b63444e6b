"""Call a registry's function with what it asks for by its parameters' names."""

import inspect
from collections.abc import Callable


def call(function: Callable, *args: object, given: dict, options: dict) -> object:
    """FUNCTION(*ARGS, **OPTIONS), and of GIVEN what it has parameters for; `given` itself is the whole of it.

    A parameter that GIVEN has no value for (None) keeps its default; an option comes before what is given.
    """
    return function(*args, **{**asked(function, {**given, "given": given}), **options})


def part(function: Callable, *args: object, given: dict, options: dict) -> object:
    """As `call`, for a function beside the main one: it takes of OPTIONS too only what it has parameters for."""
    return call(function, *args, given=given, options=asked(function, options))


def asked(function: Callable, values: dict) -> dict:
    """Those of VALUES that FUNCTION has a parameter for, and that are not None."""
    wanted = inspect.signature(function).parameters
    return {name: value for name, value in values.items() if name in wanted and value is not None}
