"""Every metric must tell the planted truth from noise, be silent where there is nothing to say, and agree by hand."""

import inspect
from itertools import permutations

import numpy as np
import pytest
import torch

from saliency_benchmark import artifacts, noise, probing, registry, scoring

METRICS = registry.names("metrics")
# What a map without any order gives; a metric that is not named here gives a number from seeded ties.
CONSTANT = dict.fromkeys(("ad", "add", "dc", "ic", "pointing_game"), np.nan)
ZERO = CONSTANT | dict.fromkeys(("relevance_mass", "relevance_rank"), np.nan)
HAND = np.array([[[0.4, 0.3], [0.2, 0.1]]], np.float32)


def load(name):
    return registry.load("metrics", name, {})


def scores(name, arrays):
    """Scores from ARRAYS, of which the metric NAME takes those that it names."""
    metric = load(name).score
    parts = inspect.signature(metric).parameters.values()
    return metric(**{part.name: arrays[part.name] for part in parts if part.kind != part.KEYWORD_ONLY})


def arrays_of(classifier, inputs, targets, index, maps, regions, **options):
    """Everything that a metric can ask for: the readings of every probe, maps, regions and index."""
    found = {"maps": maps, "regions": regions, "index": index}
    for probe in registry.names("probes"):
        read = registry.load("probes", probe, {}).probe
        readings = read(classifier, inputs, torch.from_numpy(maps), index, targets, **options)
        found |= {name: values.numpy() for name, values in readings.items()}
    return found


@pytest.fixture(scope="session")
def asked(classifier, inputs, targets, images):
    def ask(maps):
        return arrays_of(classifier, inputs, targets, images["index"], maps, images["region"])

    return ask


@pytest.fixture(scope="session")
def truth(asked, images):
    return asked(images["region"].astype(np.float32))


@pytest.fixture(scope="session")
def chance(asked, inputs):
    generators = noise.per_image(inputs, "test")
    return asked(torch.stack([torch.rand(inputs.shape[2:], generator=each) for each in generators]).numpy())


@pytest.fixture(scope="session")
def by_hand(pixel_sum):
    """by_hand(map): readings of the sum of the pixels of HAND, pixel by pixel, on an empty start."""

    def ask(saliency):
        options = {"cell": 1, "start": "mean"}
        return arrays_of(
            pixel_sum,
            torch.from_numpy(HAND)[None],
            torch.tensor([0]),
            np.array([0]),
            np.asarray(saliency, np.float32).reshape(1, 2, 2),
            np.zeros((1, 2, 2), bool),
            **options,
        )

    return ask


def gap(name, better, worse):
    """Mean advantage of BETTER over WORSE, in standard errors; images without a score in either stay out."""
    difference = (scores(name, better) - scores(name, worse)) * (1 if load(name).HIGHER_IS_BETTER else -1)
    valid = difference[np.isfinite(difference)]
    assert len(valid) >= len(difference) / 2
    return valid.mean() / (valid.std() / len(valid) ** 0.5 + 1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_prefers_the_truth_to_noise(name, truth, chance):
    assert gap(name, truth, chance) > 3


@pytest.mark.parametrize("name", METRICS)
def test_prefers_the_truth_to_its_opposite(name, truth, asked, images):
    assert gap(name, truth, asked(1 - images["region"].astype(np.float32))) > 3


@pytest.mark.parametrize("name", METRICS)
def test_declares_its_direction_and_gives_one_score_per_image(name, truth):
    assert isinstance(load(name).HIGHER_IS_BETTER, bool)
    assert scores(name, truth).shape == (60,)
    part = {key: values[7:9] for key, values in truth.items()}
    assert np.array_equal(scores(name, part), scores(name, truth)[7:9], equal_nan=True)


@pytest.mark.parametrize(("value", "expected"), [(0.0, ZERO), (2.5, CONSTANT)], ids=["zero", "constant"])
def test_a_map_without_order_gives_no_number_where_the_metric_needs_one(value, expected, asked, images):
    arrays = asked(np.full(images["region"].shape, value, np.float32))
    for name in METRICS:
        found = scores(name, arrays)
        assert np.isnan(found).all() == (name in expected), name
        assert np.isnan(found).any() == (name in expected), name


@pytest.mark.parametrize("name", METRICS)
def test_the_scale_of_a_map_does_not_count(name, chance, asked):
    assert np.allclose(scores(name, asked(chance["maps"] * 10)), scores(name, chance), atol=1e-4, equal_nan=True)


@pytest.mark.parametrize("name", METRICS)
def test_a_map_that_is_no_number_has_no_score_and_harms_no_other(
    name, tmp_path, monkeypatch, classifier, images, chance, targets
):
    monkeypatch.setattr(scoring, "BLOCK", 2)
    maps = chance["maps"].copy()
    maps[1, 2, 3], maps[4] = np.nan, np.nan
    origin, few = {}, slice(0, 6)
    stored = {"label": images["label"], "target": targets.numpy().astype(np.int32), "index": images["index"]}
    stored |= {"attribution": maps, "prediction": np.zeros((60, 10), np.float32)}
    artifacts.write(tmp_path / "images.h5", artifacts.IMAGES, {key: each[few] for key, each in images.items()}, origin)
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, {key: each[few] for key, each in stored.items()}, origin)
    path, schema = tmp_path / "maps.h5", artifacts.MAPS
    if hasattr(load(name), "PROBE"):
        path, schema = tmp_path / "readings.h5", artifacts.READINGS
        with (
            artifacts.Reader(tmp_path / "images.h5", artifacts.IMAGES) as shown,
            artifacts.Reader(tmp_path / "maps.h5", artifacts.MAPS) as explained,
            artifacts.Writer(path, schema, origin) as readings,
        ):
            probe = registry.load("probes", load(name).PROBE, {}).probe
            probing.ask(probe, classifier, shown, explained, readings, stop=6, options={})
    found, index = scoring.score(load(name).score, path, schema, tmp_path / "images.h5", {}, stop=5)
    expected = scores(name, chance)[:5]
    expected[[1, 4]] = np.nan
    assert np.allclose(found, expected, atol=1e-5, equal_nan=True)
    assert np.array_equal(index, images["index"][:5])


