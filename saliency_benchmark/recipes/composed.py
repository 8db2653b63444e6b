"""FP, AP and FL, alone or together: perturbed images, adversarial images, adaptive focal loss (arXiv 2311.17876).

The loss is a sum of weight * l(f(x)) over kinds of images: clean, masked as the faithfulness metrics do, adversarial,
and adversarial to the masked ones. The weights, by the parts:

| parts | clean | masked | adversarial | adversarial_masked |
| --- | --- | --- | --- | --- |
| none | 1 | 0 | 0 | 0 |
| fp | 1 | 1 | 0 | 0 |
| ap | 0 | 0 | 1 | 0 |
| fp, ap | 0 | 0 | 1 | 1 |

fl makes l the adaptive focal loss. A sum, not a mean. Kinds of weight 0 do not pass through the network, except for
what tells the map: the features of the clean images come from a pass in training mode, as that of the loss is.
"""

from collections.abc import Sequence

import torch
from torch import nn

from saliency_benchmark import attack, attribution, fills, grid, layers, losses, perturbing
from saliency_benchmark.classifier import Classifier

CHOICES = {
    "parts": ("fp", "ap", "fl"),
    "criterion": ("cross_entropy", "label_smoothing", "focal", "adaptive_focal", "flsd_53"),
    "weights": ("clean", "masked", "adversarial", "adversarial_masked"),
    "sources": ("dauc", "iauc", "ad", "add"),
    "fill": ("mean", "black", "image_mean", "blur"),
}
KINDS = CHOICES["weights"]


def loss(
    network: nn.Module,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    *,
    generator: torch.Generator,
    classifier: Classifier,
    parts: Sequence[str] = (),
    criterion: str | None = None,
    gamma: float = 3.0,
    smoothing: float = 0.05,
    interpolation: float | None = None,
    weights: dict[str, float] | None = None,
    sources: Sequence[str] = ("dauc", "iauc", "ad", "add"),
    saliency: str | None = None,
    saliency_options: dict | None = None,
    fill: str = "mean",
    radius: float = 1 / 255,
    step: float = 2 / 255,
    steps: int = 4,
    random_start: bool = True,
    pass_masked: bool = False,
) -> torch.Tensor:
    """PARTS of fp, ap, fl; CRITERION another loss than cross entropy, with its GAMMA or SMOOTHING (losses.named).

    INTERPOLATION b in [0, 1]: with fp, (2 - b) l(f(x)) + b l(f(x masked)); WEIGHTS: others than the table's. Masked as
    SOURCES do, over FILL, where SALIENCY says: a method by name with SALIENCY_OPTIONS, or |sum of the last feature
    map|. RADIUS, STEP, STEPS, RANDOM_START: PGD in pixels. PASS_MASKED: masked images pass through the network, so that
    batch norm sees them, even where their weight is 0, as in the authors' code.
    """
    weight = weights_of(parts, interpolation, weights)
    measure = losses.named(_criterion(parts, criterion), gamma, smoothing)
    shown = [kind for kind in KINDS if weight[kind] > 0 or (kind == "masked" and pass_masked)]
    images, logits = {"clean": inputs}, {}
    if {"masked", "adversarial_masked"} & {*shown}:
        if saliency:
            maps = _explained(classifier, inputs, saliency, saliency_options or {})
        else:
            with perturbing.features_of(network, classifier.layer, inputs) as features:
                logits["clean"] = _passed(network, inputs, weight["clean"])
            maps = perturbing.saliency(features[0].detach())
        filled = fills.fill(fill, inputs, classifier.black())
        images["masked"] = perturbing.perturb(inputs, maps, generator, sources=sources, filled=filled)
    ball = {"radius": radius, "step": step, "steps": steps, "random_start": random_start}
    for name, kind in (("adversarial", "clean"), ("adversarial_masked", "masked")):
        if name in shown:
            images[name] = attack.pgd(classifier, images[kind], labels, generator, **ball)
    for kind in shown:
        logits[kind] = logits[kind] if kind in logits else _passed(network, images[kind], weight[kind])
    return sum(weight[kind] * measure(logits[kind], labels) for kind in shown if weight[kind] > 0)


def stackable(
    *,
    parts: Sequence[str] = (),
    interpolation: float | None = None,
    weights: dict[str, float] | None = None,
    pass_masked: bool = False,
    **others: object,
) -> bool:
    """Only where clean images alone pass through the network."""
    weight = weights_of(parts, interpolation, weights)
    return not pass_masked and not any(weight[kind] for kind in KINDS if kind != "clean")


def _passed(network: nn.Module, images: torch.Tensor, weight: float) -> torch.Tensor:
    with torch.set_grad_enabled(weight > 0):
        return network(images)


def weights_of(
    parts: Sequence[str], interpolation: float | None = None, weights: dict[str, float] | None = None
) -> dict[str, float]:
    """The weight of each of KINDS. Raises ValueError where the options contradict each other, or nothing weighs."""
    first, second = ("adversarial", "adversarial_masked") if "ap" in parts else ("clean", "masked")
    found = dict.fromkeys(KINDS, 0.0) | {first: 1.0} | ({second: 1.0} if "fp" in parts else {})
    if interpolation is not None:
        if "fp" not in parts or weights or not 0 <= interpolation <= 1:
            told = f"interpolation is {interpolation}, parts are {list(parts)}, weights {weights}"
            raise ValueError(f"{told}; wanted: a number in [0, 1], with fp among the parts, without weights")
        found |= {first: 2.0 - interpolation, second: float(interpolation)}
    found |= weights or {}
    if unknown := found.keys() - {*KINDS}:
        raise ValueError(f"no images called {', '.join(sorted(unknown))}; weights are of: {', '.join(KINDS)}")
    if min(found.values()) < 0 or max(found.values()) == 0:
        raise ValueError(f"the weights are {found}; wanted: none below 0, one above")
    return found


def _criterion(parts: Sequence[str], criterion: str | None) -> str:
    if "fl" in parts and criterion not in (None, "adaptive_focal"):
        raise ValueError(f"fl is the adaptive focal loss, and criterion is {criterion!r}: keep one of them")
    return criterion or ("adaptive_focal" if "fl" in parts else "cross_entropy")


def _explained(classifier: Classifier, inputs: torch.Tensor, saliency: str, options: dict) -> torch.Tensor:
    """Maps of the predicted classes by the current weights, (image, row, column) of the last feature map's cells."""
    method = attribution.method(saliency, {"options": options})
    size = layers.layout(classifier.network, classifier.layer, inputs).grid
    with attribution.explained(classifier, "logit") as network, torch.no_grad():
        targets = network(inputs).argmax(1)
    given = {"background": inputs}
    maps = attribution.maps_of(method.attribute, classifier, inputs, targets, given=given, **options)
    whole = maps.sum(1) if maps.ndim == 4 else maps
    return grid.pool(whole.double(), size).float().unflatten(1, size)
