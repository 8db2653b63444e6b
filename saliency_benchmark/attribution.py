"""Feed images to a saliency method, batch by batch, and leave the model as it was."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from saliency_benchmark import artifacts
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.progress import Progress

# Near the working set of a processor's cache at small images; larger is slower there, smaller too.
BATCH = 64
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@contextmanager
def preserved(network: nn.Module) -> Iterator[nn.Module]:
    """NETWORK in evaluation mode; afterwards mode, hooks, requires_grad and gradients are as before, come what may."""
    modules, parameters = list(network.modules()), list(network.parameters())
    modes = [module.training for module in modules]
    hooks = [[dict(getattr(module, name)) for name in HOOKS] for module in modules]
    wanted = [(parameter.requires_grad, parameter.grad) for parameter in parameters]
    for parameter in parameters:
        parameter.grad = None  # a method's own backward pass must not add to what is there
    try:
        yield network.eval()
    finally:
        for module, mode, kept in zip(modules, modes, hooks, strict=True):
            module.training = mode
            for name, entries in zip(HOOKS, kept, strict=True):
                getattr(module, name).clear()
                getattr(module, name).update(entries)
        for parameter, (requires_grad, gradient) in zip(parameters, wanted, strict=True):
            parameter.requires_grad_(requires_grad).grad = gradient


def maps_of(
    attribute: Callable, classifier: Classifier, inputs: torch.Tensor, targets: torch.Tensor, **options: object
) -> torch.Tensor:
    """Maps of one batch: (image, row, column) or (image, channel, row, column), float32, as the method gives them.

    Raises ValueError where the method gives another shape.
    """
    with preserved(classifier.network) as network:
        maps = attribute(network, inputs.clone(), targets, **options).detach().float()
    shapes = [tuple(inputs.shape), (len(inputs), *inputs.shape[2:])]
    if tuple(maps.shape) not in shapes:
        raise ValueError(f"the method gave maps of shape {tuple(maps.shape)}; wanted: {shapes[0]} or {shapes[1]}")
    return maps


def explain(
    attribute: Callable,
    classifier: Classifier,
    images: artifacts.Reader,
    writer: artifacts.Writer,
    *,
    target: str,
    options: dict,
) -> None:
    """One map per image into WRITER. A method that has the parameter `layer` or `regions` is given it."""
    progress = Progress("explaining", len(images))
    wanted = inspect.signature(attribute).parameters
    for block in images.blocks(BATCH):
        inputs = classifier.normalise(block["data"])
        with torch.inference_mode():
            prediction = classifier.network(inputs)
        predicted = prediction.argmax(1)
        targets = predicted.clone() if target == "prediction" else torch.from_numpy(block["label"]).long().to(predicted)
        given = {"layer": classifier.layer, "regions": block.get("region")}
        more = {name: value for name, value in given.items() if name in wanted}
        maps = maps_of(attribute, classifier, inputs, targets, **options, **more)
        writer.append(
            # With a channel axis in any case: viewers take the first of three axes for it.
            attribution=(maps if maps.ndim == 4 else maps[:, None]).cpu().numpy(),
            label=block["label"],
            target=targets.cpu().numpy().astype(np.int32),
            prediction=prediction.cpu().numpy(),
            index=block["index"],
        )
        progress.add(len(inputs))
