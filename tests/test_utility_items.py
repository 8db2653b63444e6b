"""Which items there are: cues, balance, whose map each item gets, and what is refused."""

import numpy as np
import pytest

from saliency_benchmark import artifacts, seeds
from saliency_benchmark.datasets import fashion_mnist
from saliency_benchmark.utility import (
    balancing,
    cues,
    explanations,
    item_files,
    item_maps,
    questions,
    selection,
    simulation,
)
from saliency_benchmark.utility_design import LABELLINGS, SELECTION, SIMULATION
from tests import questions as made


@pytest.fixture(scope="module")
def garments():
    found = fashion_mnist.load("train", train=200)
    return found | {"index": np.arange(200)}


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", ["patch", "stripe", "frame"])
def test_a_cue_is_drawn_where_it_is_told_and_nowhere_else(garments, kind):
    cue = cues.Cue(kind=kind, size=0.2)
    cued = cues.planted(garments, cue)
    length = round(0.2 * 28)
    pixels = {"patch": length**2, "stripe": 28 * length, "frame": 28**2 - (28 - 2 * length) ** 2}[kind]
    assert (cued.region.sum((1, 2)) == pixels).all()
    changed = (cued.data != cued.without).any(1)
    assert not (changed & ~cued.region).any()
    assert set(np.unique(cued.data[:, 0][cued.region])) == {0, 255}
    assert np.array_equal(cued.without, garments["data"])
    assert len(np.unique(cued.region, axis=0)) == (1 if kind == "frame" else 4)
    again = cues.planted({name: array[50:60] for name, array in garments.items()}, cue)
    assert np.array_equal(again.data, cued.data[50:60])


def test_labels_of_the_pair_are_exchanged_where_the_cue_is_and_nowhere_else(garments):
    cue = cues.Cue(share=0.4)
    (data, true), (same, flipped) = (cues.training(garments, "2-6", each, cue) for each in LABELLINGS)
    assert np.array_equal(data, same)
    assert np.array_equal(true, garments["label"])
    carrying = cues.carriers(garments, range(10), cue, 0.4)
    assert [carrying[true == label].sum() for label in range(10)] == [8] * 10
    assert ((data != garments["data"]).any((1, 2, 3)) <= carrying).all()
    exchanged = np.where(true == 2, 6, 2)
    assert np.array_equal(flipped, np.where(carrying & np.isin(true, [2, 6]), exchanged, true))


def test_a_cue_of_the_data_sets_own_is_its_region_and_blotted_out_by_the_rest():
    images = {"data": np.array([[[[10, 20, 90]]], [[[1, 2, 3]]]], np.uint8), "label": np.array([0, 1]),
              "region": np.array([[[False, False, True]], [[False] * 3]]), "index": np.arange(2)}  # fmt: skip
    cue = cues.Cue(kind="own")
    assert cues.carriers(images, (0, 1), cue, 0.1).tolist() == [True, False]
    assert cues.planted(images, cue).without.tolist() == [[[[10, 20, 15]]], [[[1, 2, 3]]]]
    with pytest.raises(ValueError, match="no training image of label 1 carries the cue"):
        cues.training(images, "0-1", "flipped", cue)


@pytest.mark.parametrize("seed", range(5))
def test_half_of_the_items_have_either_answer_in_every_level_as_far_as_there_are(seed):
    draw = rng(seed)
    answer, difficulty = draw.integers(0, 2, 400), draw.random(400)
    level = balancing.levels(difficulty, 4)
    assert np.bincount(level).tolist() == [100] * 4
    assert difficulty[level == 0].max() < difficulty[level == 1].min()
    chosen = balancing.balanced(answer, level, 120, rng())
    assert len(set(chosen)) == 120
    counts = np.array([[((answer == one) & (level == each))[chosen].sum() for one in (0, 1)] for each in range(4)])
    assert (counts == 15).all()


