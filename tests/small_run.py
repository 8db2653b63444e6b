"""A folder of results as a run leaves it, in a second and without Snakemake: for tests of what reads such a folder."""

from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import yaml

from saliency_benchmark import artifacts, config, design, files, lineage, provenance, registry, run_records, tables
from saliency_benchmark.freshness import Expected

SETTINGS = {
    "datasets": {"planted": {"options": {"train": 20, "test": 6, "rows": 30, "columns": 40}}},
    "models": {"small_cnn": {"options": {"width": 2}}},
    "recipes": {"baseline": {}},
    "methods": {"gradient": {}, "smoothgrad_3": {"file": "smoothgrad", "options": {"samples": 3}}},
    "metrics": {"pointing_game": {}, "relevance_mass": {}},
    "training": {"epochs": 1, "batch_size": 10},
}
MODEL = "planted/small_cnn/baseline/seed-0"
NAMES = {"dataset": "planted", "model": "small_cnn", "recipe": "baseline", "seed": "0"}


class Run:
    """Makes files one after the other and remembers what the rules would say of each."""

    def __init__(self) -> None:
        self.config = config.complete(SETTINGS)
        self.expected: dict[str, Expected] = {}
        self.codes: dict[str, list] = {}
        self.record = run_records.Record("results")
        self.rng = np.random.default_rng(0)

    def origin(self, path: str, rule: str, script: str, names: dict, inputs: dict, entries: dict, **params) -> dict:
        found = [registry.file(f"{kind}s", name, self.config[f"{kind}s"][name]) for kind, name in entries.items()]
        code = provenance.code_digest(script, *found)
        self.codes[code] = [script, *found]
        settings = {**params, "code": code}
        self.expected[path] = Expected(rule, names, settings, inputs)
        self.record.begin(len(self.expected), rule=rule, wildcards=names, threads=1, output=[path], log=[])
        self.record.end(len(self.expected), True)
        return artifacts.origin(SimpleNamespace(rule=rule, wildcards=names, params=settings, input=inputs))


def make(folder: Path) -> Path:
    """The folder of results, in FOLDER; the settings lie beside it in settings.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.yaml").write_text(yaml.safe_dump(SETTINGS, sort_keys=False))
    with chdir(folder):
        run = Run()
        given = [Path("settings.yaml").resolve()]
        run.record.note("run begins", **run_records.where(), settings=given, changes={})
        _arrays(run)
        _tables(run)
        lineage.note("results/chain.json", run.expected, run.codes)
        run.record.note("run ends", success=True)
    return folder / "results"


def _arrays(run: Run) -> None:
    told = run.config
    source = {"options": told["datasets"]["planted"]["options"]}
    for split, number in (("train", 20), ("test", 6)):
        path, names = f"results/planted/images/{split}.h5", {"dataset": "planted", "split": split}
        origin = run.origin(
            path, "prepare_images", "prepare_images.py", names, {}, {"dataset": "planted"}, dataset=source
        )
        index = np.arange(number, dtype="i4")
        arrays = {"label": index % 3, "index": index, "source": index + 100}
        arrays["data"] = run.rng.integers(0, 255, (number, 1, 5, 4), dtype="u1")
        artifacts.write(path, artifacts.IMAGES, arrays, origin)
    path, inputs = f"results/{MODEL}/model.h5", {"images": "results/planted/images/train.h5", "pretrained": []}
    params = {"model": told["models"]["small_cnn"], "recipe": {"options": {}}}
    params["training"] = {
        key: value for key, value in design.training(told, "planted", "small_cnn").items() if key != "checkpoint"
    }
    entries = {"model": "small_cnn", "recipe": "baseline"}
    origin = run.origin(path, "train", "train.py", NAMES, _listed(inputs), entries, **params)
    one = np.zeros(1, "f4")
    artifacts.write(path, artifacts.MODEL, {"mean": one, "deviation": one, "loss": one, "weights.w": one}, origin)
    for method in told["methods"]:
        _maps(run, method)


def _maps(run: Run, method: str) -> None:
    path, names = f"results/{MODEL}/maps/{method}/test.h5", {**NAMES, "method": method, "split": "test"}
    inputs = {"model": f"results/{MODEL}/model.h5", "images": "results/planted/images/test.h5", "background": []}
    params = {"methods": {method: run.config["methods"][method]}, "explain": {"target": "prediction"}}
    entries = {"method": method, "model": "small_cnn"}
    origin = run.origin(path, "attribute", "attribute.py", names, _listed(inputs), entries, **params)
    arrays = {name: np.arange(6, dtype="i4") for name in ("label", "target", "index")}
    arrays |= {"attribution": run.rng.normal(size=(6, 5, 4)).astype("f4"), "prediction": np.zeros((6, 3), "f4")}
    artifacts.write(path, artifacts.MAPS, arrays, origin)


def _tables(run: Run) -> None:
    methods = list(run.config["methods"])
    maps = [f"results/{MODEL}/maps/{method}/test.h5" for method in methods]
    rows = [{**NAMES, "metric": metric} for metric in run.config["metrics"]]
    for row in rows:
        _agree(run, row, maps)
    scores = [f"results/{MODEL}/scores/{row['metric']}.h5" for row in rows]
    path = "results/tables/scores.csv"
    origin = run.origin(path, "tabulate_scores", "tabulate_scores.py", {}, {"scores": scores}, {}, rows=rows)
    tables.write(path, tables.scores(scores, rows), origin)
    parts = [f"results/{MODEL}/agreement/{row['metric']}.csv" for row in rows]
    path, names = "results/tables/agreement.csv", {"table": "agreement"}
    tables.write(path, tables.joined(parts), run.origin(path, "tabulate", "tabulate.py", names, {"parts": parts}, {}))
    shown = {name: [f"results/tables/{name}.csv"] for name in ("agreement", "scores")}
    inputs = {**shown, "images": ["results/planted/images/test.h5"], "maps": maps}
    origin = run.origin(
        "results/report.html", "report", "report.py", {}, inputs, {}, settings=design.reported(run.config)
    )
    files.write_text("results/report.html", "<p>alpha <svg></svg> <img></p>\n", "report", origin)


def _agree(run: Run, row: dict, maps: list[str]) -> None:
    metric = row["metric"]
    inputs = {"readings": [], "maps": maps, "images": ["results/planted/images/test.h5"]}
    params = {"metric": run.config["metrics"][metric], "methods": list(run.config["methods"])}
    params["images"] = run.config["scoring"]["images"]
    for path in (f"results/{MODEL}/scores/{metric}.h5", f"results/{MODEL}/agreement/{metric}.csv"):
        origin = run.origin(path, "agree", "agree.py", row, inputs, {"metric": metric}, **params)
        if path.endswith(".csv"):
            tables.write(path, pd.DataFrame([{**row, "group": "all", "alpha": run.rng.random()}]), origin)
        else:
            arrays = {"score": run.rng.random((2, 6)), "method": np.array([*run.config["methods"]], "S"),
                      "index": np.arange(6, dtype="i4")}  # fmt: skip
            artifacts.write(path, artifacts.SCORES, arrays, origin)


def _listed(inputs: dict) -> dict:
    return {name: files.listed(paths) for name, paths in inputs.items()}
