"""The engine: bounded batches that halve themselves, shared passes, what is explained, and what is told of each map."""

import weakref

import numpy as np
import pytest
import torch
from torch import nn

from saliency_benchmark import artifacts, attribution, batching, calling, config, gradients, sharing
from saliency_benchmark.attribution import Method
from saliency_benchmark.explaining import cams, ensembles
from tests.test_config import TINY, changed

ABOUT = ["sum", "positive_share", "zero_share", "invalid", "completeness_gap"]


@pytest.fixture
def stored(tmp_path, images):
    """stored(methods, **choices): what the engine writes of 11 images, by method."""
    few = {name: values[:11] for name, values in images.items()}
    artifacts.write(tmp_path / "images.h5", artifacts.IMAGES, few, {})

    def run(classifier, methods, **choices):
        writers = {label: artifacts.Writer(tmp_path / f"{label}.h5", artifacts.MAPS, {}) for label in methods}
        with artifacts.Reader(tmp_path / "images.h5", artifacts.IMAGES) as reader:
            for writer in writers.values():
                writer.__enter__()
            attribution.explain(methods, classifier, reader, writers, **choices)
            for writer in writers.values():
                writer.__exit__(None, None, None)
        return {label: artifacts.read(tmp_path / f"{label}.h5", artifacts.MAPS) for label in methods}

    return run


def close(one, other):
    return np.allclose(one, other, rtol=1e-3, atol=1e-5 * np.abs(other).max())


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory"), RuntimeError(
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "1 bytes. Error code 12 (Cannot allocate memory)")])  # fmt: skip
def test_a_block_that_does_not_fit_is_halved_until_it_does_and_nothing_is_lost(error, classifier, stored, caplog):
    sizes = []

    def hungry(model, images, targets):
        sizes.append(len(images))
        if len(images) > 3:
            raise error
        return gradients.gradient(model, images, targets)

    found = stored(classifier, {"hungry": Method(hungry)}, rows=8)["hungry"]
    assert sizes == [8, 4, 2, 2, 2, 2, 2, 1]
    assert list(found["index"]) == list(range(11))
    plain = stored(classifier, {"plain": attribution.method("gradient", {})})["plain"]
    assert close(found["attribution"], plain["attribution"])
    assert "explain.rows: 2" in caplog.text


def test_an_image_that_does_not_fit_alone_is_told(classifier, stored):
    def greedy(model, images, targets):
        raise MemoryError

    with pytest.raises(MemoryError, match="one image at a time"):
        stored(classifier, {"greedy": Method(greedy)}, rows=4)


def test_other_errors_are_not_taken_for_a_lack_of_memory(classifier, stored):
    calls = []

    def wrong(model, images, targets):
        calls.append(len(images))
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        stored(classifier, {"wrong": Method(wrong)})
    assert len(calls) == 1


def test_steps_are_cut_so_that_images_times_steps_stay_within_the_rows():
    with batching.limited(10):
        assert [len(span) for span in batching.spans(7, 4)] == [2, 2, 2, 1]
        assert [len(span) for span in batching.spans(3, 40)] == [1, 1, 1]
        assert [step for span in batching.spans(25, 1) for step in span] == list(range(25))


@pytest.mark.parametrize(("name", "options"), [("integrated_gradients", {"steps": 9}), ("smoothgrad", {"samples": 9}),
                                               ("vargrad", {"samples": 9})])  # fmt: skip
def test_no_forward_pass_holds_more_images_than_the_rows(name, options, classifier, stored):
    sizes = []
    handle = classifier.network.register_forward_hook(lambda module, inputs, output: sizes.append(len(inputs[0])))
    try:
        stored(classifier, {name: attribution.method(name, {"options": options})}, rows=6)
    finally:
        handle.remove()
    assert max(sizes) == 6


def test_rows_found_by_themselves_fall_with_the_size_of_the_images_and_are_the_same_every_time(classifier):
    found = [batching.automatic(classifier.network, (3, size, size)) for size in (16, 256, 1024, 1024)]
    assert found[0] > found[1] > found[2] == found[3]
    assert all(number & (number - 1) == 0 for number in found)


