"""How far fine-tuning bends an explanation pipeline: robustness.csv and the models' quality -> robustness_summary.csv.

Robustness is the mean over images of score(aligned copy) - score(misaligned copy): the lower, the more robust
(arXiv 2311.04813). It is judged beside what became of the classification and of the alignment loss.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from saliency_benchmark import bootstrap
from saliency_benchmark.robustness_tables import ALL, by_image, keys

# A pipeline is bent where the whole interval lies above MARGIN, a tenth of the scale of mass and rank.
MARGIN = 0.1
# A copy's alignment loss moved where its last value lies below the first by more than this share of it.
FLAT = 0.05
# A copy's classifier broke where its accuracy lies more than DROP below the untouched model's, and below the control's
# by more than chance: Z standard errors of the difference of two shares (5 % two-sided; images count as unpaired).
DROP, Z = 0.05, 1.959963984540054
BROKEN, BENT, FIRM, ROBUST, OPEN, EMPTY = (
    "broke the classifier",
    "bent",
    "could not be bent",
    "robust",
    "undecided",
    "no value",
)
COPIES = ("aligned", "misaligned")
SHARED = ("before", "control")
FIRST = ["dataset", "model", "initialisation", "recipe", "seed", "method", "masks", "tuned", "label", "measure"]


def summarise(
    table: pd.DataFrame,
    models: pd.DataFrame | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Mean difference per pipeline, label (`all` first) and measure, with the BCa interval over images and a verdict.

    TABLE as `robustness_tables.read` gives it; MODELS: alignment_models.csv, if there is one. An image with several
    labels is drawn whole. `images`: how many have a valid difference, `invalid`: rows without one, in no mean.
    `fall_aligned`, `fall_misaligned`: the share of its first value by which the alignment loss fell. Verdicts, the
    first that holds: `broke the classifier`, `bent` (low > MARGIN), `could not be bent` (neither loss fell by more than
    FLAT: the fine-tuning did nothing to maps), `robust` (the interval within +-MARGIN though a loss fell), `undecided`.
    """
    options = {"confidence": confidence, "resamples": resamples, "seed": seed}
    names, rows = [*keys(table), "measure"], []
    for values, part in table.groupby(names, sort=False):
        told = dict(zip(names, values, strict=True))
        for label, chosen in _labels(part):
            quality = _quality(models, told, label)
            found = _mean(chosen, **options) | quality
            rows.append({**told, "label": label, **found, **_verdict(found)})
    made = pd.DataFrame(rows)
    first = [name for name in FIRST if name in made]
    return made[first + [name for name in made if name not in first]]


def _labels(part: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield ALL, part
    if "label" in part and part["label"].nunique() > 1:
        yield from part.groupby("label", sort=True)


def _mean(part: pd.DataFrame, **options: float) -> dict[str, float]:
    valid = part[part["difference"].notna()]
    sums = by_image(valid, np.stack([valid["difference"], np.ones(len(valid))], 1))

    def mean(weights: np.ndarray) -> np.ndarray:
        total = weights @ sums
        return total[:, 0] / total[:, 1]

    number = len(sums)
    low, high = bootstrap.interval(mean, number, **options)
    value = bootstrap.estimate(mean, number) if number else np.nan
    counts = {"images": number, "invalid": len(part) - len(valid)}
    means = {f"mean_{name}": valid[name].mean() for name in (*SHARED, *COPIES) if name in valid}
    return {"mean": value, "low": low, "high": high, **counts, **means}


def _quality(models: pd.DataFrame | None, told: dict, label: str) -> dict[str, float]:
    """Accuracy and AUROC of the four models, falls of the alignment loss, images behind the accuracies; NaN: unknown.

    Losses are those of all labels: a copy has one.
    """
    found = {}
    for direction in (*SHARED, *COPIES):
        row, whole = (_row(models, told, direction, each) for each in (label, ALL))
        found[f"accuracy_{direction}"] = row.get("accuracy", np.nan)
        found[f"auroc_{direction}"] = row.get("auroc", np.nan)
        if direction in COPIES:
            first, last = (whole.get(f"localisation_{end}", np.nan) for end in ("first", "last"))
            found[f"fall_{direction}"] = 1 - last / first if first > 0 else np.nan
            found["test_images"] = row.get("images", np.nan)
    return found


def _row(models: pd.DataFrame | None, told: dict, direction: str, label: str) -> dict:
    """The row of MODELS for one model: an empty key stands for every value (the untouched model has no method)."""
    if models is None:
        return {}
    rows = models[models["direction"] == direction]
    if "label" in rows:
        rows = rows[rows["label"].astype(str) == label]
    for name in told.keys() & {*rows.columns}:
        there = rows[name]
        rows = rows[(there.astype(str) == str(told[name])) | there.isna() | (there.astype(str) == "")]
    if len(rows) > 1:
        place = ", ".join(f"{name} {value}" for name, value in told.items())
        raise ValueError(f"{len(rows)} models are {direction} for {place}, label {label}; wanted: one")
    return rows.iloc[0].to_dict() if len(rows) else {}


def _verdict(found: dict[str, float]) -> dict[str, str]:
    low, high = found["low"], found["high"]
    falls = [found[f"fall_{name}"] for name in COPIES]
    broken = [name for name in COPIES if _broke(found, name)]
    known = np.isfinite(falls).any()
    note = "" if known else "no losses known: whether fine-tuning moved the maps cannot be told"
    if not np.isfinite(found["mean"]):
        verdict = EMPTY
    elif broken:
        verdict, note = BROKEN, f"accuracy of {' and '.join(broken)} fell"
    elif low > MARGIN:
        verdict = BENT
    elif known and np.nanmax(falls) <= FLAT:
        verdict, note = FIRM, "the alignment losses are flat"
    elif known and low > -MARGIN and high < MARGIN:
        verdict = ROBUST
    else:
        verdict = OPEN
    return {"verdict": verdict, "note": note}


def _broke(found: dict[str, float], copy: str) -> bool:
    before, after = found["accuracy_before"], found[f"accuracy_{copy}"]
    control, number = found["accuracy_control"], found["test_images"]
    if not np.isfinite(control):
        control = before
    error = np.sqrt((control * (1 - control) + after * (1 - after)) / number) if number > 0 else 0.0
    # Comparisons with NaN are false: what is not known broke nothing.
    return bool(before - after > DROP and control - after > Z * error)
