"""The page's sections on ROAR: sentences of tables made by hand, and all of it with and without what may be absent."""

from io import StringIO

import jinja2
import numpy as np
import pandas as pd
import pytest

from saliency_benchmark import (
    figures_roar,
    report,
    report_roar,
    roar_check,
    roar_contrasts,
    roar_protocols,
    roar_sentences,
    roar_summary,
)

RUN = {"dataset": "d", "model": "m", "recipe": "r", "seed": 0}
FRACTIONS = (0.0, 0.3, 0.7, 1.0)
# Accuracy at .3 and .7 by fill and method: `b` beats random under mean and lies behind it under blur.
MIDDLES = {
    "mean": {"a": (0.5, 0.3), "b": (0.5, 0.3), "c": (0.8, 0.7), "d": (0.69, 0.5), "random": (0.7, 0.5)},
    "blur": {"a": (0.5, 0.3), "b": (0.8, 0.7), "c": (0.8, 0.7), "d": (0.71, 0.5), "random": (0.7, 0.5)},
}
GROUPS = {"d": {"all": list("abcd")}}
SUMMARY = pd.DataFrame([{**RUN, "group": "controls", "method": "random"}])


@pytest.fixture
def undrawn(monkeypatch):
    """Figures take the time."""
    monkeypatch.setattr(figures_roar, "curves", lambda retrained, masked, controls, order: f"<svg>{len(masked)}</svg>")
    monkeypatch.setattr(figures_roar, "check", lambda table: "<svg/>")


def curves(repeats=4, seeds=(0,), shift=0.0, middles=MIDDLES, noise=0.02):
    rng = np.random.default_rng(0)
    rows = []
    for seed in seeds:
        for fill, methods in middles.items():
            for method, (first, second) in methods.items():
                for repeat in range(repeats):
                    values = [0.9, *(np.array([first, second]) + shift + noise * rng.normal(size=2)), 0.1]
                    told = {"seed": seed, "method": method, "order": "remove", "fill": fill, "unit": "pixel"}
                    rows += [
                        {**RUN, **told, "fraction": fraction, "repeat": repeat, "accuracy": value}
                        for fraction, value in zip(FRACTIONS, values, strict=True)
                    ]
    return pd.DataFrame(rows)


def leakage(**accuracies):
    rows = [
        {**RUN, "method": method, "order": "remove", "unit": "pixel", "fraction": fraction, "repeat": 0,
         "accuracy": value * fraction / 0.7, "chance": 0.1}
        for method, value in accuracies.items()
        for fraction in (0.3, 0.7)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def everything(roar):
    masked = curves(1, sorted(set(roar["seed"])), middles={"mean": MIDDLES["blur"], "blur": MIDDLES["mean"]}, noise=0)
    masked = masked.drop(columns="repeat")
    pairs = [
        {"method": "b", "base": "c", "kind": "smoothgrad"},
        {"method": "a", "base": "d", "kind": "gaussian_filtered"},
    ]
    scores = roar_protocols.scores([])
    return {
        "summary": SUMMARY,
        "roar": roar,
        "roar_summary": roar_summary.summarise(roar, "random"),
        "roar_contrasts": roar_contrasts.contrasts(roar, pairs, "random"),
        "protocol_agreement": roar_protocols.agreement({"retrained": roar, "not retrained": masked}, scores, GROUPS),
        "leakage": leakage(a=0.6, b=0.14, random=0.12),
        "masked_accuracy": masked,
        "roar_check": roar_check.table(examples=500, orders=1),
    }


def written(tables):
    """TABLES as the report reads them: from CSV."""
    return {name: pd.read_csv(StringIO(table.to_csv(index=False))) for name, table in tables.items()}


def page(tables):
    options = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(report.TEMPLATE.parent), **options)
    environment.filters["table"] = report.to_html
    parts = report_roar.parts(written(tables), "random")
    return environment.get_template("report_roar.html.j2").render(**parts), parts


def said(tables):
    return roar_sentences.sentences(written(tables), "random")


def test_each_fill_says_who_beats_random():
    sentences = said(everything(curves()))
    assert sentences[0] == (
        "Order remove, fill mean, unit pixel: of 4 methods 2 beat random (a, b); 1 lie behind it (c); of 1 it cannot "
        "be told (d)."
    )


def ends(**accuracies):
    """Of seeds: accuracies with nothing removed; with everything it is a tenth."""
    rows = [
        {**RUN, "seed": int(seed[1:]), "fill": fill, "fraction": fraction, "repeat": repeat, "accuracy": value}
        for seed, values in accuracies.items()
        for fill in ("mean", "blur")
        for fraction in (0.0, 1.0)
        for repeat, value in enumerate(values if fraction == 0 else [0.1] * len(values))
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("table", "sentence"), [
    (ends(s0=[0.7]), "With nothing removed: accuracy 0.700, 1 training."),
    # Student's t of 0.975 with one degree of freedom is 12.706; half of the difference is 0.01.
    (ends(s0=[0.7, 0.72]), "With nothing removed: accuracy 0.710 [0.583, 0.837], 2 trainings."),
    (ends(s0=[0.68, 0.72], s1=[0.72, 0.72]), "With nothing removed: accuracy 0.710 [0.583, 0.837], 4 trainings."),
])  # fmt: skip
def test_what_is_reached_with_nothing_removed_is_told_with_its_interval_over_trainings_or_seeds(table, sentence):
    assert list(roar_sentences.ends(table)) == [sentence]
    tables = everything(curves()) | {"roar_ends": table}
    assert said(tables)[0] == sentence


