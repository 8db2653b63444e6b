"""The page's section on what users gain from maps, of a table made by hand."""

import jinja2
import numpy as np
import pandas as pd

from saliency_benchmark import report, report_utility, utility_summary

RUN = {"dataset": "d", "model": "m", "recipe": "r"}
ACCURACY = {"none": 0.6, "oracle": 0.95, "random": 0.6, "other_image": 0.58, "smoothgrad": 0.61, "grad_cam": 0.8}


def summary():
    rng = np.random.default_rng(0)
    rows = [
        {**RUN, "task": "model_selection", "explanation": name, "access": "training_evaluation", "agent": "agent",
         "split": "model", "labels": labels, "training_items": size, "seed": seed, "repeat": repeat, "chance": 0.5,
         "accuracy": (0.5 if labels == "shuffled" else mean) + 0.02 * rng.normal()}
        for name, mean in ACCURACY.items() for labels in ("true", "shuffled") for size in (4, 64)
        for seed in range(3) for repeat in range(3)
    ]  # fmt: skip
    return utility_summary.summarise(pd.DataFrame(rows))


def test_the_sentence_names_who_gains_beyond_placebos_the_oracle_and_chance():
    [run] = report_utility.parts({"utility_summary": summary()})["helped"]
    assert run.name == "d: m, r"
    [sentence] = run.sentences
    assert sentence.startswith(
        "Model selection, agent (maps in training and evaluation): with 64 training items and no map 0.5"
    )
    assert "beyond placebos gain: grad_cam +0.2" in sentence
    assert "smoothgrad" not in sentence
    assert "oracle +0.3" in sentence
    assert "with shuffled labels and no map 0.5" in sentence
    assert run.figure.startswith("<svg")
    assert "grad_cam" in run.figure
    assert len(run.table) == len(ACCURACY) * 4


def test_where_nobody_gains_every_method_is_told_with_its_interval():
    without = summary()
    without = without[without["explanation"] != "grad_cam"]
    [sentence] = report_utility.sentences(without)
    assert "no method gains beyond placebos: smoothgrad +0.0" in sentence


def test_the_section_is_shown_with_its_tables_and_nothing_where_nobody_was_asked():
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(report.TEMPLATE.parent), undefined=jinja2.StrictUndefined
    )
    environment.filters["table"] = report.to_html
    section = environment.get_template("report_utility.html.j2")
    shown = section.render(**report_utility.parts({"utility_summary": summary()}))
    assert 'id="utility"' in shown
    assert "grad_cam" in shown
    assert section.render(**report_utility.parts({})).strip() == ""
