"""The settings that ship beside the default run can be used, and say what they claim."""

from pathlib import Path

import pytest
import yaml

from saliency_benchmark import config, registry
from tests.test_architecture import ROOT

EXPERIMENTS = sorted((ROOT / "experiments").glob("*.yaml"))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_is_sound(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert config.complete(yaml.safe_load(path.read_text()))["metrics"]


def test_every_metric_holds_every_metric():
    settings = yaml.safe_load(Path(ROOT / "experiments/every-metric.yaml").read_text())
    assert sorted(settings["metrics"]) == registry.names("metrics")
