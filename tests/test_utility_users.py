"""Simulated users on items of which only the oracle tells the answer: chance, ceiling, pairing, and what is gained."""

import numpy as np
import pandas as pd
import pytest
import torch

from saliency_benchmark import utility_summary, utility_tables
from saliency_benchmark.__main__ import main
from saliency_benchmark.utility import agents, explanations, readers, seen, simulating, students
from saliency_benchmark.utility_design import SELECTION, SIMULATION
from tests import questions

# Users who know nothing answer EVALUATION items each; the mean of so many accuracies lies within Z standard errors of
# 1/2 in all but 1 of 15,000 cases.
EVALUATION, Z = 60, 4.0
TASKS = [SELECTION, SIMULATION]


def users(kinds, repeats=2, sizes=(40,)):
    return simulating.Users(kinds, list(sizes), [20], repeats, 0.05, 0)


@pytest.fixture(scope="module")
def asked():
    return {task: [questions.noise(task, 40, EVALUATION, seed) for seed in (0, 1)] for task in TASKS}


@pytest.fixture(scope="module")
def answered(asked):
    """Accuracies by task and explanation: an agent and a reader for each of two models."""
    found = {}
    for task in TASKS:
        controls = [explanations.controls(items, items["oracle"], 0) for items in asked[task]]
        for name in controls[0]:
            models = simulating.items_of(asked[task], [maps[name] for maps in controls], [0, 1])
            found[task, name] = simulating.simulate(models, users(["agent", "reader"], 1), task)
    return found


def of(table, agent, labels="true"):
    return table[(table["agent"] == agent) & (table["labels"] == labels)]


@pytest.mark.parametrize("task", TASKS)
def test_an_agent_with_the_oracle_is_near_the_ceiling(answered, task):
    assert of(answered[task, "oracle"], "agent")["accuracy"].mean() > 0.95


@pytest.mark.parametrize("task", TASKS)
def test_a_reader_with_the_oracle_answers_all_but_what_it_guesses(answered, task):
    # Every feature of an empty map is 0: the rule is exact, and of the lapses half are right.
    assert of(answered[task, "oracle"], "reader")["accuracy"].min() > 0.975 - 0.1


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", ["none", "random", "other_image"])
def test_who_sees_no_map_or_a_placebo_is_at_chance(answered, task, name):
    table = of(answered[task, name], "agent")
    error = np.sqrt(0.25 / (EVALUATION * len(table)))
    assert abs(table["accuracy"].mean() - 0.5) < Z * error
    if name == "none":
        # No features: a guess on every item, of which half have either answer.
        assert (of(answered[task, name], "reader")["accuracy"] == 0.5).all()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("agent", ["agent", "reader"])
def test_shuffled_labels_leave_everybody_at_chance(answered, task, agent):
    tables = [of(answered[task, name], agent, "shuffled") for name in ("none", "random", "other_image")]
    for table in tables:
        assert abs(table["accuracy"].mean() - 0.5) < Z * np.sqrt(0.25 / (EVALUATION * len(table)))


def test_who_learns_shuffled_answers_of_a_certain_rule_is_as_often_upside_down_as_not():
    # Each user of a rule that tells all is a coin: Hoeffding, P(|mean - 1/2| >= t) <= 2 exp(-2 n t^2) = 1e-4.
    items = questions.noise(SIMULATION, 40, EVALUATION)
    known, found = readers.features(items, items["oracle"]), []
    for repeat in range(100):
        answer = np.random.default_rng(repeat).permutation(items["answer"][:40])
        found.append(readers.Reader(known[:40], answer, 0, False).accuracy(known[40:], items["answer"][40:]))
    assert abs(np.mean(found) - 0.5) <= np.sqrt(np.log(2e4) / 200)


