"""Tidy tables, and the page that shows them."""

import numpy as np
import pandas as pd

from saliency_benchmark import artifacts, figures, figures_roar, report, tables

KEYS = {"dataset": "d", "model": "m", "recipe": "r", "seed": 0}


def test_tables_are_joined_as_they_are(tmp_path):
    for name, text in {"a": "x,y\n0.10,\n", "b": "x,y\n1e-20,NaN\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    joined = tables.joined([str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])
    assert joined.to_csv(index=False) == "x,y\n0.10,\n1e-20,NaN\n"


def test_a_part_without_rows_adds_none(tmp_path):
    for name, text in {"a": "x,y\n", "b": "x,y\n1,2\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    joined = tables.joined([str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), str(tmp_path / "a.csv")])
    assert joined.to_csv(index=False) == "x,y\n1,2\n"


def test_every_score_becomes_a_row_and_an_invalid_one_an_empty_cell(tmp_path):
    arrays = {
        "score": np.array([[0.5, np.nan], [1.0, 2.0]]),
        "method": np.array([b"a", b"b"]),
        "index": np.array([7, 9]),
    }
    artifacts.write(tmp_path / "s.h5", artifacts.SCORES, arrays, {})
    table = tables.scores(str(tmp_path / "s.h5"), [KEYS | {"metric": "q"}])
    assert table.to_csv(index=False, lineterminator="\n").splitlines() == [
        "dataset,model,recipe,seed,method,metric,image,score",
        "d,m,r,0,a,q,7,0.5",
        "d,m,r,0,a,q,9,",
        "d,m,r,0,b,q,7,1.0",
        "d,m,r,0,b,q,9,2.0",
    ]


def test_a_label_that_is_markup_stays_text():
    assert "&lt;b&gt;" in report.to_html(pd.DataFrame({"method": ["<b>"]}))


def test_the_same_numbers_give_the_same_pictures():
    rows = [{"method": m, "fraction": f, "repeat": r, "accuracy": 1 - f / 2, "order": "remove"}
            for m in ("a", "random") for f in (0.0, 0.5, 1.0) for r in (0, 1)]  # fmt: skip
    table = pd.DataFrame(rows)
    first, second = (figures_roar.curves(table, table[:0], {"random"}, "remove") for _ in range(2))
    assert first == second


def test_a_constant_map_has_a_picture():
    assert figures.heat(np.zeros((4, 5))).startswith("data:image/png;base64,")