def test_methods_that_share_work_share_their_passes_and_give_what_they_give_alone(classifier, stored):
    names = ["cam", "grad_cam", "layer_cam", "xgrad_cam", "grad_cam_plus_plus", "hires_cam", "eigen_cam"]
    names += ["smoothgrad", "smoothgrad_squared", "vargrad", "gradient", "input_x_gradient"]
    methods = {name: attribution.method(name, {}) for name in names}
    passes = []
    handle = classifier.network.register_forward_hook(lambda module, inputs, output: passes.append(len(inputs[0])))
    try:
        together = stored(classifier, methods)
        number = sum(passes)
        alone = {name: stored(classifier, {name: one})[name] for name, one in methods.items()}
    finally:
        handle.remove()
    # Per image: the prediction, one pass for all CAMs, one for the gradient, 15 for the noisy copies.
    assert number <= 11 * (1 + 1 + 1 + 15) + 30
    for name in names:
        assert close(together[name]["attribution"], alone[name]["attribution"]), name


def test_what_is_kept_is_forgotten_with_its_block():
    calls = []

    @sharing.once
    def work(values, *, power):
        calls.append(power)
        return values**power

    tensor = torch.ones(2)
    work(tensor, power=2), work(tensor, power=2)
    assert len(calls) == 2
    with sharing.shared():
        assert work(tensor, power=2) is work(tensor, power=2)
        work(tensor, power=3), work(torch.ones(2), power=2)
    assert len(calls) == 5


def test_nothing_is_kept_of_noisy_copies_however_many(classifier, inputs, targets):
    held = []

    @sharing.once
    def base(model, images, targets):
        held.append(weakref.ref(images))
        return images.clone()

    with sharing.shared():
        for _ in ensembles.noisy(base, classifier.network, inputs[:4], targets[:4], 40, 0.1, 0):
            assert sum(each() is not None for each in held) <= 2


def test_a_probability_is_explained_where_that_is_asked(classifier, inputs, targets, stored):
    found = stored(classifier, {"g": attribution.method("gradient", {})}, output="probability")["g"]
    images = inputs[:11].clone().requires_grad_(True)
    chosen = classifier.network(images).softmax(1).gather(1, targets[:11, None]).sum()
    assert close(found["attribution"], torch.autograd.grad(chosen, images)[0].numpy())
    logits = classifier.network(inputs[:11]).detach().numpy()
    assert np.allclose(found["prediction"], logits, atol=1e-4)  # what is stored stays the logits
    assert not classifier.network._forward_hooks


def test_a_given_class_is_explained_on_every_image_and_one_that_is_not_there_is_refused(classifier, stored):
    found = stored(classifier, {"g": attribution.method("gradient", {})}, target=2)["g"]
    assert set(found["target"]) == {2}
    with pytest.raises(ValueError, match=r"class 99 of a network with the classes 0 to 9"):
        stored(classifier, {"g": attribution.method("gradient", {})}, target=99)


def test_what_is_told_of_a_map_by_hand():
    maps = np.array([[[[1.0, -2.0], [0.0, 4.0]]], [[[np.nan, np.inf], [0.0, -1.0]]]])
    told = attribution.quality(maps, torch.tensor([2.5, 0.0]))
    assert told["sum"].tolist() == [3, -1]
    assert told["positive_share"].tolist() == [0.5, 0]
    assert told["zero_share"].tolist() == [0.25, 0.5]
    assert told["invalid"].tolist() == [0, 2]
    assert told["completeness_gap"].tolist() == [0.5, -1]
    assert np.isnan(attribution.quality(maps, None)["completeness_gap"]).all()


def test_every_map_is_told_of_and_the_gap_is_small_where_the_method_completes(classifier, stored):
    methods = {name: attribution.method(name, {}) for name in ("integrated_gradients", "lrp_epsilon", "gradient")}
    found = stored(classifier, methods)
    for arrays in found.values():
        assert all(len(arrays[name]) == 11 for name in ABOUT)
        assert np.allclose(arrays["sum"], arrays["attribution"].reshape(11, -1).sum(1), rtol=1e-3, atol=1e-3)
    assert np.isnan(found["gradient"]["completeness_gap"]).all()
    gaps = found["integrated_gradients"]["completeness_gap"]
    assert np.abs(gaps).max() < 0.1 * np.abs(found["integrated_gradients"]["prediction"]).max()
    assert np.isfinite(found["lrp_epsilon"]["completeness_gap"]).all()


