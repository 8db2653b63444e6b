"""What probes ask of a model: each pass once, told three ways, whatever the size of the blocks."""

import numpy as np
import pytest
import torch

from saliency_benchmark import (
    artifacts,
    asking,
    batching,
    grid,
    imputation,
    masking,
    probing,
    scoring,
    sequences,
    sharing,
    stepping,
)
from saliency_benchmark.probes import cells, perturbation


class Counting:
    """A forward pass that counts its images."""

    def __init__(self, network):
        self.network, self.images = network, 0

    def __call__(self, images):
        self.images += len(images)
        return self.network(images)


@pytest.fixture
def counted(classifier, inputs, targets, images):
    some = slice(0, 8)
    forward = Counting(classifier.network)
    return asking.Asked(classifier, inputs[some], images["index"][some], targets[some], forward), forward


def test_scores_are_probability_logit_and_its_logarithm_of_the_target():
    logits = torch.tensor([[0.0, np.log(3.0)], [2.0, 2.0]])
    expected = [[0.75, np.log(3.0), np.log(0.75)], [0.5, 2.0, np.log(0.5)]]
    assert np.allclose(asking.scores(logits, torch.tensor([1, 0])), expected, atol=1e-6)


def test_a_sure_logit_keeps_a_logarithm_where_the_probability_has_none():
    logits = torch.tensor([[0.0, 200.0]])
    assert asking.scores(logits, torch.tensor([0]))[0].tolist() == [0.0, 0.0, -200.0]


def test_readings_are_named_after_what_is_told():
    found = asking.named("clean", torch.arange(6.0).view(2, 3))
    assert {name: values.tolist() for name, values in found.items()} == {
        "clean.probability": [0.0, 3.0],
        "clean.logit": [1.0, 4.0],
        "clean.log_probability": [2.0, 5.0],
    }


@pytest.mark.parametrize("rows", [1, 8, 20, 64])
def test_many_changes_score_as_each_of_them_in_any_number_of_rows(rows, counted, draw):
    asked, _ = counted
    parts = [asked.inputs + draw(*asked.inputs.shape, seed=seed) for seed in range(5)]
    with batching.limited(rows):
        found = asked.each(iter(parts))
    assert found.shape == (8, 5, 3)
    for place, part in enumerate(parts):
        assert torch.allclose(found[:, place], asked.score(part), atol=1e-5)
    assert asked.each(iter([])).shape == (8, 0, 3)


def test_small_blocks_are_put_together_up_to_the_rows(counted):
    asked, forward = counted
    sizes = []
    asked.forward = lambda images: sizes.append(len(images)) or forward(images)
    with batching.limited(24):
        asked.each(asked.inputs for _ in range(7))
    assert sizes == [24, 24, 8]


def test_two_probes_share_the_clean_pass_the_ends_and_equal_curves(counted, draw):
    asked, forward = counted
    maps = draw(8, 28, 40)
    with sharing.shared():
        perturbation.probe(asked, maps, cell=7, steps=10)
        # Clean, two ends, nine steps of each of two curves, two soft masks.
        assert forward.images == 8 * (1 + 2 + 9 + 9 + 2)
        perturbation.probe(asked, maps, cell=7, steps=10)
        assert forward.images == 8 * (1 + 2 + 9 + 9 + 2 + 2)
        perturbation.probe(asked, maps, cell=7, steps=5)
        assert forward.images == 8 * (1 + 2 + 9 + 9 + 2 + 2 + 4 + 4 + 2)


def test_what_is_shared_is_let_go_with_the_block(counted, draw):
    asked, forward = counted
    maps = draw(8, 28, 40)
    for _ in range(2):
        with sharing.shared():
            order = sequences.order(asked, maps, 7, 4, 0)
            sequences.removal(asked, order, "mean")
    # The clean pass and the end belong to the block itself.
    assert forward.images == 8 * (1 + 1 + 3 + 3)


def test_the_least_salient_first_is_the_most_salient_of_the_negated_map_first(counted, draw):
    asked, _ = counted
    maps = draw(8, 28, 40)
    least = sequences.removal(asked, sequences.order(asked, maps, 7, None, 0), "mean", "least")
    most = sequences.removal(asked, sequences.order(asked, -maps, 7, None, 0), "mean", "most")
    assert torch.allclose(least, most, atol=1e-5)


def test_removed_pixels_show_the_fill_and_the_others_the_image(counted):
    asked, _ = counted
    removed = torch.zeros_like(asked.inputs[:, :1], dtype=torch.bool)
    removed[:, :, 5:9, 3:20] = True
    for fill in ("mean", "blur", "noise", "impute"):
        shown = asked.without(removed, fill)
        assert torch.equal(shown.masked_select(~removed), asked.inputs.masked_select(~removed)), fill
        if fill != "impute":
            assert torch.equal(shown.masked_select(removed), asked.filled(fill).masked_select(removed)), fill
    assert torch.equal(asked.without(removed, "impute"), imputation.impute(asked.inputs, removed, asked.index))
    assert asked.ends("impute").shape == (8, 3)


def test_noise_fills_an_image_by_its_index_alone_and_within_black_and_white(classifier, inputs, targets, images):
    def filled(places):
        index = images["index"][places]
        return asking.Asked(classifier, inputs[places], index, targets[places], classifier.network).filled("noise")

    together = filled(np.arange(5))
    assert torch.equal(filled(np.array([3]))[0], together[3])
    pixels = together * classifier.deviation[:, None, None] + classifier.mean[:, None, None]
    assert pixels.min() > -1e-6
    assert pixels.max() < 1 + 1e-6
    # The mean of 5 x 3 x 28 x 40 uniform numbers: 1/2, with a deviation of 0.0022.
    assert abs(pixels.mean() - 0.5) < 0.01


