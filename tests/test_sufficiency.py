"""Do alike maps go with alike predictions? Sufficiency and consistency, against loops and by hand."""

import numpy as np
import peers
import pytest
import torch

from saliency_benchmark.metrics import consistency, sufficiency

IMAGES, CLASSES = 40, 4


def predictions(classes):
    """Logits whose largest is that of each of CLASSES."""
    return np.eye(max(classes) + 1)[np.asarray(classes)]


@pytest.fixture(scope="module")
def some():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, CLASSES, IMAGES)
    maps = rng.normal(size=(IMAGES, 9, 14)) + 0.5 * rng.normal(size=(CLASSES, 9, 14))[classes]
    return maps, predictions(classes)


def direction(image, cell):
    """The map's cells, loop by loop, at length 1."""
    rows, columns = (max(1, round(length / cell)) for length in image.shape)
    cells = [[] for _ in range(rows * columns)]
    for y, x in np.ndindex(image.shape):
        cells[(y * rows // image.shape[0]) * columns + x * columns // image.shape[1]].append(image[y, x])
    means = np.array([np.mean(each) for each in cells])
    return means / np.sqrt((means**2).sum())


@pytest.mark.parametrize("cell", [4, 1])
@pytest.mark.parametrize("options", [{"nearest": 0.1}, {"nearest": 0.01}, {"threshold": 1.2}])
def test_sufficiency_is_that_of_loops_over_pairs(cell, options, some):
    maps, prediction = some
    units, classes = [direction(image, cell) for image in maps], prediction.argmax(1)
    expected = []
    for one in range(IMAGES):
        others = [other for other in range(IMAGES) if other != one]
        distance = {other: np.sqrt(((units[one] - units[other]) ** 2).sum()) for other in others}
        near = sorted(others, key=distance.get)[: max(1, round(options.get("nearest", 0) * len(others)))]
        if "threshold" in options:
            near = [other for other in others if distance[other] <= options["threshold"]]
        expected.append(np.mean([classes[other] == classes[one] for other in near]) if near else np.nan)
    found = sufficiency.score(maps, prediction, cell=cell, **options)
    assert np.allclose(found, expected, equal_nan=True)
    assert np.isfinite(found).sum() >= IMAGES / 4


def test_blocks_and_order_change_no_sufficiency(some, monkeypatch):
    maps, prediction = some
    whole, order = sufficiency.score(maps, prediction), np.random.default_rng(1).permutation(IMAGES)
    monkeypatch.setattr(sufficiency, "BLOCK", 7)
    assert np.allclose(sufficiency.score(maps, prediction), whole)
    assert np.allclose(sufficiency.score(maps[order], prediction[order]), whole[order])


def test_maps_of_their_class_suffice_and_maps_that_are_all_equal_tell_only_how_frequent_it_is():
    classes = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    told = np.zeros((12, 2, 2))
    told[np.arange(12), 0, classes] = np.arange(1, 13)
    assert np.array_equal(sufficiency.score(told, predictions(classes), cell=1), np.ones(12))
    assert np.array_equal(consistency.score(told, predictions(classes), np.arange(12)), np.ones(12))
    equal = np.arange(4.0).reshape(1, 2, 2) * np.arange(1, 13)[:, None, None]
    assert np.allclose(sufficiency.score(equal, predictions(classes), cell=1), 5 / 11)
    assert np.allclose(consistency.score(equal, predictions(classes), np.arange(12)), 5 / 11)


def test_scale_counts_nothing_and_sign_does():
    maps = np.array([[1.0, 0], [5, 0.1], [-1, 0]])[:, None]
    prediction = predictions([0, 0, 1])
    assert sufficiency.score(maps, prediction, cell=1).tolist() == [1, 1, 0]
    assert sufficiency.score(maps, prediction, cell=1, threshold=0.5)[:2].tolist() == [1, 1]
    assert np.isnan(sufficiency.score(maps, prediction, cell=1, threshold=0.5)[2])


@pytest.mark.parametrize(
    "score", [sufficiency.score, lambda *given: consistency.score(*given, np.arange(len(given[0])))]
)
def test_a_map_of_zeros_or_with_a_hole_is_like_no_other_and_changes_no_other(score, some):
    maps, prediction = some[0][:20], some[1][:20]
    broken = np.concatenate([np.zeros((1, 9, 14)), maps, np.full((1, 9, 14), np.nan)])
    found = score(broken, np.concatenate([prediction[:1], prediction, prediction[:1]]))
    assert np.isnan(found[[0, -1]]).all()
    assert np.allclose(found[1:-1], score(maps, prediction), equal_nan=True)


def test_one_image_has_no_other_to_be_like():
    maps, prediction = np.ones((1, 4, 4)) * np.arange(4), np.ones((1, 3))
    assert np.isnan(sufficiency.score(maps, prediction)).all()
    assert np.isnan(consistency.score(maps, prediction, np.arange(1))).all()


@pytest.mark.parametrize("top", [1, 2])
def test_consistency_is_that_of_loops_over_pairs(top, some):
    maps, classes = some[0][:, :8], some[1].argmax(1)
    quarters = [[image[y : y + 4, x : x + 7].mean() for y in (0, 4) for x in (0, 7)] for image in maps]
    told, expected = [set(np.argsort(means)[-top:]) for means in quarters], []
    for one in range(IMAGES):
        same = [other for other in range(IMAGES) if other != one and told[other] == told[one]]
        expected.append(np.mean([classes[other] == classes[one] for other in same]) if same else np.nan)
    found = consistency.score(maps, some[1], np.arange(IMAGES), cells=2, top=top)
    assert np.allclose(found, expected, equal_nan=True)


def test_ties_fall_by_the_index_and_the_seed():
    maps = np.zeros((30, 8, 8))
    maps[:, 0, 0] = -1
    prediction, index = predictions([0, 1] * 15), np.arange(30)
    one = consistency.score(maps, prediction, index)
    assert np.array_equal(one[::-1], consistency.score(maps[::-1], prediction[::-1], index[::-1]), equal_nan=True)
    assert not np.array_equal(one, consistency.score(maps, prediction, index, seed=1), equal_nan=True)


class _Class(torch.nn.Module):
    """The class of an image is the number in its first pixel."""

    def forward(self, images):
        return -(images[:, 0, 0, :1] - torch.arange(3.0)).abs()


def test_nobody_alike_is_no_score_where_quantus_gives_the_worst():
    images = torch.tensor([0.0, 0.0, 1.0]).view(3, 1, 1, 1) * torch.ones(1, 1, 2, 3)
    maps = np.random.default_rng(0).random((3, 2, 3))
    theirs = peers.quantus("Sufficiency", _Class().eval(), images, torch.tensor([0, 0, 1]), maps, threshold=0.1)
    assert theirs.tolist() == [0, 0, 0]
    assert np.isnan(sufficiency.score(maps, predictions([0, 0, 1]), threshold=0.01, cell=1)).all()


def test_all_images_are_compared_where_quantus_compares_those_of_a_batch():
    """Two kinds of maps and images, which alternate: within a batch of two nobody is alike."""
    kinds = np.array([0, 1] * 4)
    images = torch.from_numpy(kinds).float().view(8, 1, 1, 1) * torch.ones(1, 1, 2, 3)
    maps = np.where(kinds[:, None, None], [[1, 2, 3], [0, 0, 0.5]], [[0, 0.5, 0], [3, 2, 1]])
    maps = maps + 1e-3 * np.random.default_rng(0).random(maps.shape)
    options = {"threshold": 0.9, "normalise": True}
    asked = "Sufficiency", _Class().eval(), images, torch.from_numpy(kinds), maps
    assert peers.quantus(*asked, batch_size=8, **options).tolist() == [1] * 8
    assert peers.quantus(*asked, batch_size=2, **options).tolist() == [0] * 8
    assert sufficiency.score(maps, predictions(kinds), cell=1).tolist() == [1] * 8


def test_an_explanation_is_told_by_the_most_salient_cells_where_quantus_looks_at_the_first_pixels():
    kinds = np.array([0, 1, 2] * 3)
    images = torch.from_numpy(kinds).float().view(9, 1, 1, 1) * torch.ones(1, 1, 2, 4)
    maps = np.full((9, 2, 4), 0.1)
    maps[np.arange(9), 1, 1 + kinds] = 1
    theirs = peers.quantus("Consistency", _Class().eval(), images, torch.from_numpy(kinds), maps)
    # Signs of the first five pixels are the same for all: two of eight others are of the class.
    assert np.allclose(theirs, 2 / 8)
    assert consistency.score(maps, predictions(kinds), np.arange(9)).tolist() == [1] * 9
