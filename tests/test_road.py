"""ROAD by hand, against loops, pytorch-grad-cam and Quantus; nineteen passes, and an image alone as in company."""

import warnings

import numpy as np
import pytest
import torch

from saliency_benchmark import batching, compat, imputation
from saliency_benchmark.metrics import road_combined, road_lerf, road_morf
from saliency_benchmark.models import small_cnn
from saliency_benchmark.probes import road

HALVES = (0.25, 0.5, 0.75)


class Counting:
    """A forward pass that counts its images."""

    def __init__(self, network):
        self.network, self.images = network, 0

    def __call__(self, images):
        self.images += len(images)
        return self.network(images)


@pytest.fixture
def model(plain):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return plain(small_cnn.build((3, 5, 20), 4, width=4), "block3.2", 3)


def curve(readings, name, output="probability"):
    return np.asarray(readings[f"{name}.{output}"])


def test_by_hand_on_four_pixels_in_a_row(pixel_sum, ask):
    """The most salient pixel stands between equals; the least salient one repeats its only neighbour."""
    image = torch.tensor([[[[0.1, 0.3, 0.1, 0.2]]]])
    maps = torch.tensor([[[0.5, 1.0, 0.2, 0.1]]])
    asked = ask(pixel_sum, image, np.array([0]), torch.tensor([0]))
    found = road.probe(asked, maps, fractions=HALVES, noise=0)
    # Gone: pixel 1 (0.1 instead of 0.3); and pixel 0 (0.1, as its neighbour); and pixel 2: all show 0.2.
    assert np.allclose(curve(found, "road_morf"), [[0.5, 0.5, 0.8]], atol=1e-6)
    # Gone: pixel 3 (0.1 instead of 0.2); and pixel 2 (0.3, as pixel 1, and so does 3); and pixel 0: all show 0.3.
    assert np.allclose(curve(found, "road_lerf")[0, :2], [0.6, 1.0], atol=1e-6)
    assert np.allclose(curve(found, "clean"), [0.7])


def test_a_constant_image_keeps_its_score(pixel_sum, ask, draw):
    asked = ask(pixel_sum, torch.full((2, 1, 4, 5), 0.03), np.arange(2), torch.tensor([0, 1]))
    found = road.probe(asked, draw(2, 4, 5), noise=0)
    for name in ("road_morf", "road_lerf"):
        assert np.allclose(curve(found, name), [[0.6], [0.4]], atol=1e-5)


def twin(classifier, image, saliency, target, fraction, first, drawn):
    """Probability of the target of one image, and whether it is predicted, pixel by pixel."""
    order = np.argsort(-saliency.ravel() if first == "most" else saliency.ravel(), kind="stable")
    gone = np.zeros(saliency.size, bool)
    gone[order[: round(fraction * saliency.size)]] = True
    gone = torch.from_numpy(gone.reshape(saliency.shape))
    shown = imputation.linear(image[None], gone[None, None])[0]
    shown = torch.where(gone, shown + drawn, image)
    with torch.no_grad():
        answer = classifier.network(shown[None])[0]
    return answer.softmax(0)[target].item(), float(answer.argmax() == target)


def test_readings_are_those_of_loops_over_images_and_fractions(model, ask, draw):
    images, maps, targets = draw(3, 3, 5, 20), draw(3, 3, 5, 20, seed=1), torch.tensor([0, 1, 2])
    found = road.probe(ask(model, images, np.arange(4, 7), targets), maps, noise=0.3, seed=5)
    drawn = imputation.draw(images, range(4, 7), 0.3, 5)
    for name, first in (("road_morf", "most"), ("road_lerf", "least")):
        for number in range(3):
            given = images[number], maps[number].sum(0).numpy(), int(targets[number])
            expected = [twin(model, *given, fraction, first, drawn[number]) for fraction in road.TENTHS]
            assert np.allclose(curve(found, name)[number], [each[0] for each in expected], atol=1e-5)
            assert np.array_equal(found[f"{name}_hit"][number], [each[1] for each in expected])


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_nineteen_passes_whatever_the_rows(rows, model, ask, draw):
    images, targets = draw(4, 3, 5, 20), torch.tensor([0, 1, 2, 3])
    asked = ask(model, images, np.arange(4), targets)
    asked.forward = Counting(model.network)
    expected = road.probe(ask(model, images, np.arange(4), targets), draw(4, 5, 20, seed=1))
    with batching.limited(rows):
        found = road.probe(asked, draw(4, 5, 20, seed=1))
    assert asked.forward.images == 19 * 4
    for name, values in expected.items():
        assert torch.allclose(found[name], values, atol=1e-5), name


def test_an_image_alone_reads_as_in_company(model, ask, draw):
    images, maps, targets, index = draw(5, 3, 5, 20), torch.zeros(5, 5, 20), torch.arange(5) % 4, np.arange(20, 25)
    maps[:, :2] = 1  # nearly all pixels tie
    together = road.probe(ask(model, images, index, targets), maps)
    for at in (3, 0):
        one = slice(at, at + 1)
        alone = road.probe(ask(model, images[one], index[one], targets[one]), maps[one])
        for name, values in alone.items():
            assert torch.allclose(values, together[name][one], atol=1e-5), name


