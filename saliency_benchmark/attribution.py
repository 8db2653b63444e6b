"""Feed images to saliency methods, batch by batch, and leave the model as it was."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from saliency_benchmark import artifacts, batching, calling, gradients, pieces, registry, sharing, windows
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.preserving import preserved
from saliency_benchmark.progress import Progress


@dataclass(frozen=True)
class Method:
    """A method with its options, and what its module may have beside `attribute` (methods/__init__.py)."""

    attribute: Callable
    options: dict = field(default_factory=dict)
    total: Callable | None = None
    unsuited: Callable | None = None
    outputs: Callable | None = None


def method(label: str, entry: dict) -> Method:
    """The method behind the settings' ENTRY called LABEL."""
    module = registry.load("methods", label, entry)
    optional = (getattr(module, name, None) for name in ("total", "unsuited", "outputs"))
    return Method(module.attribute, entry.get("options", {}), *optional)


def methods(entries: dict[str, dict]) -> dict[str, Method]:
    return {label: method(label, entry) for label, entry in entries.items()}


def choices(settings: dict) -> dict:
    """The settings `explain` of a job as keyword arguments of `explain`."""
    return {name: settings[name] for name in ("target", "output", "rows") if name in settings}


@contextmanager
def explained(classifier: Classifier, output: str) -> Iterator[nn.Module]:
    """The network as methods see it: preserved, and giving what is explained: OUTPUT, logit or probability."""
    with preserved(classifier.network) as network:
        if output == "probability":
            network.register_forward_hook(lambda module, inputs, logits: logits.softmax(1))
        yield network


def maps_of(
    attribute: Callable,
    classifier: Classifier,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    *,
    output: str = "logit",
    given: dict | None = None,
    **options: object,
) -> torch.Tensor:
    """Maps of one batch: (image, row, column) or (image, channel, row, column), float32, as the method gives them.

    GIVEN: what the workflow hands to methods that ask for it. Raises ValueError where the method gives another shape.
    """
    given = provided(classifier, output) | (given or {})
    with explained(classifier, output) as network:
        return _maps(Method(attribute, options), network, inputs.clone(), targets, given)


def provided(classifier: Classifier, output: str) -> dict:
    """What a method may ask for by a parameter's name, whatever the images."""
    colours = {"black": classifier.black(), "white": classifier.white()}
    return {"layer": classifier.layer, "output": output, "background": None, "regions": None, **colours}


def explain(
    methods: dict[str, Method],
    classifier: Classifier,
    images: artifacts.Reader,
    writers: dict[str, artifacts.Writer],
    *,
    target: str | int = "prediction",
    output: str = "logit",
    rows: int | None = None,
    background: np.ndarray | None = None,
    part: Sequence[int] | None = None,
) -> None:
    """One map per image by each of METHODS, into the writer of its name; work that they share is done once.

    TARGET: prediction, label, or a class; ROWS: images x steps at a time, found by itself if None; BACKGROUND: training
    images (bytes) for methods that ask for them; PART: the first image and the one after the last, all if None. Raises
    ValueError where a method cannot work on this network.
    """
    images = windows.part(images, part)
    shape, progress = tuple(images["data"].shape[1:]), Progress("explaining", len(images))
    given = provided(classifier, output)
    if background is not None:
        given["background"] = classifier.normalise(background)
    with preserved(classifier.network) as network:
        refuse_unsuited(methods, network, shape, given)
    keeper = pieces.Keeper(writers)
    progress.skip(keeper.done)
    walk = batching.Walk(len(images), rows or batching.automatic(classifier.network, shape), keeper.done)

    def work(place: slice) -> None:
        block = {name: images[name][place] for name in images.names()}
        found = _explain_block(methods, classifier, block, target, given)
        for label, arrays in found.items():
            writers[label].append(**arrays)
        keeper.look()
        progress.add(len(block["label"]))

    walk.over(work)


def refuse_unsuited(methods: dict[str, Method], network: nn.Module, shape: tuple[int, int, int], given: dict) -> None:
    """Raise ValueError where one of METHODS says that it cannot explain NETWORK, with its reason."""
    for label, one in methods.items():
        if one.unsuited and (reason := _asked(one.unsuited, one, given, network, shape)):
            raise ValueError(f"{label} cannot explain this model: {reason}")


