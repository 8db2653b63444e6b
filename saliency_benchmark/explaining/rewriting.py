"""Rules for the calls of a forward pass: every torch function is seen, in modules, reused modules and plain code.

A rule stands under a function's name ("relu" is `nn.ReLU`, `functional.relu`, `torch.relu` and `Tensor.relu`). Hooks
on modules would miss functional calls and mix up the calls of a module that is used twice.
"""

from collections.abc import Callable

from torch.overrides import TorchFunctionMode

RELUS = ("relu", "relu_", "relu6", "hardtanh", "hardtanh_")


class Rewriting(TorchFunctionMode):
    """While active, a call whose function's name is in RULES is answered by the rule: rule(function, *args, **kwargs).

    A rule's own calls are not rewritten, unless it says `with mode:`.
    """

    def __init__(self, rules: dict[str, Callable]) -> None:
        super().__init__()
        self.rules = rules

    def __torch_function__(self, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None):
        rule = self.rules.get(getattr(function, "__name__", ""))
        return function(*args, **(kwargs or {})) if rule is None else rule(function, *args, **(kwargs or {}))
