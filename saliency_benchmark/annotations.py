"""Images of a file that have a region, ready to fine-tune by their maps or to be scored."""

from pathlib import Path

import numpy as np
import torch

from saliency_benchmark import artifacts, fitting, mask_variants
from saliency_benchmark.aligning import Annotated
from saliency_benchmark.alignment_design import ALL
from saliency_benchmark.classifier import Classifier

BLOCK = 256


class Chosen(dict):
    """Arrays of `artifacts.IMAGES` in memory, to be read as a file of them."""

    def __len__(self) -> int:
        return len(self["index"])

    def names(self) -> list[str]:
        return sorted(self)


def chosen(path: str | Path, number: int, tuned: str = ALL) -> Chosen:
    """The first NUMBER images of the file PATH that have a region, and the label TUNED unless that is "all".

    Raises ValueError where there is none.
    """
    found, missing = [], number
    with artifacts.Reader(path, artifacts.IMAGES) as images:
        for start in range(0, len(images), BLOCK) if "region" in images else ():
            block = slice(start, min(start + BLOCK, len(images)))
            arrays = {name: images[name][block] for name in images.names()}
            places = np.flatnonzero(explained(arrays, tuned)[2])[:missing]
            found.append({name: array[places] for name, array in arrays.items()})
            missing -= len(places)
            if not missing:
                break
    if missing == number:
        whose = "" if tuned == ALL else f" and the label {tuned}"
        raise ValueError(f"no image of {path} has a region{whose}; alignment wants some: look at its masks")
    return Chosen({name: np.concatenate([block[name] for block in found]) for name in found[0]})


def explained(images: dict, tuned: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is explained of IMAGES: label (image), its region (image, row, column), and whether they are there (image).

    The image's own label, or the label TUNED. Images with several labels (`labels`) have a region for each (`regions`).
    """
    if tuned == ALL:
        return images["label"], images["region"], images["region"].any((1, 2))
    label = int(tuned)
    if "labels" in images:
        carried, region = images["labels"][:, label].astype(bool), images["regions"][:, label]
    else:
        carried, region = images["label"] == label, images["region"]
    return np.full(len(carried), label, np.int32), region, carried & region.any((1, 2))


def annotated(
    classifier: Classifier,
    images: dict,
    *,
    labels: np.ndarray,
    masks: str = "exact",
    pixels: int = 0,
    seed: int = 0,
    tuned: str = ALL,
) -> Annotated:
    """IMAGES to fine-tune CLASSIFIER on, their regions varied as MASKS tells (mask_variants.py).

    LABELS (image) or (image, label) are what the classification loss is told. A map explains the image's own label;
    where TUNED is a label, only its images count, and an image of whose region a variant leaves nothing counts neither.
    """
    source = fitting.source_of(classifier, images["data"], labels)
    targets, regions, counted = explained(images, tuned)
    regions = mask_variants.vary(regions, masks, pixels, images["index"], seed)
    counted = counted & regions.any((1, 2))
    parts = (torch.from_numpy(each).to(source.labels.device) for each in (regions, targets.astype(np.int64), counted))
    return Annotated(classifier, source.images, source.labels, *parts)