def test_a_conclusion_that_depends_on_the_fill_is_told():
    (sentence,) = [text for text in said(everything(curves())) if "depends" in text]
    assert sentence == (
        "The conclusion on b depends on the fill: under fill mean it beats random, under fill blur it lies behind "
        "random (order remove, unit pixel)."
    )


def test_a_mask_that_tells_the_class_is_told_and_one_no_better_than_random_masks_is_not():
    sentences = [text for text in said(everything(curves(noise=0))) if "mask of" in text]
    assert sentences == [
        "The mask of a alone tells the class (accuracy 0.60 at fraction 0.7 against chance 0.10; retrained on the "
        "masked images: 0.30): its curve measures the mask too (order remove, unit pixel)."
    ]
    table = leakage(a=0.3, random=0.29)
    assert list(roar_sentences.leaks(table, "random", curves())) == []
    assert len(list(roar_sentences.leaks(table[table["method"] == "a"], "random", curves()))) == 1


def test_what_retraining_turns_around_is_told():
    sentences = [text for text in said(everything(curves())) if "without retraining" in text]
    assert sentences == [
        "Order remove, fill mean, unit pixel: without retraining b is worse than random, after retraining ahead of it.",
        "Order remove, fill blur, unit pixel: without retraining b is better than random, after retraining behind it.",
    ]


def test_variants_and_filters_are_told_apart():
    sentences = said(everything(curves()))
    assert "Order remove, fill mean, unit pixel: better than what they are made of: b (of c)." in sentences
    assert any(text.endswith("better for d (a): here ROAR rewards blur.") for text in sentences)


def test_protocols_that_agree_or_contradict_each_other_are_told():
    row = {"group": "all", "first": "roar", "second": "kar", "spearman": 0.9, "low": 0.5, "high": 1.0, "methods": 9}
    others = [{"second": "road", "low": -0.5}, {"second": "masked", "spearman": -0.9, "low": -1.0, "high": -0.4}]
    table = pd.DataFrame([row, *(row | each for each in others)])
    assert list(roar_sentences.protocols(table)) == [
        "Rankings of 9 methods by “roar” and “kar”: Spearman 0.90 ([0.50, 1.00]), they tend the same way "
        "whatever the repeats.",
        "Rankings of 9 methods by “roar” and “road”: Spearman 0.90 ([-0.50, 1.00]), whether they tend the same way "
        "cannot be told from these repeats.",
        "Rankings of 9 methods by “roar” and “masked”: Spearman -0.90 ([-1.00, -0.40]), they tend opposite "
        "ways whatever the repeats.",
    ]


def test_one_repeat_concludes_nothing():
    roar = curves(1, noise=0)
    sentences = said({"summary": SUMMARY, "roar": roar, "roar_summary": roar_summary.summarise(roar, "random")})
    assert sentences[0] == (
        "Order remove, fill mean, unit pixel: with one repeat nothing can be told from the chance of retraining. By "
        "their single curves, better than random: a, b, d."
    )
    assert len(sentences) == 2


@pytest.mark.parametrize("absent", ["roar_contrasts", "protocol_agreement", "leakage", "masked_accuracy", "roar_check"])
def test_the_page_does_without_any_table_that_may_be_absent(absent, undrawn):
    tables = everything(curves(2))
    whole, _ = page(tables)
    part, _ = page({name: table for name, table in tables.items() if name != absent})
    assert f"tables/{absent}.csv" in whole
    assert f"tables/{absent}.csv" not in part
    assert "tables/roar.csv" in part


def test_without_roar_there_is_no_section():
    assert page({"summary": SUMMARY})[0].strip() == ""


def test_several_seeds_have_a_section_of_all_of_them_first(undrawn):
    _, parts = page(everything(curves(2, seeds=(0, 1, 2))))
    assert [run.name for run in parts["roar_runs"]] == [f"d: m, r, seed {seed}" for seed in ("all", 0, 1, 2)]
    assert all(figure for run in parts["roar_runs"] for _, figure, _ in run.curves)
    assert parts["roar_runs"][0].protocols["spearman"].notna().any()


def test_area_scores_are_best_first_beside_what_their_masks_tell(undrawn):
    _, parts = page(everything(curves(noise=0)))
    scores = parts["roar_runs"][0].curves[0][2]
    assert scores["method"].tolist()[-1] == "c"
    assert scores.set_index("method").loc["a", "mask alone (fraction; chance)"] == "0.600 (0.7; 0.100)"
    assert scores.set_index("method").loc["c", "mask alone (fraction; chance)"] == ""


def test_lines_of_the_check_are_of_both_kinds_of_training():
    table = roar_check.table(examples=500, orders=1)
    assert {"retrained", "not retrained", "inverted"} <= set(figures_roar.check(table).replace("<", ">").split(">"))
    assert report_roar.wide(table).columns.tolist()[1:3] == ["truth, retrained", "truth, not retrained"]


def test_what_is_drawn_names_its_methods_and_both_kinds_of_training():
    roar = curves(2)
    part = roar[roar["fill"] == "mean"]
    alone = figures_roar.curves(part, part.iloc[:0], {"random"}, "remove")
    beside = figures_roar.curves(part, part[part["repeat"] == 0], {"random"}, "remove")
    texts = set(beside.replace("<", ">").split(">"))
    assert {"a", "b", "c", "d", "random", "no pixel left", "retrained", "not retrained"} <= texts
    assert "not retrained" not in set(alone.replace("<", ">").split(">"))
