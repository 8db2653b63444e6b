"""Mosaics of an image and of others, and how much of a map lies on the image: by hand, by law, on the planted set."""

import numpy as np
import pytest
import torch
from torch import nn

from saliency_benchmark import mosaics
from tests.remaps import asked_of_quantus, method, probed, scored, scores


class Brightest(nn.Module):
    """Class 0 is dark, class 1 bright, from a mean of 1/2 on."""

    def forward(self, images):
        bright = images.mean((1, 2, 3))
        return torch.stack([1 - bright, bright], 1)


@pytest.fixture
def asked(classifier, inputs, targets, images, training_images, ask):
    """asked(method, places): the network that learned the planted set, asked about some of 60 test images."""
    background = classifier.normalise(training_images["data"][:40])

    def of(name, places=slice(0, 60)):
        explain = method(name, classifier, background=background, regions=images["region"][places])
        return ask(classifier, inputs[places], images["index"][places], targets[places], explain)

    return of


def the_image(model, images, targets):
    return images.clone()


def test_a_mosaic_by_hand():
    """Quadrants of 1 x 1, 1 x 2, 2 x 1 and 2 x 2 pixels, each of one colour: the image's, or that of another."""
    plan = mosaics.Plan(np.array([[True, False, False, True]]), np.array([[0, 2, 1, 0]]))
    others = torch.tensor([0.0, 5, 7])[:, None, None, None].expand(3, 1, 3, 3)
    found = mosaics.built(torch.full((1, 1, 3, 3), 9.0), others, plan)
    assert found[0, 0].tolist() == [[9, 7, 7], [5, 9, 9], [5, 9, 9]]
    assert mosaics.spread(plan, (3, 3))[0].tolist() == [[True, False, False], [False, True, True], [False, True, True]]


def test_a_quadrant_shows_the_whole_image_at_half_its_size():
    image = torch.arange(32.0).view(1, 1, 4, 8)
    plan = mosaics.Plan(np.array([[True, True, True, True]]), np.zeros((1, 4), int))
    found = mosaics.built(image, torch.zeros(1, 1, 4, 8), plan)
    halves = nn.functional.interpolate(image, (2, 4), mode="bilinear", antialias=True)
    assert torch.equal(found, halves.repeat(1, 1, 2, 2))


def test_an_image_fills_two_quadrants_and_others_that_are_allowed_the_rest():
    allowed = np.array([[True, False, True, True], [False, True, False, True]])
    for number in range(50):
        plan = mosaics.plan(np.array([3, 8]), allowed, number, 0)
        for holds, others, possible in zip(plan.holds, plan.others, allowed, strict=True):
            assert holds.sum() == 2
            first, second = others[~holds]
            assert first != second
            assert possible[[first, second]].all()


def test_all_places_and_all_others_have_the_same_chance():
    allowed = np.ones((1, 5), bool)
    plans = [mosaics.plan(np.array([3]), allowed, number, 0) for number in range(900)]
    pairs = np.unique([plan.holds[0] for plan in plans], axis=0, return_counts=True)[1]
    shown = np.bincount(np.concatenate([plan.others[0][~plan.holds[0]] for plan in plans]))
    # Six pairs of places and five others in 900 mosaics: deviations of 11 and 15.
    assert len(pairs) == 6
    assert (abs(pairs - 150) < 45).all()
    assert len(shown) == 5
    assert (abs(shown - 360) < 60).all()


def test_a_plan_is_the_images_own_and_the_seeds():
    allowed = np.ones((4, 9), bool)
    together = mosaics.plan(np.array([5, 6, 7, 8]), allowed, 0, 1)
    alone = mosaics.plan(np.array([7]), allowed[:1], 0, 1)
    assert np.array_equal(alone.holds[0], together.holds[2])
    assert np.array_equal(alone.others[0], together.others[2])
    drawn = {(mosaics.plan(np.array([7]), allowed[:1], number, seed).others.tobytes())
             for number in range(3) for seed in range(3)}  # fmt: skip
    assert len(drawn) > 6


@pytest.mark.parametrize("name", ["gradient", "grad_cam", "occlusion"])
def test_an_image_alone_reads_as_in_its_batch(name, asked):
    together = probed("mosaics", asked(name, slice(0, 5)))["share"]
    alone = np.concatenate([probed("mosaics", asked(name, slice(at, at + 1)))["share"] for at in range(5)])
    assert np.allclose(together, alone, atol=2e-3, equal_nan=True)


def test_where_the_class_is_known_all_is_on_the_image(asked):
    assert scored("focus", asked("oracle")) == pytest.approx(np.ones(60))