def test_a_placebo_gains_nothing_over_none_and_the_oracle_what_is_missing(answered):
    table = pd.concat([part.assign(task=task, explanation=name) for (task, name), part in answered.items()])
    summary = utility_summary.summarise(table[table["agent"] == "agent"], resamples=200)
    true = summary[summary["labels"] == "true"].set_index(["task", "explanation"])
    for task in TASKS:
        for name in ("random", "other_image"):
            # The difference of two independent guessers has twice the variance of one.
            error = np.sqrt(2 * 0.25 / (EVALUATION * true.loc[(task, name), "users"]))
            assert abs(true.loc[(task, name), "gain_over_none"]) < Z * error
        assert true.loc[(task, "oracle"), "low"] > 0.25
        assert true.loc[(task, "oracle"), "placebo_low"] > 0.25


def test_the_same_seed_gives_the_same_bytes_and_users_of_one_seed_differ_by_maps_alone(asked):
    items = asked[SIMULATION][0]
    tables = [
        simulating.simulate(simulating.items_of([items], [maps], [7]), users(["agent", "student", "reader"], 1), "t")
        for maps in (items["oracle"], items["oracle"], np.zeros_like(items["oracle"]))
    ]
    assert tables[0].to_csv() == tables[1].to_csv()
    same = ["agent", "labels", "training_items", "repeat", "split", "chance"]
    assert tables[0][same].equals(tables[2][same])
    assert set(tables[0]["split"]) == {"images"}


def test_agents_learn_from_other_models_and_others_from_the_same(asked, monkeypatch):
    items = asked[SIMULATION]
    models = simulating.items_of(items, [each["oracle"] for each in items], [3, 5])
    learned = []
    monkeypatch.setattr(agents, "accuracy", lambda part, tested, seed: learned.append((part, tested)) or 0.5)
    found = simulating.simulate(models, users(["agent"], 1, (4, 40, 999)), "t")
    assert found["training_items"].tolist() == [4, 40, 40] * 2
    assert set(found["split"]) == {"model"}
    whole, tested = learned[1]
    order = whole.answer.argsort(stable=True)
    wanted = models[5].seen.at(models[5].training)
    assert torch.equal(torch.sort(whole.pictures[order].sum((1, 2)))[0], torch.sort(wanted.pictures.sum((1, 2)))[0])
    assert torch.equal(tested.pictures, models[3].seen.at(models[3].evaluation).pictures)
    assert whole.answer[:4].sum() == 2
    assert torch.equal(learned[0][0].pictures, whole.pictures[:4])


def test_a_student_that_is_shown_where_the_class_lies_imitates_better():
    # The class is the brightness of the first patch; the others are as bright or dark as chance has it, and more so.
    rng, number = np.random.default_rng(0), 240
    items = questions.noise(SIMULATION, 40, number - 40)
    label, patches = rng.integers(0, 2, number), rng.integers(0, 2, (number, 1, 4, 4))
    image = (255 * patches).repeat(4, 2).repeat(4, 3).astype(np.uint8)
    image[:, 0, :4, :4] = 90 + 75 * label[:, None, None]
    maps = np.zeros((number, 1, 16, 16), np.float32)
    maps[:, 0, :4, :4] = 1
    items |= {"image": image, "shifted": image, "prediction": label[:, None].astype(np.int32)}
    models = [simulating.items_of([items], [each], [0]) for each in (np.zeros_like(maps), maps)]
    found = [simulating.simulate(each, users(["student"], 2, (8,)), "t") for each in models]
    none, shown = (of(table, "student")["accuracy"].mean() for table in found)
    # Four standard errors of the difference of two shares of 200 images.
    assert shown - none > 4 * np.sqrt(2 * 0.25 / 200)


