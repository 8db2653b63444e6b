"""IROF by hand, against loops and Quantus; superpixels differ in number, and no image changes another's score."""

import warnings

import numpy as np
import pytest
import torch

from saliency_benchmark import batching, compat
from saliency_benchmark.explaining import parts
from saliency_benchmark.metrics import irof
from saliency_benchmark.models import small_cnn
from saliency_benchmark.probes import superpixels


@pytest.fixture
def model(plain):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return plain(small_cnn.build((3, 13, 18), 4, width=4), "block3.2", 3)


@pytest.fixture
def quarters(monkeypatch):
    """Superpixels are the four quarters of an image of 2 x 2 cells."""

    def parted(image, segments):
        rows, columns = np.indices(image.shape[1:])
        return (rows >= image.shape[1] / 2) * 2 + (columns >= image.shape[2] / 2) * 1

    monkeypatch.setattr(parts, "superpixels", parted)


def smooth(draw, *shape):
    """Images with patches of like colour: several superpixels, of different numbers."""
    return torch.nn.functional.avg_pool2d(draw(*shape[:2], shape[2] + 6, shape[3] + 6), 7, 1) * 7


def test_four_quarters_by_hand(quarters, pixel_sum, ask):
    image = torch.tensor([[[[0.1, 0.3], [0.2, 0.2]]]])
    asked = ask(pixel_sum, image, np.array([0]), torch.tensor([0]))
    found = superpixels.probe(asked, torch.tensor([[[1.0, 4.0], [3.0, 2.0]]]), segments=4)
    curve = np.asarray(found["superpixels_gone.probability"])
    assert np.allclose(curve, [[0.8, 0.5, 0.3, 0.1, 0.0]], atol=1e-6)
    # Of 0.8: trapezoids (0.65 + 0.4 + 0.2 + 0.05) / 0.8 / 4.
    assert irof.score(curve) == pytest.approx([1 - 1.3 / 3.2], abs=1e-6)


def test_a_superpixel_weighs_by_its_mean_with_its_sign_and_channels_are_summed(quarters, plain, ask, draw):
    image = draw(1, 3, 4, 6)
    maps = torch.zeros(1, 3, 4, 6)
    maps[:, 0, :2, :3], maps[:, 1, 2:, 3:], maps[:, 2, :2, 3] = 1, 2, -9  # means 1, 2, -3 and 0: 3, 0, 2, 1

    class Corners(torch.nn.Module):
        def forward(self, images):
            """A digit for each quarter that is still there."""
            there = [images[:, 0, row, column] != 0 for row, column in ((0, 0), (0, 5), (3, 0), (3, 5))]
            return torch.stack([sum(10**place * each.float() for place, each in enumerate(there)), 0 * there[0]], 1)

    found = superpixels.probe(
        ask(plain(Corners(), channels=3), image, np.array([0]), torch.tensor([0])), maps, segments=4
    )
    assert found["superpixels_gone.logit"][0, :5].tolist() == [1111, 111, 110, 10, 0]


def test_curves_are_those_of_loops_over_images_and_superpixels(model, ask, draw):
    model.mean += 0.3
    images, maps, targets = smooth(draw, 3, 3, 13, 18), draw(3, 3, 13, 18, seed=1), torch.tensor([0, 1, 2])
    found = superpixels.probe(ask(model, images, np.arange(3), targets), maps, segments=12, fill="black")
    curve, counted = np.asarray(found["superpixels_gone.probability"]), set()
    for number, (image, saliency) in enumerate(zip(images, maps.sum(1).numpy(), strict=True)):
        places = parts.superpixels((image + 0.3).numpy(), 12)
        means = [saliency[places == place].mean() for place in range(places.max() + 1)]
        shown, expected = image.clone(), []
        for place in [None, *np.argsort(-np.array(means))]:
            shown[:, torch.from_numpy(places == place)] = -0.3
            with torch.no_grad():
                expected.append(model.network(shown[None])[0].softmax(0)[targets[number]].item())
        assert np.allclose(curve[number, : len(expected)], expected, atol=1e-5)
        assert np.isnan(curve[number, len(expected) :]).all()
        # The area by hand: over the number of superpixels, as a share of the first.
        area = np.trapezoid(np.array(expected) / expected[0], dx=1 / len(means))
        assert irof.score(curve)[number] == pytest.approx(1 - area, abs=1e-5)
        counted.add(len(means))
    assert len(counted) > 1


@pytest.mark.parametrize("rows", [1, 5, 64])
def test_an_image_alone_scores_as_in_company_in_any_number_of_rows(rows, model, ask, draw):
    images, targets, index = smooth(draw, 4, 3, 13, 18), torch.arange(4), np.arange(7, 11)
    maps = torch.zeros(4, 13, 18)  # every superpixel ties
    together = superpixels.probe(ask(model, images, index, targets), maps, segments=12)
    with batching.limited(rows):
        for at in range(4):
            one = slice(at, at + 1)
            alone = superpixels.probe(ask(model, images[one], index[one], targets[one]), maps[one], segments=12)
            for name, values in alone.items():
                assert torch.allclose(values, together[name][one], atol=1e-5, equal_nan=True), name