def test_ties_and_noise_fall_by_the_index_and_the_seed(model, ask, draw):
    image, target = draw(1, 3, 5, 20).expand(3, 3, 5, 20), torch.tensor([1, 1, 1])
    asked = ask(model, image, np.array([5, 6, 5]), target)
    found = curve(road.probe(asked, torch.zeros(3, 5, 20)), "road_morf")
    assert np.allclose(found[0], found[2], atol=1e-6)
    assert not np.allclose(found[0], found[1], atol=1e-4)
    assert not np.allclose(curve(road.probe(asked, torch.zeros(3, 5, 20), seed=1), "road_morf")[0], found[0], atol=1e-4)


def test_the_other_order_is_that_of_the_negated_map(model, ask, draw):
    asked, maps = ask(model, draw(3, 3, 5, 20), np.arange(3), torch.tensor([0, 1, 2])), draw(3, 5, 20, seed=1)
    one, other = road.probe(asked, maps), road.probe(asked, -maps)
    assert torch.allclose(one["road_morf.logit"], other["road_lerf.logit"], atol=1e-5)
    assert torch.allclose(one["road_lerf_hit"], other["road_morf_hit"])


def test_scores_are_plain_means_and_combined_is_half_their_difference():
    most, least, clean = np.array([[0.9, 0.3]]), np.array([[1.0, 0.6]]), np.array([0.95])
    hits, kept = np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])
    assert road_morf.score(most, hits, clean) == pytest.approx([0.6])
    assert road_morf.score(most, hits, clean, measure="drop") == pytest.approx([-0.35])
    assert road_morf.score(most, hits, clean, measure="hits") == pytest.approx([0.5])
    assert road_lerf.score(least, kept, clean) == pytest.approx([0.8])
    assert road_combined.score(most, least, hits, kept) == pytest.approx([0.1])
    assert road_combined.score(most, least, hits, kept, measure="hits") == pytest.approx([0.25])
    for metric, given in ((road_morf, (most, hits, clean)), (road_combined, (most, least, hits, kept))):
        with pytest.raises(ValueError, match="no measure 'area'; there are: score"):
            metric.score(*given, measure="area")


@pytest.mark.parametrize("output", ["probability", "logit"])
def test_combined_is_that_of_pytorch_grad_cam_without_ties_and_noise(output, model, ask, draw, monkeypatch):
    compat.torchvision()
    from pytorch_grad_cam.metrics import road as theirs
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget, ClassifierOutputTarget

    monkeypatch.setattr(theirs.NoisyLinearImputer.__init__, "__defaults__", (0.0, theirs.neighbors_weights))
    images, maps, targets = draw(3, 3, 5, 20), draw(3, 5, 20, seed=1), torch.tensor([0, 1, 2])
    kind = ClassifierOutputSoftmaxTarget if output == "probability" else ClassifierOutputTarget
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # it gives tensors to numpy, which says that it will not for ever
        classes = [kind(int(target)) for target in targets]
        expected = theirs.ROADCombined()(images, maps.numpy(), classes, model.network)
    found = road.probe(ask(model, images, np.arange(3), targets), maps, noise=0)
    given = [curve(found, name, output) for name in ("road_morf", "road_lerf")]
    hits = [np.asarray(found[f"{name}_hit"]) for name in ("road_morf", "road_lerf")]
    assert np.allclose(road_combined.score(*given, *hits), expected, atol=1e-5)


@pytest.fixture(scope="module")
def quantus():
    compat.torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import quantus
    return quantus


def accuracies(quantus, network, images, maps, targets, **options):
    """What Quantus gives: accuracy by percentage of pixels removed, without noise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric = quantus.ROAD(
            percentages=[10, 50, 90], noise=0.0, abs=False, normalise=False, disable_warnings=True,
            perturb_func_kwargs={"noise": 0.0},
        )  # fmt: skip
        arrays = {"x_batch": images.numpy(), "y_batch": targets.numpy(), "a_batch": maps.numpy()}
        return list(metric(model=network, **arrays, device="cpu", **options).values())


def test_hits_are_the_accuracies_of_quantus_where_all_images_are_one_grey_batch(quantus, plain, ask, draw):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = plain(small_cnn.build((1, 10, 10), 3, width=4), "block3.2", 1)
    images, maps = draw(8, 1, 10, 10), draw(8, 1, 10, 10, seed=1)
    with torch.no_grad():
        targets = model.network(images).argmax(1)
    expected = accuracies(quantus, model.network, images, maps, targets, batch_size=8)
    found = road.probe(ask(model, images, np.arange(8), targets), maps, fractions=(0.1, 0.5, 0.9), noise=0)
    assert np.allclose(found["road_morf_hit"].mean(0), expected)
    # In batches of four it speaks of the first four images alone.
    first = accuracies(quantus, model.network, images, maps, targets, batch_size=4)
    assert np.allclose(found["road_morf_hit"][:4].mean(0), first)


def test_rgb_images_have_a_score_where_quantus_stops(quantus, model, ask, draw):
    images, maps, targets = draw(2, 3, 5, 20), draw(2, 3, 5, 20, seed=1), torch.tensor([0, 1])
    with pytest.raises(IndexError):
        accuracies(quantus, model.network, images, maps, targets)
    found = road.probe(ask(model, images, np.arange(2), targets), maps)
    assert np.isfinite(curve(found, "road_morf")).all()
