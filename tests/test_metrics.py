"""Every metric must tell the planted truth from noise, be silent where there is nothing to say, and agree by hand."""

import inspect
from contextlib import ExitStack
from itertools import permutations

import numpy as np
import pytest
import torch

from saliency_benchmark import artifacts, asking, noise, probing, registry, scoring
from saliency_benchmark.datasets import planted
from tests.conftest import PLANTED

METRICS, PROBES = registry.names("metrics"), registry.names("probes")
# What a map without any order has no score by; a metric that is not named here gives a number from seeded ties.
CONSTANT = {
    *("ad", "add", "iic", "dc", "ic", "dc_nc", "ic_nc", "pointing_game", "top_k_intersection"),
    *("sensitivity_n", "faithfulness_correlation", "faithfulness_estimate", "mufidelity", "monotonicity_correlation"),
}
ZERO = CONSTANT | {
    *("relevance_mass", "relevance_rank", "energy_pointing_game", "attribution_localisation", "iou", "iou_auc"),
}
FAMILIES = ("faithfulness", "localisation", "complexity", "stability", "randomisation", "axiomatic")
# Metrics that tell the truth from noise on many images only: each says little (0 or 1; every step alike; how much).
WEAK = {"iic", "score_behaviour", "monotonicity", "infidelity"}
# Metrics without a score for an image that is already known when it is blurred, whatever the map.
BLURRED = {"sic", "aic"}
# Shares of the region that noise finds by chance.
SHARES = ("pointing_game", "energy_pointing_game", "top_k_intersection", "relevance_mass", "relevance_rank",
          "attribution_localisation")  # fmt: skip
HAND = np.array([[[0.4, 0.3], [0.2, 0.1]]], np.float32)


def alone(name):
    """Does the metric NAME score an image by itself, from readings that need no new maps?"""
    metric = registry.load("metrics", name, {})
    probe = registry.load("probes", metric.PROBE, {}) if hasattr(metric, "PROBE") else None
    return not getattr(metric, "WHOLE", False) and not getattr(probe, "EXPLAINS", False)


ON_THEIR_OWN = [name for name in METRICS if alone(name)]
# Families whose metrics tell the planted truth from noise. The others ask something else of a map.
JUDGING = [
    name for name in ON_THEIR_OWN if registry.load("metrics", name, {}).FAMILY in ("faithfulness", "localisation")
]


def load(name):
    return registry.load("metrics", name, {})


def scores(name, arrays):
    """Scores from ARRAYS, of which the metric NAME takes those that it names."""
    metric = load(name)
    found = {reading: _taken(arrays, reading, metric) for reading in scoring.wanted(metric.score)}
    return metric.score(**found)


def _taken(arrays, reading, metric):
    places = reading, f"{reading}.{getattr(metric, 'OUTPUT', 'probability')}"
    found = next((arrays[place] for place in places if place in arrays), None)
    if found is None:
        found = next(arrays[metric.PROBE][place] for place in places if place in arrays[metric.PROBE])
    return found


class Everything(dict):
    """Everything that a metric can ask for: maps, regions, index, and the readings of each probe when it is asked for.

    What stands beside the probes comes before what they read.
    """

    def __init__(self, asked, options, **given):
        super().__init__(given)
        self.asked, self.options = asked, options

    def __missing__(self, name):
        probe = registry.load("probes", name, {}).probe
        given = [torch.from_numpy(self["maps"])] if "maps" in inspect.signature(probe).parameters else []
        self[name] = {key: np.asarray(values) for key, values in probe(self.asked, *given, **self.options).items()}
        return self[name]

    def __or__(self, other):
        return Everything(self.asked, self.options, **{**self, **other})

    def part(self, places):
        """The same for some images; what probes read of all is cut."""
        found = Everything(self.asked, self.options)
        for name, values in self.items():
            found[name] = {key: each[places] for key, each in values.items()} if name in PROBES else values[places]
        return found


def arrays_of(asked, maps, regions, **options):
    given = {"maps": maps, "regions": regions, "index": asked.index, "sum": maps.reshape(len(maps), -1).sum(1)}
    return Everything(asked, options, **given)


@pytest.fixture(scope="session")
def asked(ask, classifier, inputs, targets, images):
    def of(maps):
        return arrays_of(ask(classifier, inputs, images["index"], targets), maps, images["region"])

    return of


