"""CheXpert (Irvin et al., 2019): frontal chest radiographs with 14 labels, of which an image can have several.

`root` is the folder of the release with its tables; what they look like is told in `chexpert_files`. `labels` (image,
label) is for the recipe `multi_label`; `label` is the first that is present (0, "No Finding", where none is).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from saliency_benchmark import chexpert_files, pictures, seeds

REGIONS = False
FILES = ("root",)
shape = pictures.shape


def load(
    split: str,
    *,
    root: str,
    size: Sequence[int] = (224, 224),
    train_table: str = "train.csv",
    test_table: str = "valid.csv",
    held_out: float = 0.0,
    uncertain: bool = True,
    train: int | None = None,
    test: int | None = None,
    seed: int = 0,
) -> Iterator[dict[str, np.ndarray]]:
    """The first TRAIN or TEST frontal radiographs of the tables, each stretched to SIZE [rows, columns].

    HELD_OUT: share of the patients of TRAIN_TABLE, drawn by SEED, whose radiographs are the test images instead of
    those of TEST_TABLE. UNCERTAIN labels count as present, or not. No patient is in both splits. Raises ValueError
    where one is, or a table cannot be used (chexpert_files).
    """
    known = chexpert_files.table(root, train_table, uncertain)
    if held_out:
        aside = _aside([each.patient for each in known], held_out, seed)
        found = [each for each in known if (each.patient in aside) == (split == "test")]
    else:
        other = chexpert_files.table(root, test_table, uncertain)
        chexpert_files.apart(known, other)
        found = known if split == "train" else other
    return chexpert_files.blocks(found[: {"train": train, "test": test}[split]], size)


def _aside(patients: Sequence[str], share: float, seed: int) -> set[str]:
    """At least one patient, and never all."""
    names = sorted(set(patients))
    if not 0 < share < 1 or len(names) < 2:
        raise ValueError(f"held_out is {share} of {len(names)} patients; wanted: between 0 and 1, of at least 2")
    number = min(max(1, round(share * len(names))), len(names) - 1)
    return {names[place] for place in seeds.rng("chexpert", seed).permutation(len(names))[:number]}
