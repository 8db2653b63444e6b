"""The model itself: accuracy and calibration on clean, masked and adversarial test images."""

import numpy as np
import pandas as pd
import torch

from saliency_benchmark import attack, calibration, noise, perturbing
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.progress import Progress

BATCH = 256


def answers(classifier: Classifier, images: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Probabilities (image, class) by kind of input: clean; masked; adversarial by PGD.

    Masked as recipes/faithfulness_perturbation.py masks by default, whatever the model's own recipe; the masks of an
    image depend on SEED and on the model's features.
    """
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
    return {kind: torch.cat(blocks).softmax(1).cpu().numpy() for kind, blocks in outputs.items()}


def quality(answers: dict[str, np.ndarray], labels: np.ndarray, keys: dict) -> pd.DataFrame:
    """The rows of models.csv, KEYS before them: one per kind of input."""
    return pd.DataFrame([{**keys, "input": kind, **calibration.quality(one, labels)} for kind, one in answers.items()])


def diagrams(answers: dict[str, np.ndarray], labels: np.ndarray, keys: dict) -> pd.DataFrame:
    """The rows of calibration.csv, KEYS before them: one per kind of input and bin of confidence."""
    rows = [(kind, row) for kind, one in answers.items() for row in calibration.diagram(one, labels)]
    return pd.DataFrame([{**keys, "input": kind, **row} for kind, row in rows])