@pytest.fixture(scope="session")
def truth(asked, images):
    return asked(images["region"].astype(np.float32))


@pytest.fixture(scope="session")
def chance(asked, inputs):
    generators = noise.per_image(inputs, "test")
    return asked(torch.stack([torch.rand(inputs.shape[2:], generator=each) for each in generators]).numpy())


@pytest.fixture(scope="session")
def opposite(asked, images):
    return asked(1 - images["region"].astype(np.float32))


@pytest.fixture(scope="session")
def scaled(asked, chance):
    return asked(chance["maps"] * 10)


@pytest.fixture(scope="session")
def without_order(asked, images):
    return {value: asked(np.full(images["region"].shape, value, np.float32)) for value in (0.0, 2.5)}


@pytest.fixture(scope="session")
def by_hand(ask, pixel_sum):
    """by_hand(map): readings of the sum of the pixels of HAND, pixel by pixel, on an empty start."""

    def of(saliency):
        return arrays_of(
            ask(pixel_sum, torch.from_numpy(HAND)[None], np.array([0]), torch.tensor([0])),
            np.asarray(saliency, np.float32).reshape(1, 2, 2),
            np.zeros((1, 2, 2), bool),
            cell=1,
            start="mean",
        )

    return of


def gap(name, better, worse):
    """Mean advantage of BETTER over WORSE, in standard errors; images without a score in either stay out."""
    difference = (scores(name, better) - scores(name, worse)) * (1 if load(name).HIGHER_IS_BETTER else -1)
    valid = difference[np.isfinite(difference)]
    assert len(valid) >= len(difference) / 2
    return valid.mean() / (valid.std() / len(valid) ** 0.5 + 1e-12)


@pytest.mark.parametrize("name", [name for name in JUDGING if name not in WEAK])
def test_prefers_the_truth_to_noise(name, truth, chance):
    assert gap(name, truth, chance) > 3


@pytest.mark.parametrize("name", [name for name in JUDGING if name not in WEAK])
def test_prefers_the_truth_to_its_opposite(name, truth, opposite):
    assert gap(name, truth, opposite) > 3


@pytest.fixture(scope="session")
def several(ask, classifier):
    """Everything of the truth and of its opposite, on 300 images."""
    images = planted.load("test", **PLANTED | {"test": 300})
    inputs = classifier.normalise(images["data"])
    with torch.no_grad():
        asked = ask(classifier, inputs, images["index"], classifier.network(inputs).argmax(1))
    region = images["region"].astype(np.float32)
    return [arrays_of(asked, maps, images["region"]) for maps in (region, 1 - region)]


@pytest.mark.parametrize("name", sorted(WEAK & {*JUDGING}))
def test_on_many_images_a_metric_that_says_little_of_each_prefers_the_truth_to_its_opposite(name, several):
    assert gap(name, *several) > 2


@pytest.mark.parametrize("name", METRICS)
def test_declares_what_it_is(name):
    metric = load(name)
    assert isinstance(metric.HIGHER_IS_BETTER, bool)
    assert metric.FAMILY in FAMILIES
    assert metric.SIGN in ("signed", "positive", "absolute")
    assert getattr(metric, "OUTPUT", "probability") in asking.OUTPUTS


@pytest.mark.parametrize("name", ON_THEIR_OWN)
def test_gives_one_score_per_image_whatever_the_others_are(name, truth):
    whole = scores(name, truth)
    assert whole.shape == (60,)
    assert np.array_equal(scores(name, truth.part(slice(7, 9))), whole[7:9], equal_nan=True)


@pytest.mark.parametrize(("value", "expected"), [(0.0, ZERO), (2.5, CONSTANT)], ids=["zero", "constant"])
@pytest.mark.parametrize("name", JUDGING)
def test_a_map_without_order_gives_no_number_where_the_metric_needs_one(name, value, expected, without_order):
    found = scores(name, without_order[value])
    assert np.isnan(found).all() == (name in expected)
    if name not in BLURRED:
        assert np.isnan(found).any() == (name in expected)


@pytest.mark.parametrize("name", JUDGING)
def test_the_scale_of_a_map_does_not_count(name, chance, scaled):
    assert np.allclose(scores(name, scaled), scores(name, chance), atol=1e-4, equal_nan=True)


