"""How many people a study needs: the known figures, the level of the test, and the test that `study` makes."""

import re

import numpy as np
import pandas as pd
import pytest

from saliency_benchmark import __main__, seeds
from saliency_benchmark.study_analysis import power, simulated_studies, two_way
from saliency_benchmark.study_analysis.simulated_studies import Truth


def quiet(line):
    pass


# Base .6, 20 items per condition, deviations .5 and 1 logits, 80 % power.
@pytest.mark.parametrize(
    ("truth", "people", "about"),
    [(Truth(), 30, 2), (Truth(within=True), 25, 2), (Truth(effect=0.05), 120, 7)],
    ids=["between", "within", "half the effect"],
)
def test_the_known_figures_come_out(truth, people, about):
    found = power.people_needed(truth, power.Wanted(), tell=quiet, simulations=1000)
    assert abs(found.people - people) <= about
    assert found.people_low <= found.people <= found.people_high
    assert found.low < 0.8 < found.high or abs(found.power - 0.8) < 0.03


@pytest.mark.parametrize("truth", [Truth(effect=0), Truth(effect=0, within=True)], ids=["between", "within"])
def test_without_an_effect_the_test_finds_one_about_as_often_as_its_level(truth):
    tests = simulated_studies.tests(truth, 20, 4000, seeds.rng("test"))
    share = simulated_studies.rejected(*tests, 0.05).mean()
    assert 0.035 < share < 0.062
    assert abs(tests[0].mean()) < 4 * tests[0].std() / np.sqrt(4000)


def test_an_effect_is_one_of_marginal_probabilities():
    for truth in (Truth(effect=0.15), Truth(effect=0.15, within=True), Truth(effect=-0.2, participant_sd=2)):
        differences = simulated_studies.tests(truth, 15, 3000, seeds.rng("test"))[0]
        assert differences.mean() == pytest.approx(truth.effect, abs=4 * differences.std() / np.sqrt(3000))


@pytest.mark.parametrize("people", [6, 7])
@pytest.mark.parametrize("within", [False, True])
def test_the_simulated_test_is_the_one_of_a_study(monkeypatch, within, people):
    kept = []
    answers = simulated_studies._answers
    monkeypatch.setattr(simulated_studies, "_answers", lambda *given: kept.append(answers(*given)) or kept[-1])
    truth = Truth(items=5, within=within, effect=0.2)
    values, errors, freedoms = simulated_studies.tests(truth, people, 20, np.random.default_rng(1))
    for study in range(20):
        if within:
            # By group: condition 0 on the other set of items, condition 1 on the group's own.
            half, parts = people // 2, []
            for place, right in enumerate(kept):
                group, condition = divmod(place, 2)
                number = right.shape[1]
                person = np.repeat(np.arange(number) + half * group, 5)
                item = np.tile(np.arange(5), number) + 5 * (group if condition else 1 - group)
                parts.append((person, item, np.full(5 * number, condition), right[study].ravel()))
            trials = two_way.Trials(*(np.concatenate(each) for each in zip(*parts, strict=True)))
        else:
            group, person, item = (each.ravel() for each in np.indices((2, people, 5)))
            trials = two_way.Trials(person + people * group, item, group, kept[0][study].ravel())
        found = two_way.difference(two_way.Trials(*vars(trials).values()))
        assert found.value == pytest.approx(values[study])
        assert found.error == pytest.approx(errors[study])
        assert found.freedom == pytest.approx(freedoms[study])


def test_people_who_gain_alike_need_fewer_of_themselves():
    needed = [
        power.people_needed(Truth(within=True, correlation=each), power.Wanted(), tell=quiet, simulations=500).people
        for each in (0, 1)
    ]
    assert needed[1] < needed[0]


def test_equivalence_needs_more_people_the_smaller_the_margin():
    wanted = [power.Wanted(margin=each) for each in (0.15, 0.1)]
    needed = [power.people_needed(Truth(effect=0), each, tell=quiet, simulations=500).people for each in wanted]
    # The error must be half as large again: 2.25 times as many.
    assert needed[1] / needed[0] == pytest.approx(2.25, rel=0.25)


def test_the_interval_of_a_share_is_clopper_and_pearsons():
    low, high = power.interval(0.8, 100)
    assert (low, high) == (pytest.approx(0.7082, abs=1e-4), pytest.approx(0.8733, abs=1e-4))
    assert power.interval(0.0, 100) == (0.0, pytest.approx(1 - 0.025**0.01))
    assert power.interval(1.0, 100) == (pytest.approx(0.025**0.01), 1.0)


def test_the_command_tells_the_number_and_writes_the_curve(tmp_path, capsys):
    words = ["--effect", "0.2", "--simulations", "300", "--seed", "3"]
    assert __main__.main(["study-power", *words, "--output", str(tmp_path / "power.csv")]) == 0
    said = capsys.readouterr()
    table = pd.read_csv(tmp_path / "power.csv")
    assert said.out.startswith(f"{table['people'].iloc[-1]} people per condition")
    assert said.err.count("simulated studies") == len(table)
    assert __main__.main(["study-power", *words]) == 0
    assert capsys.readouterr().out == said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--effect", "0.5"], "base \\+ effect"),
        (["--effect", "0"], "never found"),
        (["--effect", "nan"], "base \\+ effect"),
        (["--items", "1"], "at least 2"),
        (["--item-sd", "-1"], "0 to 10"),
        (["--correlation", "2"], "0 to 1"),
        (["--power", "0.01"], "above alpha"),
        (["--simulations", "3"], "at least 100"),
        (["--margin", "0.1", "--effect", "0.1"], "not within the margin"),
        (["--effect", "0.001", "--items", "500"], "people would be needed"),
    ],
)
def test_what_cannot_be_is_refused(words, told, capsys):
    assert __main__.main(["study-power", *words]) == 1
    assert re.search(told, capsys.readouterr().err)
