"""How well scores tell two kinds of images apart."""

import numpy as np
from scipy import special, stats


def auroc(scores: np.ndarray, truth: np.ndarray) -> float:
    """Share of pairs, an image of TRUTH and one of the others, in which the first scores higher; equal ones count half.

    scores (image), truth (image) bool. NaN where all are of one kind.
    """
    truth = truth.astype(bool)
    with_it, without = np.count_nonzero(truth), np.count_nonzero(~truth)
    if not with_it or not without:
        return float("nan")
    ranks = stats.rankdata(scores)
    return float((ranks[truth].sum() - with_it * (with_it + 1) / 2) / (with_it * without))


def by_label(logits: np.ndarray, labels: np.ndarray) -> list[dict]:
    """`images`, `accuracy` and `auroc` of each label that has images, and of all together, label "all".

    logits (image, class). labels (image): a label's accuracy is that of its own images, its AUROC that of its
    probability against the rest. labels (image, label), where an image can have several: a label's accuracy is the
    share of all images in which the sign of its logit is right. The AUROC of "all" is the mean of the labels', and so
    is its accuracy in the second case; in the first it is the share of images.
    """
    several = labels.ndim == 2
    present = labels.astype(bool) if several else labels[:, None] == np.arange(logits.shape[1])
    scores = logits if several else special.softmax(logits, 1)
    right = (logits > 0) == present if several else (logits.argmax(1) == labels)[:, None] & present
    carried = present.sum(0)
    accuracy = right.mean(0) if several else right.sum(0) / np.maximum(carried, 1)
    found = np.flatnonzero(carried)
    areas = np.array([auroc(scores[:, label], present[:, label]) for label in found])
    rows = [
        {"label": str(label), "images": int(carried[label]), "accuracy": float(accuracy[label]), "auroc": float(area)}
        for label, area in zip(found, areas, strict=True)
    ]
    whole = accuracy.mean() if several else right.any(1).mean()
    area = areas[np.isfinite(areas)].mean() if np.isfinite(areas).any() else np.nan
    return [{"label": "all", "images": len(labels), "accuracy": float(whole), "auroc": float(area)}, *rows]