def test_the_loss_of_looking_is_the_divergence_and_empty_maps_teach_nothing():
    attention = torch.tensor([[[0.5, 0.25, 0.25]], [[1 / 3, 1 / 3, 1 / 3]]]).log()
    red = torch.tensor([[[0.3, 0.0, 0.1]], [[0.0, 0.0, 0.0]]])
    wanted = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.25)
    assert students.looking(attention, red).item() == pytest.approx(wanted, rel=1e-5)
    assert students.looking(attention, torch.zeros_like(red)).item() == 0
    even = torch.full((1, 1, 4), 0.25)
    assert students.looking(even.log(), 0.1 * torch.ones(1, 1, 4)).item() == pytest.approx(0, abs=1e-6)


def test_models_are_imitated_by_what_they_are_not_by_where_they_are_shown():
    items = questions.noise(SELECTION, 8, 8)
    whole = seen.see(items, items["oracle"], 3)
    sorted_ = students.by_role(whole, items["clean"])
    places = np.arange(16)
    assert torch.equal(sorted_.predictions[:, 0], whole.predictions[places, items["clean"]])
    # The mislabelled model's map is the one that marks the cue.
    assert not sorted_.red[:, 0].any()
    assert sorted_.red[:, 1].any(1).all()


def test_maps_are_seen_as_they_are_coloured():
    values = np.zeros((1, 1, 20, 20), np.float32)
    values[0, 0, 0, :6] = [100, 50, -50, 25, -25, 10]
    limit = np.percentile(np.abs(values), 99)
    found = seen.scaled(values)
    assert np.allclose(found[0, 0, 0, :6], np.clip(np.array([100, 50, -50, 25, -25, 10]) / limit, -1, 1))
    single = np.zeros((1, 1, 20, 20), np.float32)
    single[0, 0, 3, 3] = -7
    assert seen.scaled(single)[0, 0, 3, 3] == -1
    assert not seen.scaled(np.zeros_like(single)).any()


def test_patches_are_the_image_cut_in_order():
    image = torch.arange(16 * 24).reshape(1, 1, 16, 24).float()
    found = seen.patches(image)
    assert found.shape == (1, 24, 16)
    assert torch.equal(found[0, 7], image[0, 0, 4:8, 4:8].flatten())


def test_features_of_a_map_are_those_of_a_hand_made_case():
    items = {"image": np.zeros((1, 1, 4, 4), np.uint8), "shifted": np.zeros((1, 1, 4, 4), np.uint8)}
    items["shifted"][0, 0, 0] = 9
    maps = np.zeros((1, 1, 4, 4))
    maps[0, 0, 0, :2] = [1, -1]
    mass, entropy, row, column, changed, overlap = readers.features(items, maps)[0]
    assert (mass, changed) == (2 / 16, 1)
    assert entropy == pytest.approx(np.log(2) / np.log(16))
    assert (row, column) == (0.5 / 4 - 0.5, 1 / 4 - 0.5)
    assert overlap == pytest.approx(1 / np.sqrt(2))
    assert not readers.features(items, np.zeros_like(maps)).any()


def test_a_readers_weights_are_where_the_likelihood_does_not_rise_and_lapses_cost_their_half():
    rng = np.random.default_rng(0)
    known, answer = rng.normal(size=(20, 2)), np.arange(20) % 2
    known[:, 0] += answer
    reader = readers.Reader(known, answer, 0.1, comparing=False)
    standard = np.column_stack([np.ones(20), (known - known.mean(0)) / known.std(0)])

    def likelihood(weights):
        hit = 1 / (1 + np.exp(-np.where(answer > 0, 1, -1) * (standard @ weights)))
        return np.log(0.05 + 0.9 * hit).sum() - (weights**2).sum() / 2

    best = likelihood(reader.weights)
    for step in 0.02 * np.concatenate([np.eye(3), -np.eye(3)]):
        assert likelihood(reader.weights + step) < best
    told = ((standard @ reader.weights > 0) == answer).mean()
    assert reader.accuracy(known, answer) == pytest.approx(0.05 + 0.9 * told)