@pytest.mark.parametrize("name", [name for name in METRICS if getattr(load(name), "NEEDS_REGIONS", False)])
def test_noise_finds_the_region_as_often_as_the_region_is_large(name, images):
    regions, rng = np.repeat(images["region"], 20, 0), np.random.default_rng(0)
    arrays = {"maps": rng.random(regions.shape), "regions": regions, "index": np.arange(len(regions))}
    excess = scores(name, arrays) - regions.mean((1, 2))
    assert abs(excess.mean()) < 4 * excess.std() / len(excess) ** 0.5


@pytest.mark.parametrize(
    ("name", "perfect", "opposite"),
    [
        ("dauc", 0.375, 0.625),
        ("iauc", 0.625, 0.375),
        ("dc", 1, -1),
        ("ic", 1, -1),
        ("ad", 1 / 3, 2 / 3),
        ("add", 2 / 3, 1 / 3),
    ],
)
def test_scores_of_a_sum_of_pixels_by_hand(name, perfect, opposite, by_hand):
    """Perfect: the map is the image. Deletion reads 1, .6, .3, .1, 0; of the opposite 1, .9, .7, .4, 0."""
    found = [scores(name, by_hand(saliency))[0] for saliency in (HAND, -HAND)]
    assert found == pytest.approx([perfect, opposite], abs=1e-5)


@pytest.mark.parametrize("name", ["dauc", "iauc"])
def test_no_order_scores_better_than_the_truth_or_worse_than_its_opposite(name, by_hand):
    found = [scores(name, by_hand(order))[0] for order in permutations(range(4))]
    ends = [scores(name, by_hand(saliency))[0] for saliency in (HAND, -HAND)]
    assert sorted(ends) == pytest.approx([min(found), max(found)])
    assert (ends[0] > ends[1]) == load(name).HIGHER_IS_BETTER


def test_two_steps_on_a_sum_of_pixels_have_areas_of_two_and_three_fifths(pixel_sum):
    arrays = arrays_of(
        pixel_sum,
        torch.from_numpy(HAND)[None],
        torch.tensor([0]),
        np.array([0]),
        HAND,
        HAND > 0,
        cell=1,
        steps=2,
        start="mean",
    )
    assert np.allclose(arrays["deletion"], [[1, 0.3, 0]])
    assert np.allclose(arrays["insertion"], [[0, 0.7, 1]])
    assert scores("dauc", arrays) == pytest.approx([0.4])
    assert scores("iauc", arrays) == pytest.approx([0.6])


@pytest.mark.parametrize("name", ["dc", "ic"])
def test_correlations_ignore_scale_and_offset(name, chance):
    moved = chance | {"saliency": 3 * chance["saliency"].astype(float) - 7}
    assert np.allclose(scores(name, moved), scores(name, chance), atol=1e-6)
    turned = chance | {"saliency": -chance["saliency"]}
    assert np.allclose(scores(name, turned), -scores(name, chance))


