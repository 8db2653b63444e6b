"""CAM: feature maps weighted by the class's row of the last linear layer (Zhou et al., 2016, eq. 2); signed.

Only where the logits are that layer's outputs for the mean of the feature maps, or of their positive part, up to 6 or
not (DenseNet rectifies behind the module that gives them; others use one ReLU6 everywhere), or that mean itself
(SqueezeNet: one map per class). Whether they are is seen in the numbers of every batch: sizes that fit do not tell.
"""

import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import perturbing
from saliency_benchmark.explaining import cams

GROUP = "cam"
outputs = cams.outputs
# Share of the largest logit: rounding in half precision stays below.
TOLERANCE = 1e-2
REASON = "the logits are no linear layer of the mean of its last feature map, which CAM rests on; take grad_cam"
OF_LOGITS = "CAM is defined for logits: set `explain.output: logit`, or take grad_cam"


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str, output: str = "logit"
) -> torch.Tensor:
    """Raises ValueError where the network has no CAM."""
    if output != "logit":
        raise ValueError(OF_LOGITS)
    features, _, logits = cams.passed(model, images, targets, layer)
    maps, weights = _head(model, features, logits)
    if weights is None:
        raise ValueError(REASON)
    return cams.draw(cams.weighted(maps, weights[targets], relu=False), images)


def unsuited(model: nn.Module, shape: tuple[int, int, int], *, layer: str, output: str = "logit") -> str | None:
    if output != "logit":
        return OF_LOGITS
    images = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0)).to(next(model.parameters()))
    with torch.no_grad(), perturbing.features_of(model, layer, images) as features:
        logits = model(images)
    return None if _head(model, features[0], logits)[1] is not None else REASON


def _head(model: nn.Module, features: torch.Tensor, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The maps whose mean the logits depend on, and the weights that they do it with, (class, feature), or None."""
    wanted = (logits.shape[1], features.shape[1])
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    heads = [(module.weight.detach(), module.bias) for module in linear if tuple(module.weight.shape) == wanted]
    if wanted[0] == wanted[1]:
        heads.append((torch.eye(wanted[0]).to(features), None))
    for maps in (features, features.relu(), functional.relu6(features)):
        for weights, bias in heads:
            off = (functional.linear(maps.mean((2, 3)), weights, bias) - logits).abs().max()
            if off <= TOLERANCE * logits.abs().max():
                return maps, weights
    return features, None