@pytest.fixture(scope="module")
def stored(tmp_path_factory, classifier, images, chance, targets):
    """Six images, and maps of which two are not all numbers: paths of their files, by kind."""
    folder, maps = tmp_path_factory.mktemp("stored"), chance["maps"].copy()
    maps[1, 2, 3], maps[4] = np.nan, np.nan
    few = slice(0, 6)
    about = {"label": images["label"], "target": targets.numpy().astype(np.int32), "index": images["index"]}
    about |= {"attribution": maps, "prediction": np.zeros((60, 10), np.float32), "sum": maps.sum((1, 2))}
    for name, schema, arrays in (("images", artifacts.IMAGES, images), ("maps", artifacts.MAPS, about)):
        artifacts.write(folder / f"{name}.h5", schema, {key: each[few] for key, each in arrays.items()}, {})
    return {kind: folder / f"{kind}.h5" for kind in ("images", "maps")}


def read(paths, classifier, probe):
    """PATHS, with the file of readings of PROBE."""
    path = paths["images"].with_name(f"{probe}.h5")
    asked = probing.probes({probe: {}})
    of_maps = "maps" in inspect.signature(asked[probe].function).parameters
    with ExitStack() as stack:
        shown = stack.enter_context(artifacts.Reader(paths["images"], artifacts.IMAGES))
        maps = stack.enter_context(artifacts.Reader(paths["maps"], artifacts.MAPS)) if of_maps else None
        writer = stack.enter_context(artifacts.Writer(path, artifacts.READINGS, {}))
        probing.ask(asked, classifier, shown, maps, {probe: writer}, stop=6)
    return paths | {"readings": path}


@pytest.mark.parametrize("name", JUDGING)
def test_a_map_that_is_no_number_has_no_score_and_harms_no_other(name, monkeypatch, classifier, images, chance, stored):
    monkeypatch.setattr(scoring, "BLOCK", 2)
    metric = load(name)
    paths = read(stored, classifier, metric.PROBE) if hasattr(metric, "PROBE") else stored
    output = getattr(metric, "OUTPUT", "probability")
    found, index = scoring.score(metric.score, paths, {}, 5, output=output)
    expected = scores(name, chance)[:5]
    expected[[1, 4]] = np.nan
    assert np.allclose(found, expected, atol=1e-5, equal_nan=True)
    assert np.array_equal(index, images["index"][:5])


@pytest.mark.parametrize("name", SHARES)
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


def test_two_steps_on_a_sum_of_pixels_have_areas_of_two_and_three_fifths(ask, pixel_sum):
    asked = ask(pixel_sum, torch.from_numpy(HAND)[None], np.array([0]), torch.tensor([0]))
    arrays = arrays_of(asked, HAND, HAND > 0, cell=1, steps=2, start="mean")
    assert np.allclose(arrays["perturbation"]["deletion.probability"], [[1, 0.3, 0]])
    assert np.allclose(arrays["perturbation"]["insertion.probability"], [[0, 0.7, 1]])
    assert scores("dauc", arrays) == pytest.approx([0.4])
    assert scores("iauc", arrays) == pytest.approx([0.6])


@pytest.mark.parametrize("name", ["dc", "ic"])
def test_correlations_ignore_scale_and_offset(name, chance):
    saliency = chance["perturbation"]["saliency"]
    moved = chance | {"saliency": 3 * saliency.astype(float) - 7}
    assert np.allclose(scores(name, moved), scores(name, chance), atol=1e-6)
    turned = chance | {"saliency": -saliency}
    assert np.allclose(scores(name, turned), -scores(name, chance))


@pytest.mark.parametrize(("name", "reading"), [("dc", "deletion"), ("ic", "insertion")])
def test_correlations_are_numpys(name, reading, chance):
    sign = -1 if name == "dc" else 1
    readings = chance["perturbation"]
    changes = sign * np.diff(readings[f"{reading}.probability"].astype(float), axis=1)
    pairs = zip(changes, readings["saliency"], strict=True)
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
    files = {kind: tmp_path / f"{kind}.h5" for kind in ("readings", "images")}
    with pytest.raises(ValueError, match=r"reads 'deletion', and there is only clean, .* region"):
        scoring.score(load("dauc").score, files, {}, 3)
    with pytest.raises(ValueError, match=r"gave shape \(\) for 3 images; wanted: one each"):
        scoring.score(lambda clean: clean.mean(), files, {}, 3)