def test_a_method_that_asks_for_training_images_is_given_them_as_the_network_sees_them(classifier, images, stored):
    seen = []

    def curious(model, images, targets, *, background, black, white, output, given):
        seen.append((background, black, white, output, given["layer"]))
        return images

    stored(classifier, {"c": Method(curious)}, background=images["data"][40:45])
    background, black, white, output, layer = seen[0]
    assert torch.allclose(background, classifier.normalise(images["data"][40:45]))
    pixels = np.zeros((1, 3, 2, 2), np.uint8)
    assert torch.allclose(black, classifier.normalise(pixels)[0, :, 0, 0], atol=1e-6)
    assert torch.allclose(white, classifier.normalise(pixels + 255)[0, :, 0, 0], atol=1e-6)
    assert (output, layer) == ("logit", classifier.layer)


def test_a_method_that_changes_its_images_is_refused(classifier, inputs, targets):
    def careless(model, images, targets):
        return images.mul_(2)

    with pytest.raises(ValueError, match="changed its images in place"):
        attribution.maps_of(careless, classifier, inputs[:2], targets[:2])


def test_a_method_that_cannot_work_says_so_before_it_works(plain, stored):
    linear = plain(nn.Sequential(nn.Flatten(), nn.Linear(3 * 28 * 40, 10)), "", 3)
    with pytest.raises(ValueError, match=r"guided_backprop cannot explain this model: .*ReLU"):
        stored(linear, {"guided_backprop": attribution.method("guided_backprop", {})})


@pytest.mark.parametrize("base", ["integrated_gradients", "expected_gradients", "lrp_epsilon_gamma_box", "grad_cam"])
def test_an_ensemble_hands_on_what_its_base_asks_for(base, classifier, images, stored):
    entry = {"options": {"base": base, "samples": 2, "noise": 0.0}}
    options = {"steps": 3} if base == "integrated_gradients" else {}
    methods = {
        "mean": attribution.method("smoothgrad", {"options": entry["options"] | {"base_options": options}}),
        "single": attribution.method(base, {"options": options}),
    }
    found = stored(classifier, methods, background=images["data"][40:60])
    assert close(found["mean"]["attribution"], found["single"]["attribution"])


@pytest.mark.parametrize("name", ["gradient", "grad_cam", "guided_backprop", "lrp_epsilon_plus_flat"])
def test_a_pass_that_is_kept_serves_other_targets_too(name, classifier, inputs, targets):
    one, given = attribution.method(name, {}), attribution.provided(classifier, "logit")
    other = (targets[:3] + 1) % 10

    def maps(classes):
        return calling.call(one.attribute, classifier.network, shown, classes, given=given, options={})

    shown = inputs[:3].clone()
    with attribution.explained(classifier, "logit"):
        alone = [maps(targets[:3]), maps(other)]
        with sharing.shared():
            together = [maps(targets[:3]), maps(other)]
    assert all(torch.equal(*pair) for pair in zip(alone, together, strict=True))


def test_a_method_may_look_at_another_layer_and_that_is_part_of_what_it_is(classifier, inputs, targets, stored):
    methods = {label: attribution.method("grad_cam", {"options": options})
               for label, options in {"last": {}, "early": {"layer": "block1"}}.items()}  # fmt: skip
    found = stored(classifier, methods)
    assert not close(found["last"]["attribution"], found["early"]["attribution"])
    features, gradient = cams.read(classifier.network, inputs[:11], targets[:11], "block1")
    by_hand = cams.draw(cams.weighted(features, gradient.mean((2, 3)), True), inputs[:11])
    assert close(found["early"]["attribution"][:, 0], by_hand.numpy())
    entry = {"file": "grad_cam", "options": {"layer": "block1"}}
    settings = config.complete(changed(methods=TINY["methods"] | {"early": entry}))
    assert settings["methods"]["early"]["options"] == {"layer": "block1"}
