"""New maps by the method whose maps are scored: of other images, of other classes, of a changed network."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from saliency_benchmark import attribution, sharing
from saliency_benchmark.classifier import Classifier


@dataclass(frozen=True)
class Explainer:
    """METHOD on CLASSIFIER, explaining OUTPUT; GIVEN is what the workflow hands to methods beside that."""

    method: attribution.Method
    classifier: Classifier
    output: str = "logit"
    given: dict | None = None

    def __call__(self, images: torch.Tensor, targets: torch.Tensor, network: nn.Module | None = None) -> torch.Tensor:
        """Raw signed maps of IMAGES (network input), (image, channel, row, column) or (image, row, column), float32.

        NETWORK: another one in the place of the classifier's own. Nothing is kept, and the network stays as it is.
        """
        classifier = replace(self.classifier, network=network) if network is not None else self.classifier
        with sharing.apart():
            return attribution.maps_of(
                self.method.attribute,
                classifier,
                images,
                targets,
                output=self.output,
                given=self.given,
                **self.method.options,
            )

    def of(self, regions: np.ndarray | None) -> "Explainer":
        """The same for images that have REGIONS."""
        return replace(self, given={**(self.given or {}), "regions": regions})


def explainer(entries: dict, classifier: Classifier, explain: dict, background: np.ndarray | None) -> Explainer | None:
    """The one method in ENTRIES (label -> entry), if any, as the settings EXPLAIN have it.

    BACKGROUND: training images (bytes), where the method asks for some.
    """
    if not entries:
        return None
    ((label, entry),) = entries.items()
    given = {} if background is None else {"background": classifier.normalise(background)}
    return Explainer(attribution.method(label, entry), classifier, explain.get("output", "logit"), given)
