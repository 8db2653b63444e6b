"""Curves from the tables of their parts."""

import pandas as pd
import pytest

from saliency_benchmark import roar

KEYS = {"dataset": "d", "model": "m", "recipe": "r", "seed": 0, "order": "remove", "fill": "mean", "unit": "pixel"}


@pytest.mark.parametrize(("order", "ends"), [("remove", [0.9, 0.1]), ("keep", [0.1, 0.9])])
def test_curves_run_from_nothing_to_everything_removed_or_kept(order, ends, tmp_path):
    middle = pd.DataFrame({"fraction": [0.7, 0.3], "accuracy": [0.5, 0.6]})
    middle.to_csv(tmp_path / "middle.csv", index=False)
    pd.DataFrame({"fraction": [0.0, 1.0], "accuracy": [0.9, 0.1]}).to_csv(tmp_path / "ends.csv", index=False)
    keys = [KEYS | {"order": order, "method": method, "repeat": 3} for method in ("a", "b")]
    found = roar.curves([str(tmp_path / "middle.csv")] * 2, [str(tmp_path / "ends.csv")] * 2, keys)
    assert list(found.columns) == roar.COLUMNS
    for method in ("a", "b"):
        curve = found[found["method"] == method]
        assert curve["fraction"].tolist() == [0, 0.3, 0.7, 1]
        assert curve["accuracy"].tolist() == [ends[0], 0.6, 0.5, ends[1]]
        assert (curve["repeat"] == 3).all()
