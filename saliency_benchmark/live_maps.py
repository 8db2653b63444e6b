"""The maps of a method as functions of a classifier's weights."""

import torch
from torch import nn

from saliency_benchmark import attribution, calling, registry
from saliency_benchmark.accumulation import Parts
from saliency_benchmark.aligning import Explainer
from saliency_benchmark.classifier import Classifier


def explainer(method: dict[str, dict], classifier: Classifier) -> Explainer:
    """Parts of the map of METHOD (label -> entry) for a batch; without a method there is no map, and no parts."""
    given = attribution.provided(classifier, "logit")

    def explain(network: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> Parts:
        found = []
        for label, entry in method.items():
            live = registry.load("methods", label, entry).live
            found += calling.call(live, network, inputs, targets, given=given, options=entry["options"])
        return found

    return explain