def test_an_image_of_whose_class_maps_and_readings_speak_differently_has_no_score(tmp_path):
    data, index = np.zeros((3, 1, 2, 2), np.uint8), np.arange(3)
    label = np.zeros(3, np.int32)
    target = np.array([0, 1, 0], np.int32)
    about = {"index": index, "label": label}
    artifacts.write(tmp_path / "images.h5", artifacts.IMAGES, {"data": data, **about}, {})
    maps = {"attribution": np.ones((3, 1, 2, 2), np.float32), "prediction": np.zeros((3, 2), np.float32)}
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, {**maps, **about, "target": target}, {})
    readings = {"clean.logit": np.full(3, 2.0), "index": index, "target": np.zeros(3, np.int32)}
    artifacts.write(tmp_path / "readings.h5", artifacts.READINGS, readings, {})
    paths = {kind: tmp_path / f"{kind}.h5" for kind in ("readings", "maps", "images")}
    found, _ = scoring.score(lambda clean, maps: clean + maps.sum((1, 2, 3)), paths, {}, 3, output="logit")
    assert np.array_equal(found, [6.0, np.nan, 6.0], equal_nan=True)
    artifacts.write(tmp_path / "readings.h5", artifacts.READINGS, readings | {"index": index + 1}, {})
    with pytest.raises(ValueError, match=r"other images: their `index` differs"):
        scoring.score(lambda clean, maps: clean, paths, {}, 3, output="logit")


def test_a_metric_gets_the_score_of_the_model_that_is_chosen(tmp_path):
    named = {name: np.full(2, float(place)) for place, name in enumerate(asking.OUTPUTS)}
    readings = {f"clean.{name}": values for name, values in named.items()}
    about = {"index": np.arange(2), "target": np.zeros(2, np.int32)}
    artifacts.write(tmp_path / "readings.h5", artifacts.READINGS, {**readings, **about}, {})
    for name, values in named.items():
        found, _ = scoring.score(lambda clean: clean, {"readings": tmp_path / "readings.h5"}, {}, 2, output=name)
        assert np.array_equal(found, values)


@pytest.mark.parametrize("target", ["prediction", "label", 1])
def test_a_probe_without_maps_asks_of_the_class_that_methods_explain(target, tmp_path, classifier, images, targets):
    few = {key: each[:6] for key, each in images.items()}
    artifacts.write(tmp_path / "images.h5", artifacts.IMAGES, few, {})
    probe = probing.Probe(lambda asked: asking.named("clean", asked.clean))
    with (
        artifacts.Reader(tmp_path / "images.h5", artifacts.IMAGES) as shown,
        artifacts.Writer(tmp_path / "readings.h5", artifacts.READINGS, {}) as writer,
    ):
        probing.ask({"one": probe}, classifier, shown, None, {"one": writer}, stop=6, target=target, rows=4)
    found = artifacts.read(tmp_path / "readings.h5", artifacts.READINGS)
    expected = {"prediction": targets[:6].numpy(), "label": few["label"], 1: np.ones(6, int)}[target]
    assert np.array_equal(found["target"], expected)
    with torch.no_grad():
        logits = classifier.network(classifier.normalise(few["data"])).gather(
            1, torch.from_numpy(expected)[:, None].long()
        )
    assert np.allclose(found["clean.logit"], logits[:, 0], atol=1e-5)


def test_a_job_asks_of_cells_in_steps_where_that_pays(tmp_path, classifier, images, monkeypatch):
    few, walks, over = {key: each[:8] for key, each in images.items()}, [], stepping.Steps.over
    artifacts.write(tmp_path / "images.h5", artifacts.IMAGES, few, {})

    def told(pays):
        monkeypatch.setattr(stepping.Steps, "pays", lambda self, images: pays)
        path = tmp_path / f"{pays}.h5"
        with (
            artifacts.Reader(tmp_path / "images.h5", artifacts.IMAGES) as shown,
            artifacts.Writer(path, artifacts.READINGS, {}) as writer,
        ):
            probing.ask({"cells": probing.Probe(cells.probe)}, classifier, shown, None, {"cells": writer}, stop=8)
        return artifacts.read(path, artifacts.READINGS)

    monkeypatch.setattr(stepping.Steps, "over", lambda self, steps: walks.append(self.saved) or over(self, steps))
    found = told(True)
    stepped, expected = len(walks), told(False)
    # One walk to see that the logits are the network's, one with each cell gone, one with each alone.
    assert (stepped, len(walks)) == (3, 4)
    for name, values in expected.items():
        assert np.allclose(found[name], values, rtol=1e-4, atol=1e-5), name


def test_cells_change_in_the_order_of_the_rank_map_however_many_at_a_time(counted, draw):
    asked, _ = counted
    order = sequences.order(asked, draw(8, 28, 40), 7, 3, 0)
    rank = masking.ranks(order.cells.numpy(), asked.index, 0)
    assert [int(count) for count in order.counts] == [0, 8, 16, 24]
    for count, top in zip([8, 16], order.between(), strict=True):
        assert torch.equal(top, grid.spread(torch.from_numpy(rank.astype(int)) < count, (28, 40), (4, 6)))
