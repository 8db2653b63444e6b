"""One cell gone, alone, or replaced: passes that all methods share, against loops; and what metrics make of them."""

import numpy as np
import peers
import pytest
import torch
from reading_scores import score

from saliency_benchmark import batching, fills, grid, noise
from saliency_benchmark.models import small_cnn
from saliency_benchmark.probes import cells, replacements

SHAPE = (3, 13, 18)


@pytest.fixture(scope="module")
def model(plain, seeing):
    """A network that sees where a pixel is, with a mean colour of its own, on an image size that no cell divides."""
    made = plain(seeing(SHAPE).network, channels=3)
    made.mean += torch.tensor([0.3, 0.4, 0.5])
    return made


@pytest.fixture(scope="module")
def asked(ask, model, draw):
    return ask(model, draw(3, *SHAPE), np.array([4, 9, 2]), torch.tensor([0, 1, 2]))


def alone(model, images, targets):
    """Probabilities, one image at a time."""
    with torch.no_grad():
        return [model.network(image[None])[0].softmax(0)[target].item() for image, target in zip(images, targets)]


def members(cell, shape=SHAPE[1:]):
    """Pixels of each cell, by the definition."""
    rows, columns = grid.for_cell(shape, cell)
    return [
        [
            (y, x)
            for y in range(shape[0])
            for x in range(shape[1])
            if (y * rows // shape[0], x * columns // shape[1]) == at
        ]
        for at in np.ndindex(rows, columns)
    ]


@pytest.mark.parametrize(("cell", "fill", "start"), [(4, "mean", "blur"), (6, "black", "image_mean")])
def test_a_cell_alone_and_a_cell_gone_read_as_in_loops_over_images_cells_and_pixels(cell, fill, start, asked, model):
    found = cells.probe(asked, cell=cell, fill=fill, start=start)
    filled, begun = (fills.fill(name, asked.inputs, model.black()) for name in (fill, start))
    for number, target in enumerate(asked.targets):
        gone, only = [], []
        for places in members(cell):
            gone.append(asked.inputs[number].clone())
            only.append(begun[number].clone())
            for y, x in places:
                gone[-1][:, y, x], only[-1][:, y, x] = filled[number, :, y, x], asked.inputs[number, :, y, x]
        expected = {"without": gone, "only": only}
        for name, images in expected.items():
            values = found[f"{name}.probability"][number]
            assert values.shape == grid.for_cell(SHAPE[1:], cell)
            assert np.allclose(values.flatten(), alone(model, images, [target] * len(images)), atol=1e-5)
    for name, images in {"clean": asked.inputs, "gone": filled, "start": begun}.items():
        assert np.allclose(found[f"{name}.probability"], alone(model, images, asked.targets), atol=1e-5)


def test_a_change_of_one_cell_by_random_values_reads_as_in_loops(asked, model):
    found = replacements.probe(asked, cell=6, draws=3, seed=5)["squared_change.probability"]
    clean = alone(model, asked.inputs, asked.targets)
    for number, target in enumerate(asked.targets):
        generator = noise.generator("replacements", 5, int(asked.index[number]))
        draws = [torch.rand(SHAPE, generator=generator) for _ in range(3)]
        for place, pixels in enumerate(members(6)):
            images = []
            for uniform in draws:
                # A pixel from 0 to 1, as the network sees it: less the mean, over a deviation of 1.
                images.append(asked.inputs[number].clone())
                for y, x in pixels:
                    images[-1][:, y, x] = uniform[:, y, x] - model.mean
            changes = np.square(np.array(alone(model, images, [target] * 3)) - clean[number])
            assert found[number].flatten()[place] == pytest.approx(changes.mean(), rel=1e-3, abs=1e-10)


@pytest.mark.parametrize("probe", [cells.probe, replacements.probe])
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_an_image_alone_reads_as_among_others_in_any_number_of_rows(probe, rows, asked, ask, model):
    whole = probe(asked)
    with batching.limited(rows):
        single = probe(ask(model, asked.inputs[1:2], asked.index[1:2], asked.targets[1:2]))
    for name, values in single.items():
        assert torch.allclose(values, whole[name][1:2], atol=1e-5), name


def test_replacements_fall_by_the_seed_and_the_index(ask, model, draw):
    image, same = draw(1, *SHAPE).expand(3, *SHAPE), torch.tensor([1, 1, 1])
    asked = ask(model, image, np.array([3, 4, 3]), same)
    found = replacements.probe(asked)["squared_change.logit"]
    other = replacements.probe(asked, seed=1)["squared_change.logit"]
    assert torch.allclose(found[0], found[2])
    assert not torch.allclose(found[0], found[1], rtol=0.01)
    assert not torch.allclose(found[0], other[0], rtol=0.01)


@pytest.fixture(scope="module")
def exact(ask, linear, draw):
    """Asked of a linear model, with its own contributions: weight times pixel."""
    shape = (3, 8, 12)
    model, images, targets = linear(shape), draw(4, *shape), torch.tensor([0, 1, 2, 0])
    weights = model.network[1].weight.detach()[targets].view(-1, *shape)
    return ask(model, images, np.arange(4), targets), (weights * images).numpy(), weights.numpy()


@pytest.mark.parametrize(("name", "start"), [("dc_nc", "blur"), ("ic_nc", "mean"), ("faithfulness_estimate", "blur")])
def test_contributions_of_a_linear_model_correlate_fully_with_single_cells_and_their_negative_fully_wrongly(
    name, start, exact
):
    asked, contributions, _ = exact
    readings = cells.probe(asked, start=start)
    assert score(name, readings, contributions, "logit") == pytest.approx(np.ones(4), abs=1e-4)
    assert score(name, readings, -7 * contributions, "logit") == pytest.approx(-np.ones(4), abs=1e-4)


def test_faithfulness_estimate_sums_over_a_cell_and_dc_nc_takes_its_mean(ask, linear, draw):
    """In cells of unequal sizes the sum is what a linear model loses; in equal ones the two agree."""
    for shape, equal in (((1, 8, 12), True), ((1, 7, 10), False)):
        model, images, targets = linear(shape), draw(3, *shape) + 1, torch.tensor([0, 1, 2])
        maps = (model.network[1].weight.detach()[targets].view(-1, *shape) * images).numpy()
        readings = cells.probe(ask(model, images, np.arange(3), targets))
        summed, mean = (score(name, readings, maps, "logit") for name in ("faithfulness_estimate", "dc_nc"))
        assert summed == pytest.approx(np.ones(3), abs=1e-4)
        assert np.allclose(summed, mean, atol=1e-6) == equal


def test_correlations_of_single_cells_are_numpys_for_any_map(asked, draw):
    readings, maps = cells.probe(asked), draw(3, *SHAPE, seed=3).numpy()
    pooled = [[image.sum(0)[tuple(np.transpose(places))].mean() for places in members(4)] for image in maps]
    changes = {
        "dc_nc": readings["clean.probability"][:, None] - readings["without.probability"].flatten(1),
        "ic_nc": readings["only.probability"].flatten(1) - readings["start.probability"][:, None],
    }
    for name, change in changes.items():
        expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(change.double().numpy(), pooled, strict=True)]
        assert np.allclose(score(name, readings, maps), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["dc_nc", "ic_nc", "faithfulness_estimate", "monotonicity_correlation"])
