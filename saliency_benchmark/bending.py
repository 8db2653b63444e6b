"""How far the maps of two copies of a model lie apart: one fine-tuned to show the region, one to show all else."""

import numpy as np
import pandas as pd

from saliency_benchmark import (
    annotations,
    artifacts,
    attribution,
    calling,
    classifier,
    discrimination,
    registry,
    training,
)
from saliency_benchmark.alignment_design import ALL, KEYS, MEASURES
from saliency_benchmark.fitting import source_of
from saliency_benchmark.maps import Maps

BEFORE, CONTROL, ALIGNED, MISALIGNED = "before", "control", "aligned", "misaligned"
CURVES = ("loss", "classification", "localisation", "without_relevance")
DIRECTIONS = (BEFORE, CONTROL, ALIGNED, MISALIGNED)
SCORES = ["dataset", "model", "initialisation", "method", "label", "image", "measure",
          ALIGNED, MISALIGNED, "difference", BEFORE, CONTROL, "recipe", "seed", "masks", "tuned"]  # fmt: skip
BLOCK = 256


def by_direction(named: object) -> dict[str, str]:
    """Those of a job's files that are of one model: of its untouched one, its control, or one of its copies."""
    return {name: path for name, path in named.items() if name in DIRECTIONS}


def explain(
    models: dict[str, str],
    images: annotations.Chosen,
    method: dict[str, dict],
    paths: dict[str, str],
    *,
    tuned: str,
    rows: int | None,
    origin: dict,
) -> None:
    """Maps of IMAGES by METHOD (label -> entry) of each of MODELS (files), into PATHS of the same names.

    Explained is the logit of the image's label, or of the label TUNED.
    """
    target = "label" if tuned == ALL else int(tuned)
    for name, path in models.items():
        told = origin | {"wildcards": origin["wildcards"] | {"direction": name}}
        with Maps(method, [paths[name]], told) as writers:
            model, methods = classifier.load(path), attribution.methods(method)
            attribution.explain(methods, model, images, writers, target=target, rows=rows)


def scores(paths: dict[str, str], images: annotations.Chosen, keys: dict) -> pd.DataFrame:
    """The rows of robustness.csv: every measure of each image's map in each of PATHS (by direction), KEYS in every row.

    `difference`: aligned less misaligned. A score that is no number is no score, and its row has no difference.
    """
    label, region, _ = annotations.explained(images, keys["tuned"])
    columns = {name: _measured(path, region, images["index"]) for name, path in paths.items()}
    tables = []
    for measure in MEASURES:
        table = pd.DataFrame({name: found[measure] for name, found in columns.items()})
        table = table.assign(label=label, image=images["index"], measure=measure)
        tables.append(table.assign(difference=table[ALIGNED] - table[MISALIGNED], **keys))
    return pd.concat(tables)[SCORES]


def _measured(path: str, regions: np.ndarray, index: np.ndarray) -> dict[str, np.ndarray]:
    """Every measure of each map in PATH, (image), by the exact REGIONS."""
    metrics = {name: registry.load("metrics", file, {}).score for name, file in MEASURES.items()}
    found: dict[str, list[np.ndarray]] = {name: [] for name in metrics}
    with artifacts.Reader(path, artifacts.MAPS) as maps:
        for start in range(0, len(maps), BLOCK):
            block = slice(start, start + BLOCK)
            given = {"regions": regions[block], "index": index[block]}
            attributions = maps["attribution"][block]
            for name, score in metrics.items():
                found[name].append(calling.call(score, attributions, given=given, options={}))
    joined = {name: np.concatenate(blocks).astype(float) for name, blocks in found.items()}
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in joined.items()}


def qualities(models: dict[str, str], images: np.ndarray, labels: np.ndarray, keys: dict) -> pd.DataFrame:
    """The rows of alignment_models.csv: how good each of MODELS (files, by direction) is on IMAGES (bytes).

    labels (image), or (image, label) where an image can have several. With them stand the losses of the fine-tuning,
    before any step (`_first`) and in the last epoch (`_last`), and how far it `moved` the weights.
    """
    tables = []
    for name, path in models.items():
        logits = training.logits(source_of(classifier.load(path), images, labels))
        table = pd.DataFrame(discrimination.by_label(logits.double().cpu().numpy(), labels))
        tables.append(table.assign(direction=name, **_ends(path) if name != BEFORE else {}))
    table = pd.concat(tables).assign(**keys)
    ends = [f"{curve}_{end}" for curve in ("classification", "localisation") for end in ("first", "last")]
    told = ["direction", "label", "images", "accuracy", "auroc", "moved", *ends, "without_relevance"]
    return table[[*KEYS, *told]]


def _ends(path: str) -> dict[str, float]:
    arrays, facts = artifacts.read(path, artifacts.MODEL), artifacts.facts(path, artifacts.MODEL)
    places = {"first": 0, "last": -1}
    ends = {
        f"{curve}_{end}": float(arrays[curve][place])
        for curve in ("classification", "localisation")
        for end, place in places.items()
    }
    return {"moved": facts["moved"], **ends, "without_relevance": int(arrays["without_relevance"][-1])}


def curves(models: dict[str, str], keys: dict) -> pd.DataFrame:
    """The rows of alignment_curves.csv: losses of the fine-tuning of each of MODELS (files, by direction) by epoch.

    Epoch 0 is before any step; the untouched model has none.
    """
    tables = []
    for name, path in ((name, models[name]) for name in DIRECTIONS[1:]):
        with artifacts.Reader(path, artifacts.MODEL) as model:
            table = pd.DataFrame({curve: model[curve][()] for curve in CURVES}).rename_axis("epoch").reset_index()
        tables.append(table.assign(direction=name, **keys))
    return pd.concat(tables)[[*KEYS, "direction", "epoch", *CURVES]]
