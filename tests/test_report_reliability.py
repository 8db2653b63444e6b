"""The page's sections on reliability: which rows are shown, and in which order."""

import numpy as np
import pandas as pd

from saliency_benchmark import figures_reliability, report_reliability

NAN = float("nan")
MODEL = {"dataset": "d", "model": "m", "recipe": "r", "seed": 0}


def compared(rows):
    columns = ["recipe", "seed", "metric", "group", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=columns).assign(dataset="d", model="m")


def test_a_difference_over_seeds_is_shown_where_it_has_an_interval_else_those_of_single_seeds():
    table = compared(
        [
            ["fp", "0", "dauc", "all", 0.1, 0.0, 0.2],
            ["fp", "1", "dauc", "all", 0.2, 0.1, 0.3],
            ["fp", "all", "dauc", "all", 0.15, 0.0, 0.3],
            ["ap", "0", "dauc", "all", 0.4, 0.3, 0.5],
            ["ap", "all", "dauc", "all", 0.4, NAN, NAN],
            ["fp", "0", "iauc", "all", NAN, NAN, NAN],
            ["fp", "all", "iauc", "all", NAN, NAN, NAN],
        ]
    )
    shown = report_reliability._widest(table[table["difference"].notna()])
    assert shown[["recipe", "seed", "metric"]].to_numpy().tolist() == [["fp", "all", "dauc"], ["ap", "0", "dauc"]]


def test_every_group_has_its_figure_and_all_methods_come_first(monkeypatch):
    groups = ["cam", "all", "perturbation"]
    table = compared([["fp", "all", "dauc", group, 0.1, 0.0, 0.2] for group in groups])
    monkeypatch.setattr(figures_reliability, "differences", lambda part: "+".join(part["group"]))
    [(name, figures, rows)] = report_reliability.differences({"agreement_difference": table})
    assert name == "d: m"
    assert figures == [("all", "all"), ("cam", "cam"), ("perturbation", "perturbation")]
    assert len(rows) == 3


def test_metrics_that_agree_on_nothing_have_a_table_and_no_figure():
    row = MODEL | {"family": "all", "group": "all", "alpha": NAN, "low": NAN, "high": NAN, "note": "one metric"}
    [(_, figure, table)] = report_reliability.metric_agreements(pd.DataFrame([row]))
    assert figure == ""
    assert table["note"].tolist() == ["one metric"]


def test_a_model_without_a_winner_has_no_curve():
    size = pd.DataFrame([MODEL | dict.fromkeys(report_reliability.SIZE, "") | {"group": "all"}])
    columns = [*MODEL, "metric", "group", "winner", "images", "exact", "resampled", "family"]
    [(_, figures, table)] = report_reliability.sizes(size, pd.DataFrame(columns=columns), 0.95)
    assert figures == []
    assert len(table) == 1


def test_curves_are_those_of_the_model_and_of_all_methods(monkeypatch):
    empty = dict.fromkeys(report_reliability.SIZE, "")
    size = pd.DataFrame([MODEL | {"seed": seed, "group": "all"} | empty for seed in (0, 1)])
    rows = [
        MODEL | {"seed": seed, "metric": metric, "group": group, "family": family, "images": 1, "exact": 1.0}
        for seed in (0, 1)
        for group in ("all", "cam")
        for metric, family in (("dauc", "faithfulness"), ("focus", "localisation"), ("dc", "faithfulness"))
    ]
    monkeypatch.setattr(figures_reliability, "size_curves", lambda part, wanted: (*part["metric"], wanted))
    found = list(report_reliability.sizes(size, pd.DataFrame(rows), 0.9))
    assert [figures for _, figures, _ in found] == 2 * [
        [("faithfulness", ("dauc", "dc", 0.9)), ("localisation", ("focus", 0.9))]
    ]


def test_pictures_are_the_same_for_the_same_numbers_and_name_what_they_show():
    curve = pd.DataFrame({"metric": ["dauc"] * 3, "images": [1, 10, 100], "exact": [0.4, 0.7, 1], "resampled": 1.0})
    steps = pd.DataFrame(
        {"metric": "iauc", "seed": ["0", "all", "all"], "interpolation": [0.0, 0, 1], "alpha": [0.1, 0.1, 0.3]}
    ).assign(low=NAN, high=np.float64("nan"))
    several = compared([["fp", "all", "dc", "all", 0.1, 0.0, 0.2], ["ap", "0", "dc", "all", 0.1, 0.0, 0.2]])
    for draw, words in (
        (lambda: figures_reliability.size_curves(curve, 0.9), ["dauc", "exact", "resampled", "wanted: 0.9"]),
        (lambda: figures_reliability.interpolation(steps), ["iauc"]),
        (lambda: figures_reliability.differences(several), ["fp", "ap", "dc"]),
    ):
        svg = draw()
        assert svg == draw()
        assert svg.startswith("<svg")
        assert all(f">{word}<" in svg for word in words)