@pytest.mark.parametrize("value", [0, 0.1, -3])
def test_a_constant_map_has_no_correlation_even_in_cells_of_unequal_sizes(name, value, asked):
    readings = cells.probe(asked) | replacements.probe(asked)
    assert np.isnan(score(name, readings, np.full((3, *SHAPE), value, np.float32))).all()


def test_one_cell_correlates_with_nothing(ask, pixel_sum):
    readings = cells.probe(ask(pixel_sum, torch.full((2, 1, 2, 3), 0.1), np.arange(2), torch.tensor([0, 0])))
    assert readings["without.probability"].shape == (2, 1, 1)
    assert np.isnan(score("dc_nc", readings, np.ones((2, 2, 3)))).all()


def test_squared_weights_of_a_linear_model_rank_its_cells_and_small_ones_do_not(ask, linear):
    """Every cell has one weight of its own; on a grey image its change is that weight's square, but for the draws."""
    shape = (1, 8, 12)
    model = linear(shape)
    weights = grid.spread(torch.arange(6.0)[None], (8, 12), (2, 3))[0] - 2.2
    model.network[1].weight.data[:] = weights.flatten()
    readings = replacements.probe(ask(model, torch.full((1, *shape), 0.5), np.arange(1), torch.tensor([1])), draws=64)
    assert score("monotonicity_correlation", readings, weights[None].numpy(), "logit") == pytest.approx(1)
    assert score("monotonicity_correlation", readings, -3 * weights.numpy(), "logit") == pytest.approx(1)
    ranked = score("monotonicity_correlation", readings, (1 / weights)[None].numpy(), "logit")
    assert ranked == pytest.approx(-1)


