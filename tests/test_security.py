"""Nothing that a stranger wrote is run, and nothing leads out of its folder; a file is whole or not there."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from saliency_benchmark import artifacts, config, lineage, tables
from saliency_benchmark.datasets import folder
from tests.small_run import SETTINGS

ROOT = Path(__file__).parent.parent
CODE = sorted(
    path for part in ("saliency_benchmark", "workflow_scripts", "tools") for path in (ROOT / part).rglob("*.py")
)
RULES = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]
# Ways to run what a file says: pickle in its guises, and evaluation.
RUNS = {"pickle.load", "pickle.loads", "joblib.load", "dill.load", "yaml.load", "os.system", "os.popen", "eval", "exec",
        "shelve.open", "marshal.loads", "pd.read_pickle", "pandas.read_pickle"}  # fmt: skip


def calls(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_is_read_by_running_it(path):
    for name, words in calls(path):
        assert name not in RUNS, name
        assert words.get("allow_pickle", "False") == "False", name
        assert words.get("shell", "False") == "False", name
        if name == "torch.load":
            assert words.get("weights_only") == "True"


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_no_rule_hands_a_name_to_a_shell(path):
    assert not re.search(r"^\s*(shell|run)\s*:|\bshell\(|os\.system|subprocess", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("label", ["../up", "a/b", "/etc", "..", ".hidden", "-n", "a b", "$(id)", "a;b", "a\nb", ""])
@pytest.mark.parametrize("kind", ["datasets", "models", "recipes", "methods", "metrics"])
def test_no_entry_of_the_settings_has_a_name_that_leads_elsewhere(kind, label):
    (entry,) = list(SETTINGS[kind].values())[:1]
    with pytest.raises(ValueError, match="the settings cannot be used"):
        config.complete(SETTINGS | {kind: {label: entry}})


def test_names_of_a_user_s_folders_and_images_are_names_and_nothing_else(tmp_path):
    classes = ["$(touch run)", "; touch run;", "`touch run`"]
    for split in ("train", "test"):
        for name in classes:
            place = tmp_path / "images" / split / name
            place.mkdir(parents=True)
            Image.fromarray(np.zeros((8, 8, 3), "u1")).save(place / "$(touch run).png")
    before = set(Path.cwd().iterdir())
    loaded = folder.load("train", root=str(tmp_path / "images"))
    assert sorted(loaded["label"]) == [0, 1, 2]
    assert set(Path.cwd().iterdir()) == before
    assert not list(tmp_path.rglob("run"))


def test_a_note_of_the_chain_leads_to_no_file_outside(tmp_path):
    (tmp_path / "chain.json").write_text(
        '{"codes": {}, "files": {"results/report.html": {"inputs": {"a": ["results/../../up.csv"]}}}}'
    )
    with pytest.raises(ValueError, match="leads out of its folder"):
        _ = lineage.Results(tmp_path).chain


# A limit on the size of files stands for a full disk: writing fails in the middle, by an error and not by a signal.
FULL = """
import resource, signal, sys
import numpy as np, pandas as pd
from saliency_benchmark import artifacts, tables
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))
many = np.random.default_rng(0).normal(size=100_000)
try:
    if sys.argv[1] == "table":
        tables.write(sys.argv[2], pd.DataFrame({"a": many}), {"rule": "new"})
    else:
        artifacts.write(sys.argv[2], artifacts.READINGS, {"index": many, "target": many}, {"rule": "new"})
except OSError as error:
    sys.exit(f"error: {error}")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on the size of files is Linux's")
@pytest.mark.parametrize("kind", ["table", "arrays"])
@pytest.mark.parametrize("before", ["nothing", "another"])
def test_a_full_disk_is_an_error_and_what_was_there_stays(tmp_path, kind, before):
    path = tmp_path / ("a.csv" if kind == "table" else "a.h5")
    if before == "another" and kind == "table":
        tables.write(path, pd.DataFrame({"a": [1]}), {"rule": "old"})
    elif before == "another":
        artifacts.write(path, artifacts.READINGS, {"index": np.arange(2), "target": np.arange(2)}, {"rule": "old"})
    there = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    done = subprocess.run([sys.executable, "-c", FULL, kind, path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "error" in done.stderr.lower()
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir() if not each.name.startswith(".")} == there
    if before == "another":
        assert artifacts.intact(path)
        assert artifacts.record(path)["origin"] == {"rule": "old"}


def test_an_input_that_may_only_be_read_is_read_and_stays_as_it_is(tmp_path):
    path = tmp_path / "a.h5"
    artifacts.write(path, artifacts.READINGS, {"index": np.arange(2), "target": np.arange(2)}, {})
    path.chmod(0o444)
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert artifacts.intact(path)
    assert artifacts.read(path, artifacts.READINGS)["index"].tolist() == [0, 1]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="an administrator may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(OSError, match=re.escape(str(tmp_path))):
        tables.write(tmp_path / "a.csv", pd.DataFrame({"a": [1]}), {})


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "results"))):
        tables.write(tmp_path / "results/a.csv", pd.DataFrame({"a": [1]}), {})
