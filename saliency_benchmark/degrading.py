"""Removal without retraining: how well a trained model still does on images that it has never seen the like of."""

import pandas as pd

from saliency_benchmark import masked, masking, training
from saliency_benchmark.classifier import Classifier


def accuracies(
    model: Classifier,
    test: dict,
    ranks: dict[str, masking.Levels],
    *,
    keys: dict,
    orders: list[str],
    fills: list[str],
    fractions: list[float],
    seed: str,
) -> pd.DataFrame:
    """Rows of masked_accuracy.csv, KEYS before them: accuracy of MODEL on the masked TEST images.

    ranks: those of the test images by unit. The images are those that networks are asked on which `retraining.retrain`
    makes from SEED; nothing and everything removed are among them.
    """
    rows = []
    for unit, levels in ranks.items():
        for order, fill in ((order, fill) for order in orders for fill in fills):
            split = masked.Split(test, levels, order=order, fill=fill, seed=f"{seed} test")
            names = {**keys, "order": order, "fill": fill, "unit": unit}
            for fraction in (0.0, *sorted(fractions), 1.0):
                accuracy = training.accuracy(split.source(model, fraction))
                rows.append({**names, "fraction": fraction, "accuracy": accuracy})
    return pd.DataFrame(rows)