def test_faithfulness_estimate_of_pixels_is_that_of_quantus(ask, plain, draw):
    model, images, targets = _small(plain), draw(4, 1, 6, 8), torch.tensor([0, 1, 2, 0])
    maps, asked = draw(4, 6, 8, seed=1).numpy(), ask(model, images, np.arange(4), targets)
    theirs = peers.quantus("FaithfulnessEstimate", model.network, images, targets, maps, perturb_baseline=0.0)
    assert np.allclose(score("faithfulness_estimate", cells.probe(asked, cell=1), maps), theirs, atol=1e-3)


def test_monotonicity_correlation_of_pixels_is_that_of_quantus_on_the_same_draws(ask, plain, draw):
    model, images, targets = _small(plain), draw(3, 1, 4, 5), torch.tensor([0, 1, 2])
    maps, asked = draw(3, 4, 5, seed=1).numpy(), ask(model, images, np.arange(3), targets)
    generators = [noise.generator("replacements", 0, image) for image in range(3)]
    draws = [np.stack([torch.rand(1, 4, 5, generator=each).numpy() for each in generators]) for _ in range(4)]
    theirs = peers.quantus(
        "MonotonicityCorrelation",
        model.network,
        images,
        targets,
        maps,
        abs=True,
        nr_samples=4,
        perturb_func=_drawn(draws),
    )
    readings = replacements.probe(asked, cell=1)
    assert np.allclose(score("monotonicity_correlation", readings, maps), theirs, atol=1e-6)


def test_a_class_of_small_probability_has_a_monotonicity_correlation_where_quantus_stops(ask, plain, draw):
    model, images, targets = _small(plain), draw(3, 1, 4, 5), torch.tensor([0, 1, 2])
    sharp = plain(torch.nn.Sequential(model.network, _Times(5000)))
    with torch.no_grad():
        assert (sharp.network(images).softmax(1).gather(1, targets[:, None]) < 1e-5).any()
    maps = draw(3, 4, 5, seed=1).numpy()
    with pytest.raises(ValueError, match="NumPy boolean array indexing assignment"):
        peers.quantus("MonotonicityCorrelation", sharp.network, images, targets, maps, abs=True, nr_samples=2)
    readings = replacements.probe(ask(sharp, images, np.arange(3), targets), cell=1)
    assert np.isfinite(score("monotonicity_correlation", readings, maps, "logit")).all()


class _Times(torch.nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, logits):
        return self.factor * logits


def _small(plain):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return plain(small_cnn.build((1, 8, 8), 3, width=4))


def _drawn(draws):
    """Quantus' way to change indices of flat images, by one of DRAWS after the other."""
    calls = iter(range(10**9))

    def change(arr, indices, **_):
        found, values = arr.copy(), draws[next(calls) % len(draws)].reshape(len(arr), -1)
        rows = np.arange(len(arr))[:, None]
        found[rows, indices] = values[rows, indices]
        return found

    return change