def rows(**accuracies):
    return [
        {"task": "t", "explanation": name, "labels": "true", "training_items": "4", "seed": str(seed),
         "repeat": str(repeat), "accuracy": values[2 * seed + repeat]}
        for name, values in accuracies.items() for seed in (0, 1) for repeat in (0, 1)
    ]  # fmt: skip


def test_gains_are_differences_of_paired_users_with_a_verdict(tmp_path):
    table = tmp_path / "utility.csv"
    told = rows(none=[0.5, 0.6, 0.5, 0.6], random=[0.5, 0.6, 0.5, 0.7], other_image=[0.5, 0.6, 0.5, 0.5],
                oracle=[1, 1, 1, 1], good=[0.7, 0.8, 0.7, 0.8],
                bad=[0.4, 0.5, 0.4, 0.5], open=[0.5, 0.7, 0.4, 0.6])  # fmt: skip
    pd.DataFrame(told).to_csv(table, index=False)
    found = utility_summary.summarise(utility_tables.read(table)).set_index("explanation")
    assert found["accuracy"].round(9).to_dict() == {"none": 0.55, "random": 0.575, "other_image": 0.525, "oracle": 1,
                                                    "good": 0.75, "bad": 0.45, "open": 0.55}  # fmt: skip
    assert found.loc["good", ["gain_over_none", "low", "high"]].tolist() == pytest.approx([0.2] * 3)
    assert found.loc["oracle", "gain_over_placebo"] == pytest.approx(0.45)
    assert found["verdict"].to_dict() == {"none": "", "random": "", "other_image": "", "oracle": "",
                                          "good": "gain", "bad": "loss", "open": "no gain shown"}  # fmt: skip
    assert found.loc["open", "low"] < 0 < found.loc["open", "high"]
    assert (found["users"] == 4).all()


def test_a_missing_accuracy_is_counted_and_in_no_mean(tmp_path):
    table = tmp_path / "utility.csv"
    pd.DataFrame(rows(none=[0.5, 0.6, 0.5, np.nan], good=[0.7, np.nan, 0.7, 0.8])).to_csv(table, index=False)
    found = utility_summary.summarise(utility_tables.read(table)).set_index("explanation")
    assert found.loc["good", ["users", "invalid"]].tolist() == [2, 2]
    assert found.loc["good", "gain_over_none"] == pytest.approx(0.2)
    # Without placebos nothing is beyond them.
    assert found.loc["good", "verdict"] == "gain as with a placebo"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="accuracy"), "no column accuracy"),
        (lambda table: table.assign(accuracy=1.2), "row 2: the accuracy is 1.2; wanted: 0 to 1"),
        (lambda table: pd.concat([table, table]), "two accuracies of task t"),
        (lambda table: table[table["explanation"] != "none"], "no explanation 'none' to compare with; it has: good"),
        (lambda table: table.assign(accuracy="high"), "which is no number"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_the_reason(tmp_path, change, message):
    table = pd.DataFrame(rows(none=[0.5] * 4, good=[0.6] * 4))
    change(table).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ValueError, match=message):
        utility_tables.read(tmp_path / "t.csv")


def test_the_command_writes_the_summary_of_anyones_table_and_names_mistakes(tmp_path, capsys):
    table, gains = tmp_path / "answers.csv", tmp_path / "gains.csv"
    pd.DataFrame(rows(none=[0.5] * 4, good=[0.6] * 4)).drop(columns="labels").to_csv(table, index=False)
    assert main(["utility", str(table), "--output", str(gains)]) == 0
    found = pd.read_csv(gains).set_index("explanation")
    assert found.loc["good", "gain_over_none"] == pytest.approx(0.1)
    assert main(["utility", str(table), "--output", str(table)]) == 1
    assert "would be written over" in capsys.readouterr().err
    assert main(["utility", str(tmp_path / "nowhere.csv"), "--output", str(gains)]) == 1
    assert "there is no file" in capsys.readouterr().err
