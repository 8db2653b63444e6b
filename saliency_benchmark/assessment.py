"""The model itself: accuracy and calibration on clean, masked and adversarial test images."""

import numpy as np
import torch

from saliency_benchmark import attack, calibration, noise, perturbing
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.progress import Progress

BATCH = 256


def assess(classifier: Classifier, images: np.ndarray, labels: np.ndarray, seed: int) -> list[dict]:
    """One row per kind of input: clean; masked as the FP recipe masks; adversarial by PGD."""
    outputs: dict[str, list[torch.Tensor]] = {"clean": [], "masked": [], "adversarial": []}
    generator, progress = noise.generator("assessment", seed), Progress("assessing", len(images))
    for start in range(0, len(images), BATCH):
        inputs = classifier.normalise(images[start : start + BATCH])
        truth = torch.from_numpy(labels[start : start + BATCH]).long().to(inputs.device)
        with torch.no_grad(), perturbing.features_of(classifier.network, classifier.layer, inputs) as features:
            outputs["clean"].append(classifier.network(inputs))
            outputs["masked"].append(classifier.network(perturbing.draw(inputs, features[0], generator)))
        adversarial = attack.pgd(classifier, inputs, truth, generator)
        with torch.no_grad():
            outputs["adversarial"].append(classifier.network(adversarial))
        progress.add(len(truth))
    probabilities = {kind: torch.cat(blocks).softmax(1).cpu().numpy() for kind, blocks in outputs.items()}
    return [{"input": kind, **calibration.quality(values, labels)} for kind, values in probabilities.items()]