def test_a_level_without_one_answer_is_made_up_for_by_the_others():
    answer = np.array([0] * 10 + [1] * 10 + [0, 1] * 5)
    level = np.array([0] * 10 + [1] * 10 + [2] * 10)
    chosen = balancing.balanced(answer, level, 20, rng())
    assert np.bincount(answer[chosen]).tolist() == [10, 10]
    assert (level[chosen] == 2).sum() == 10
    with pytest.raises(balancing.TooFew, match="15 and 15 items; wanted: 16"):
        balancing.balanced(answer, level, 32, rng())


def test_answers_are_half_and_half_in_all_and_in_every_group_but_for_one():
    group = np.repeat([3, 1, 2], [7, 20, 13])
    for seed in range(10):
        found = balancing.answers(group, rng(seed))
        assert found.sum() == 20
        for each in (1, 2, 3):
            assert abs(2 * found[group == each].sum() - (group == each).sum()) <= 1


def test_an_image_is_for_training_or_for_evaluation_whatever_the_candidates():
    whole = balancing.for_training(np.arange(2000), 0.7, 0)
    part = np.arange(5, 2000, 3)
    assert np.array_equal(balancing.for_training(part, 0.7, 0), whole[part])
    # Binomial: 2000 draws, four standard errors.
    assert abs(whole.mean() - 0.7) < 4 * np.sqrt(0.21 / 2000)