def test_one_pass_for_each_superpixel_and_image(model, ask, draw):
    images, targets = smooth(draw, 4, 3, 13, 18), torch.arange(4)
    asked, counted = ask(model, images, np.arange(4), targets), []
    asked.forward = lambda given: counted.append(len(given)) or model.network(given)
    superpixels.probe(asked, draw(4, 13, 18, seed=1), segments=12)
    # Nothing of it gone is the clean image, everything gone the filled one.
    assert sum(counted) == 4 + sum(int(parts.superpixels(image, 12).max()) + 1 for image in images.numpy())


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 1, 7), (3, 2, 2), (1, 5, 5), (3, 13, 18), (1, 28, 28)])
@pytest.mark.parametrize("segments", [1, 7, 16, 50])
def test_no_image_has_more_superpixels_than_there_is_room_for(shape, segments, draw):
    for image in (draw(*shape), torch.ones(shape), smooth(draw, 1, *shape)[0], draw(*shape, seed=2).sign()):
        found = parts.superpixels(image.numpy(), segments).max() + 1
        assert found <= superpixels.largest(shape[1] * shape[2], segments)


def test_one_pixel_and_one_superpixel_have_a_score(pixel_sum, ask):
    asked = ask(pixel_sum, torch.full((2, 1, 1, 1), 0.5), np.arange(2), torch.tensor([0, 1]))
    asked.forward = lambda images: pixel_sum.network(images) if len(images) else pytest.fail("nothing was asked")
    curve = np.asarray(superpixels.probe(asked, torch.ones(2, 1, 1))["superpixels_gone.probability"])
    assert np.allclose(curve[:, :2], [[0.5, 0.0], [0.5, 1.0]])
    assert np.allclose(irof.score(curve), [0.5, -0.5])


def test_a_clean_score_that_is_not_positive_gives_no_number():
    curves = np.array([[0.0, 0.1, np.nan], [-1.0, -2.0, -3.0], [np.nan, np.nan, np.nan], [1.0, 0.0, np.nan]])
    assert np.array_equal(irof.score(curves), [np.nan, np.nan, np.nan, 0.5], equal_nan=True)


@pytest.fixture(scope="module")
def quantus():
    compat.torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import quantus
    return quantus


def theirs(quantus, network, images, maps, targets):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric = quantus.IROF(
            abs=False, normalise=False, perturb_baseline=0.0, return_aggregate=False, disable_warnings=True
        )
        arrays = {"x_batch": images.numpy(), "y_batch": targets.numpy(), "a_batch": maps.numpy()}
        return np.asarray(metric(model=network, **arrays, device="cpu"))


def test_a_grey_image_has_the_curve_of_quantus_alone_and_in_company_where_quantus_changes_it(
    quantus, plain, ask, draw, monkeypatch
):
    from quantus.helpers import utils

    monkeypatch.setattr(np, "trapz", np.trapezoid, raising=False)  # it asks for a name that numpy 2 has no more
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = plain(small_cnn.build((1, 13, 18), 3, width=4), "block3.2", 1)
    monkeypatch.setattr(
        utils, "get_superpixel_segments", lambda img, segmentation_method: parts.superpixels(np.moveaxis(img, 2, 0), 12)
    )
    images, maps, targets = smooth(draw, 4, 1, 13, 18), draw(4, 1, 13, 18, seed=1), torch.arange(4) % 3
    found = superpixels.probe(ask(model, images, np.arange(4), targets), maps, segments=12)
    curves = np.asarray(found["superpixels_gone.probability"], float)
    counts = np.isfinite(curves).sum(1) - 1
    # Its curve has no clean image, and its area is in superpixels: number less trapezoids from the first one gone on.
    expected = [
        count - np.trapezoid(curve[1 : count + 1] / curve[0]) for curve, count in zip(curves, counts, strict=True)
    ]
    alone = [
        theirs(quantus, model.network, *(each[at : at + 1] for each in (images, maps, targets)))[0] for at in range(4)
    ]
    assert np.allclose(alone, expected, atol=1e-4)
    # Beside an image with more superpixels it adds a triangle to the area, down to a score of 0 that was never asked.
    last = curves[np.arange(4), counts] / curves[:, 0]
    together = theirs(quantus, model.network, images, maps, targets)
    assert np.allclose(together, expected - np.where(counts < counts.max(), last / 2, 0), atol=1e-4)
    assert np.abs(together - alone).max() > 0.1


def test_rgb_images_have_a_score_where_quantus_stops(quantus, model, ask, draw):
    images, maps, targets = smooth(draw, 2, 3, 13, 18), draw(2, 3, 13, 18, seed=1), torch.tensor([0, 1])
    with pytest.raises(AssertionError, match="same as the mask shape"):
        theirs(quantus, model.network, images, maps, targets)
    found = superpixels.probe(ask(model, images, np.arange(2), targets), maps, segments=12)
    assert np.isfinite(irof.score(np.asarray(found["superpixels_gone.probability"]))).all()