@pytest.mark.parametrize("name", ["random", "centre_blob"])
def test_what_looks_at_nothing_finds_the_image_as_often_as_anything(name, asked):
    found = scored("focus", asked(name), mosaics=8)
    assert abs(found.mean() - 0.5) < 4 * found.std() / 60**0.5 + 1e-6


def test_methods_that_tell_classes_apart_find_the_image_more_often_than_edges_do(asked):
    class_specific, edges = scored("focus", asked("grad_cam")), scored("focus", asked("sobel"))
    difference = class_specific - edges
    difference = difference[np.isfinite(difference)]
    assert len(difference) > 50
    assert difference.mean() > 5 * difference.std() / len(difference) ** 0.5


def test_shares_are_those_of_the_positive_part_of_each_channel(plain, ask):
    """The image is 3 in one channel and -1 in the other, the others are 1 and 1: 3 of 3 + 2 parts are the image's."""
    network = Brightest()
    classifier = plain(network, channels=2)
    background = torch.ones(6, 2, 4, 6)
    image = torch.tensor([3.0, -1.0])[None, :, None, None].expand(1, 2, 4, 6)
    one = ask(classifier, image, np.array([0]), torch.tensor([0]), method(the_image, classifier, background=background))
    assert probed("mosaics", one)["share"] == pytest.approx(np.full((1, 4), 3 / 5))


def test_others_are_images_that_the_network_takes_for_another_class(plain, ask):
    """Mosaics of a dark image show bright ones, and the other way round."""
    classifier, shown = plain(Brightest()), []
    background = torch.tensor([-2.0, 2, -1, 3, 1])[:, None, None, None].expand(5, 1, 4, 6)

    def spy(model, images, targets):
        shown.append(images.clone())
        return images

    image = torch.full((2, 1, 4, 6), 9.0)
    explain = method(spy, classifier, background=background)
    one = ask(classifier, image, np.array([0, 1]), torch.tensor([1, 0]), explain)
    probed("mosaics", one, image, mosaics=20)
    for place, possible in enumerate(([-2, -1, 9], [1, 2, 3, 9])):
        assert torch.stack([images[place] for images in shown]).round(decimals=3).unique().tolist() == possible


def test_one_image_of_another_class_is_too_few(plain, ask):
    classifier = plain(Brightest())
    background = torch.tensor([-1.0, 2, 2, 2])[:, None, None, None].expand(4, 1, 4, 6)
    explain = method(the_image, classifier, background=background)
    one = ask(classifier, torch.ones(2, 1, 4, 6), np.array([0, 1]), torch.tensor([1, 0]), explain)
    assert np.isnan(scored("focus", one)).tolist() == [True, False]
    one.targets = torch.tensor([1, 1])
    assert np.isnan(scored("focus", one)).all()


def test_one_row_has_no_quadrants(plain, ask):
    classifier = plain(Brightest())
    explain = method(the_image, classifier, background=torch.ones(4, 1, 1, 6))
    one = ask(classifier, torch.ones(2, 1, 1, 6), np.array([0, 1]), torch.tensor([0, 0]), explain)
    assert np.isnan(scored("focus", one)).all()


def test_no_positive_relevance_has_no_share(asked):
    assert np.isnan(scored("focus", asked(lambda model, images, targets, given: -images.abs(), slice(0, 3)))).all()


def test_mosaics_need_training_images(asked):
    one = asked("gradient", slice(0, 2))
    one.explain = method("gradient", one.classifier)
    with pytest.raises(ValueError, match="made with training images"):
        scored("focus", one)


def test_other_training_images_are_looked_at_anew(asked):
    """What the network takes them for is kept, but not for others."""
    one = asked("oracle", slice(0, 4))
    before = probed("mosaics", one)["share"]
    few = one.explain.given["background"][:1]
    one.explain = method("oracle", one.classifier, background=few, regions=one.explain.given["regions"])
    assert np.isfinite(before).all()
    assert np.isnan(probed("mosaics", one)["share"]).all()


def test_score_is_the_mean_over_mosaics():
    readings = {"share": np.array([[0.5, 1.0], [np.nan, 1.0]])}
    assert np.allclose(scores("focus", readings), [0.75, np.nan], equal_nan=True)


def test_shares_are_those_of_quantus_for_the_same_mosaic(asked):
    one, number = asked("gradient", slice(0, 4)), 0
    background = one.explain.given["background"]
    classes = one.answer(background).argmax(1)
    plan = mosaics.plan(one.index, (classes[None] != one.targets[:, None]).numpy(), number, 0)
    found = probed("mosaics", one, mosaics=1)["share"][:, 0]
    one.inputs = mosaics.built(one.inputs, background, plan)
    options = {"normalise": False}
    theirs = asked_of_quantus("Focus", one, options, custom_batch=[tuple(row) for row in plan.holds.astype(int)])
    assert np.allclose(found, theirs, atol=1e-5)
