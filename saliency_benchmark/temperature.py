"""Temperature scaling: one number that divides all logits, fitted on validation images (Guo et al., 2017).

No prediction changes; probabilities do, and maps of logits by the same factor. The number is put into the last layer's
weights, so that whoever reads the network reads scaled logits, and no module stands around it.
"""

import torch
from torch import nn

from saliency_benchmark import training
from saliency_benchmark.progress import LOGGER
from saliency_benchmark.training import Source

LIMITS = (0.01, 100.0)
HEADS = (nn.Linear, nn.Conv2d)
# Largest difference of a log probability that rounding explains, as a share of the largest.
ROUNDING = 1e-4


def scale(source: Source) -> float:
    """Fit the temperature on SOURCE and put it into its network; gives it.

    Raises ValueError where the logits are not what the last linear or convolutional layer gives.
    """
    logits = training.logits(source).clone()  # tensors of inference mode cannot be worked with elsewhere
    found = fitted(logits, source.labels)
    network = source.classifier.network
    head = _last_layer(network, source.inputs(slice(0, 1)))
    if head is not None:
        _divide(head, found)
        wanted, given = (values.double().log_softmax(1) for values in (logits / found, training.logits(source)))
        if (wanted - given).abs().max() <= ROUNDING * wanted.abs().max().clamp_min(1):
            return found
        _divide(head, 1 / found)
    raise ValueError("no last layer of this model scales its logits: set training.temperature to false")


def fitted(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature T of the lowest mean cross entropy of LOGITS / T, by Newton steps within a bracket; LIMITS.

    logits (image, class), labels (image). The cross entropy is convex in 1 / T. 1, with a warning, where no T within
    the limits is best: all images right, or no better than chance.
    """
    logits, labels = logits.detach().cpu().double(), labels.detach().cpu()
    low, high = 1 / LIMITS[1], 1 / LIMITS[0]
    if _slopes(logits, labels, low)[0] >= 0 or _slopes(logits, labels, high)[0] <= 0:
        LOGGER.warning("no temperature between %s and %s is best on the validation images: 1 is taken", *LIMITS)
        return 1.0
    inverse = 1.0
    for _ in range(100):
        first, second = _slopes(logits, labels, inverse)
        low, high = (low, inverse) if first > 0 else (inverse, high)
        newton = inverse - first / second if second > 0 else low
        following = newton if low < newton < high else (low + high) / 2
        if abs(following - inverse) <= 1e-12 * inverse:
            break
        inverse = following
    return 1 / inverse


def _slopes(logits: torch.Tensor, labels: torch.Tensor, inverse: float) -> tuple[float, float]:
    """First and second derivative of the mean cross entropy of INVERSE * LOGITS by INVERSE: mean and variance of p."""
    likely = (inverse * logits).softmax(1)
    mean = (likely * logits).sum(1)
    spread = (likely * (logits - mean[:, None]) ** 2).sum(1)
    return (mean - logits.gather(1, labels[:, None])[:, 0]).mean().item(), spread.mean().item()


@torch.no_grad()
def _divide(layer: nn.Module, temperature: float) -> None:
    for values in layer.parameters(recurse=False):
        values.div_(temperature)


def _last_layer(network: nn.Module, inputs: torch.Tensor) -> nn.Module | None:
    """The linear or convolutional layer that is called last."""
    called: list[nn.Module] = []
    heads = [module for module in network.modules() if isinstance(module, HEADS)]
    handles = [module.register_forward_hook(lambda module, *_: called.append(module)) for module in heads]
    try:
        with torch.no_grad():
            network(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return called[-1] if called else None
