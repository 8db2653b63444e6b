"""CheXlocalize (Saporta et al., 2022): radiographs of CheXpert with the outlines that radiologists drew, per label.

Training images are those of CheXpert's test set, test images those of its validation set (arXiv 2311.04813). `root` is
the folder of the release: `CheXpert/` with images and tables, `CheXlocalize/` with outlines. `regions` (image, label,
row, column) has each label's outline, `label` is the first of them, `region` its outline, empty where there is none.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from saliency_benchmark import chexpert_files, pictures

REGIONS = True
FILES = ("root",)
shape = pictures.shape


def load(
    split: str,
    *,
    root: str,
    size: Sequence[int] = (224, 224),
    train_table: str = "CheXpert/test_labels.csv",
    test_table: str = "CheXpert/val_labels.csv",
    train_outlines: str = "CheXlocalize/gt_annotations_test.json",
    test_outlines: str = "CheXlocalize/gt_annotations_val.json",
    train: int | None = None,
    test: int | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """The first TRAIN or TEST frontal radiographs, each stretched to SIZE [rows, columns] as its outlines are.

    Raises ValueError where a patient is in both splits, no radiograph has an outline, or a file cannot be used
    (chexpert_files).
    """
    found = {name: chexpert_files.table(root, file) for name, file in (("train", train_table), ("test", test_table))}
    chexpert_files.apart(*found.values())
    told = chexpert_files.outlines(f"{root}/{ {'train': train_outlines, 'test': test_outlines}[split] }")
    if not {each.name for each in found[split]} & told.keys():
        raise ValueError(
            f"none of the {len(found[split])} {split} radiographs has outlines: are they of another split?"
        )
    return chexpert_files.blocks(found[split][: {"train": train, "test": test}[split]], size, told)