@pytest.mark.parametrize(("name", "reading"), [("dc", "deletion"), ("ic", "insertion")])
def test_correlations_are_numpys(name, reading, chance):
    sign = -1 if name == "dc" else 1
    pairs = zip(sign * np.diff(chance[reading].astype(float), axis=1), chance["saliency"], strict=True)
    assert np.allclose(scores(name, chance), [np.corrcoef(change, saliency)[0, 1] for change, saliency in pairs])


def test_a_probability_that_never_moves_correlates_with_nothing():
    flat = np.full((1, 5), 0.1, np.float32)
    arrays = {"deletion": flat, "insertion": flat, "saliency": np.arange(4.0)[None]}
    assert np.isnan([scores("dc", arrays), scores("ic", arrays)]).all()


def test_average_drop_ignores_a_rise_and_drop_in_deletion_does_not():
    arrays = {"clean": np.array([0.5, 0.2]), "kept": np.array([0.1, 0.4]), "removed": np.array([0.1, 0.4])}
    assert scores("ad", arrays) == pytest.approx([0.8, 0.0])
    assert scores("add", arrays) == pytest.approx([0.8, -1.0])


@pytest.mark.parametrize("name", ["ad", "add"])
def test_a_class_of_probability_zero_cannot_drop(name):
    zero, some = np.zeros(2, np.float32), np.array([0.0, 0.3], np.float32)
    assert np.isnan(scores(name, {"clean": zero, "kept": some, "removed": some})).all()


def localised(name, maps, regions):
    maps, regions = np.asarray(maps, np.float32)[None], np.asarray(regions, bool)[None]
    return scores(name, {"maps": maps, "regions": regions, "index": np.array([0])})[0]


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        ([[3, 1], [2, 0]], 1),
        ([[1, 3], [2, 0]], 0),
        ([[3, 3], [2, 0]], 0.5),
        ([[3, 3], [3, 0]], 2 / 3),
        ([[-1, -2], [-3, -4]], 1),
        ([[[2, 0], [0, 0]], [[-2, 1], [0, 0]]], 0),
    ],
    ids=["inside", "outside", "two share", "three share", "negative", "channels are summed"],
)
def test_pointing_game_by_hand(maps, expected):
    assert localised("pointing_game", maps, [[1, 0], [1, 0]]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        ([[1, 3], [0, 0]], 1 / 4),
        ([[1, 3], [-5, -5]], 1 / 4),
        ([[-1, -1], [-1, -1]], np.nan),
        ([[[2, 0], [0, 0]], [[-2, 1], [1, 0]]], 3 / 4),
        ([[[2, 1], [0, 0]], [[2, 1], [0, 1]]], 4 / 7),
    ],
    ids=["share", "negative counts nothing", "nothing positive", "channels by themselves", "channels are summed"],
)
def test_relevance_mass_by_hand(maps, expected):
    assert localised("relevance_mass", maps, [[1, 0], [1, 0]]) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("maps", "regions", "expected"),
    [
        ([[4, 3], [2, 1]], [[1, 0], [1, 0]], 1 / 2),
        ([[4, 1], [2, 3]], [[1, 0], [0, 1]], 1),
        ([[4, 1], [2, 3]], [[0, 1], [1, 0]], 0),
        ([[4, 1], [2, 3]], [[1, 1], [0, 1]], 2 / 3),
        ([[[4, 3], [0, 0]], [[-3, -1], [0, 0]]], [[1, 0], [0, 0]], 1),
        ([[-4, 0], [0, 0]], [[1, 0], [0, 0]], np.nan),
        ([[4, 1], [2, 3]], [[0, 0], [0, 0]], np.nan),
    ],
    ids=["half", "all", "none", "two of three", "channels by themselves", "nothing positive", "no region"],
)
def test_relevance_rank_by_hand(maps, regions, expected):
    assert localised("relevance_rank", maps, regions) == pytest.approx(expected, nan_ok=True)


def test_a_metric_that_asks_for_what_is_not_there_is_told_what_is(tmp_path, images):
    few = {key: each[:3] for key, each in images.items()}
    readings = {"index": few["index"], "target": few["label"], "clean": np.ones(3)}
    artifacts.write(tmp_path / "images.h5", artifacts.IMAGES, few, {})
    artifacts.write(tmp_path / "readings.h5", artifacts.READINGS, readings, {})
    files = (tmp_path / "readings.h5", artifacts.READINGS, tmp_path / "images.h5")
    with pytest.raises(ValueError, match=r"reads 'deletion', and there is only clean, .* region"):
        scoring.score(load("dauc").score, *files, {}, stop=3)
    with pytest.raises(ValueError, match=r"gave shape \(\) for 3 images; wanted: one each"):
        scoring.score(lambda clean: clean.mean(), *files, {}, stop=3)