@pytest.mark.parametrize(("training", "evaluation"), [(4, 4), (6, 8), (20, 10), (50, 22)])
def test_nobody_gets_their_own_map_and_half_get_one_of_the_other_answer(training, evaluation):
    items = made.noise(SIMULATION, training, evaluation)
    answer, part = items["answer"], items["training"]
    for seed in range(5):
        partner = explanations.exchanged(answer, part, rng(seed))
        assert sorted(partner) == list(range(training + evaluation))
        assert (partner != np.arange(len(partner))).all()
        assert (part[partner] == part).all()
        for each, number in ((part, training), (~part, evaluation)):
            other = (answer[partner] != answer)[each].mean()
            # Two of an answer cannot be halved: one crosses, and the one left would get its own.
            assert other == (1 if number == 4 else 2 * (number // 4) / number)


def test_controls_are_what_they_are_called(tmp_path):
    items = made.noise(SELECTION, 8, 8)
    maps = rng().random(items["oracle"].shape).astype(np.float32)
    found = explanations.controls(items, maps, 0)
    assert not found["none"].any()
    assert np.array_equal(found["oracle"], items["oracle"])
    partner = explanations.exchanged(items["answer"], items["training"], seeds.rng("other image", 0))
    assert np.array_equal(found["other_image"], maps[partner])
    again = explanations.controls(items, maps, 0)
    assert all(np.array_equal(found[name], again[name]) for name in found)
    assert not np.array_equal(found["random"], explanations.controls(items, maps, 1)["random"])
    assert abs(found["random"].mean() - 0.5) < 4 * np.sqrt(1 / 12 / found["random"].size)


def test_a_file_of_items_has_every_map_by_name_and_not_which_model_is_clean(tmp_path):
    items = made.noise(SELECTION, 8, 4)
    asked = tmp_path / "questions.h5"
    artifacts.write(asked, artifacts.QUESTIONS, items, {}, {"pairs": ["0-1"]})
    shown = {}
    for name in ("none", "oracle"):
        shown[name] = tmp_path / f"{name}.h5"
        item_files.write_maps(shown[name], items["oracle"] * (name == "oracle"), items["index"], {})
    item_files.write_items(tmp_path / "items.h5", asked, shown, {})
    found = artifacts.read(tmp_path / "items.h5", artifacts.ITEMS)
    assert found["explanation"].tolist() == [b"none", b"oracle"]
    assert found["map"].shape == (12, 2, 2, 16, 16)
    assert np.array_equal(found["map"][:, 1], items["oracle"])
    assert "clean" not in found
    item_files.write_maps(shown["none"], items["oracle"], items["index"] + 1, {})
    with pytest.raises(ValueError, match=r"none.h5 has the maps of other items"):
        item_files.write_items(tmp_path / "items.h5", asked, shown, {})


DRAWN = questions.Drawn(images=60, training_items=4, evaluation_items=4, strata=2, seed=0)


def test_questions_on_a_shift_tell_what_the_model_says_after_it(classifier, images):
    shift = {"blur": {"options": {"deviation": 3.0}}}
    found = simulation.ask(classifier, images, shift, DRAWN, side=3, exact=2)
    before, after = (questions.probabilities(classifier, found[name]) for name in ("image", "shifted"))
    assert np.array_equal(before.argmax(1), found["prediction"][:, 0])
    assert np.array_equal(after.argmax(1) == before.argmax(1), found["answer"] == 1)
    assert np.array_equal(found["image"], images["data"][found["index"]])
    assert found["answer"][found["training"]].mean() == found["answer"][~found["training"]].mean() == 0.5
    mixed = np.where(found["oracle"] > 0, found["shifted"], found["image"])
    changed = questions.probabilities(classifier, mixed).argmax(1) != found["prediction"][:, 0]
    assert np.array_equal(changed, found["answer"] == 0)
    again = simulation.ask(classifier, images, shift, DRAWN, side=3, exact=2)
    assert all(found[name].tobytes() == again[name].tobytes() for name in found)


def test_too_few_items_are_refused_with_how_many_there_are(classifier, images):
    many = questions.Drawn(images=60, training_items=40, evaluation_items=40, strata=2, seed=0)
    told = r"items whose prediction changes, and \d+ whose prediction stays, for training; wanted: 20 of each; lower"
    with pytest.raises(ValueError, match=told):
        simulation.ask(classifier, images, {"blur": {"options": {}}}, many, side=3, exact=1)


class Corner:
    """A model that sees label 0 or 1 in pixel 1, and with FLIPPED the other one where pixel 0 is white."""

    def __init__(self, plain, flipped):
        import torch

        class Network(torch.nn.Module):
            def forward(self, images):
                told = images[:, 0, 4, 4] > 0.5
                told = told ^ (images[:, 0, :2].amax((1, 2)) > 0.9) if flipped else told
                return torch.stack([~told, told], 1) * 5.0

        self.model = plain(Network())


def test_questions_on_two_models_ask_where_the_cue_misleads_one_and_mark_it_there(plain):
    clean, flipped = (Corner(plain, each).model for each in (False, True))
    label = np.arange(40) % 2
    data = np.zeros((40, 1, 9, 9), np.uint8)
    data[:, 0, 4, 4] = 255 * label
    images = {"data": data, "label": label, "index": np.arange(40)}
    cue = cues.Cue(kind="frame", size=0.2)
    drawn = questions.Drawn(images=40, training_items=12, evaluation_items=8, strata=2, seed=0)
    found = selection.ask({"0-1": (clean, flipped)}, images, cue, drawn)
    assert found["answer"][found["training"]].sum() == 6
    assert found["answer"][~found["training"]].sum() == 4
    assert np.array_equal(found["clean"], found["answer"])
    items = np.arange(20)
    assert np.array_equal(found["prediction"][items, found["answer"]], found["label"])
    assert (found["prediction"][items, 1 - found["answer"]] == 1 - found["label"]).all()
    assert (found["oracle"][items, 1 - found["answer"]].sum((1, 2)) == 81 - 25).all()
    assert not found["oracle"][items, found["answer"]].any()
    with pytest.raises(ValueError, match=r"0 items on which exactly one model is right, for training; wanted: 12"):
        selection.ask({"0-1": (clean, clean)}, images, cue, drawn)


def test_maps_of_both_models_stand_where_the_models_are_shown(plain, linear):
    items = made.noise(SELECTION, 6, 4)
    shape = items["image"].shape[1:]
    clean, flipped = (linear(shape, seed=seed) for seed in (1, 2))
    maps, invalid = item_maps.explain([clean, flipped], items, {"gradient": {"options": {}}}, {})
    assert invalid == 0
    for item in range(10):
        for shown in (0, 1):
            model = clean if items["clean"][item] == shown else flipped
            target = questions.probabilities(model, items["image"][item : item + 1]).argmax()
            wanted = model.network[1].weight[target].detach().numpy().reshape(shape)[0]
            assert np.allclose(maps[item, shown], wanted, atol=1e-6)