def _explain_block(
    methods: dict[str, Method], classifier: Classifier, block: artifacts.Arrays, target: str | int, given: dict
) -> dict[str, artifacts.Arrays]:
    inputs, given, arrays = classifier.normalise(block["data"]), given | {"regions": block.get("region")}, {}
    with sharing.shared():
        prediction = _prediction(methods, classifier, inputs, given)
        targets = targets_of(target, prediction, block["label"])
        about = {
            "label": block["label"],
            "target": targets.cpu().numpy().astype(np.int32),
            "prediction": prediction.cpu().numpy(),
            "index": block["index"],
        }
        with explained(classifier, given["output"]) as network:
            for label, one in methods.items():
                maps = _maps(one, network, inputs, targets, given)
                total = one.total and _asked(one.total, one, given, network, inputs, targets)
                # With a channel axis in any case: viewers take the first of three axes for it.
                values = (maps if maps.ndim == 4 else maps[:, None]).cpu().numpy()
                arrays[label] = {"attribution": values, **about, **quality(values, total)}
    return arrays


def _asked(function: Callable, one: Method, given: dict, *args: object) -> object:
    return calling.part(function, *args, given=given, options=one.options)


def _prediction(methods: dict[str, Method], classifier: Classifier, inputs: torch.Tensor, given: dict) -> torch.Tensor:
    """The logits: from a pass that one of METHODS needs anyway, or from one of their own."""
    with preserved(classifier.network) as network:
        for one in methods.values() if given["output"] == "logit" else ():
            if one.outputs:
                return _asked(one.outputs, one, given, network, inputs)
        if given["output"] == "logit":
            return gradients.plain(network, inputs)
        with torch.no_grad():
            return network(inputs)  # not kept: methods see this network give probabilities


def targets_of(target: str | int, prediction: torch.Tensor, label: np.ndarray) -> torch.Tensor:
    """The classes explained, (image). Raises ValueError where a class is none of the network's."""
    if target == "prediction":
        return prediction.argmax(1).clone()
    wanted = torch.from_numpy(np.asarray(label if target == "label" else np.full(len(label), target))).long()
    if wanted.max() >= prediction.shape[1]:
        found = f"class {int(wanted.max())} of a network with the classes 0 to {prediction.shape[1] - 1}"
        raise ValueError(f"cannot explain {found}: set explain.target to one of them")
    return wanted.to(prediction.device)


def _maps(one: Method, network: nn.Module, inputs: torch.Tensor, targets: torch.Tensor, given: dict) -> torch.Tensor:
    version = inputs._version
    maps = calling.call(one.attribute, network, inputs, targets, given=given, options=one.options).detach().float()
    if inputs._version != version:
        raise ValueError("the method changed its images in place: let it work on a copy (images.clone())")
    shapes = [tuple(inputs.shape), (len(inputs), *inputs.shape[2:])]
    if tuple(maps.shape) not in shapes:
        raise ValueError(f"the method gave maps of shape {tuple(maps.shape)}; wanted: {shapes[0]} or {shapes[1]}")
    return maps


def quality(maps: np.ndarray, total: torch.Tensor | None) -> artifacts.Arrays:
    """What tells a sound map from a broken one, (image) each; numbers that are not finite count in `invalid` alone.

    `sum`; `positive_share` and `zero_share` of the finite entries; `invalid`, a count; `completeness_gap`: sum - TOTAL,
    or NaN where the method promises no total.
    """
    flat = maps.reshape(len(maps), -1).astype(np.float64)
    finite = np.isfinite(flat)
    whole, number = np.where(finite, flat, 0), np.maximum(finite.sum(1), 1)
    summed = whole.sum(1)
    promised = np.full(len(maps), np.nan) if total is None else total.detach().double().cpu().numpy()
    return {
        "sum": summed,
        "positive_share": (whole > 0).sum(1) / number,
        "zero_share": ((whole == 0) & finite).sum(1) / number,
        "invalid": (~finite).sum(1).astype(np.int32),
        "completeness_gap": summed - promised,
    }
