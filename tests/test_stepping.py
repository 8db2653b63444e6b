"""What small changes do not reach is not computed again, and the logits are those of the network all the same."""

import pytest
import small
import torch
from torch import nn

from saliency_benchmark import asking, forwarding, grid, places, stepping
from saliency_benchmark.fusing import Fused
from saliency_benchmark.stepping import Change, Stepping, Steps


def curve(images, size, seed=0, most=12):
    """Images that lose a cell of a grid of SIZE at each step, each image in an order of its own."""
    number = size[0] * size[1]
    rank = torch.rand(len(images), number, generator=torch.Generator().manual_seed(seed)).argsort(1)
    masks = (grid.spread(rank < count, images.shape[2:], size) for count in range(min(number, most)))
    return [torch.where(mask, torch.tensor(0.3), images) for mask in masks]


def fused(network, images):
    return forwarding.fastest(network, tuple(images.shape[1:]))


def steps_of(network, images, change):
    return Steps(fused(network, images), tuple(images.shape[1:]), change)


@pytest.mark.parametrize("family", small.FAMILIES)
@pytest.mark.parametrize("part", [0.6, 1.0])
def test_every_family_gives_its_own_logits_at_every_step(family, part, monkeypatch):
    # As far as it pays, and as far as the layers allow.
    monkeypatch.setattr(stepping, "PART", part)
    network, images = small.network(family), small.images(family)
    size = tuple(side // 4 for side in images.shape[2:])
    steps = curve(images, size)
    found = list(steps_of(network, images, Change(size)).over(steps))
    with torch.no_grad():
        for logits, step in zip(found, steps, strict=True):
            assert torch.allclose(logits, network(step), rtol=1e-4, atol=1e-5)


class Odd(nn.Module):
    """Every kind of layer that is computed in part, some that are not, and changes in place."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, (5, 3), stride=(1, 2), padding=(4, 1), dilation=(2, 1))
        self.largest, self.mean = nn.MaxPool2d(3, 2, 1), nn.AvgPool2d((1, 2), 1)
        self.plain, self.norm = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.grouped = nn.Conv2d(16, 16, 3, groups=4, padding=1)
        self.silu, self.drop = nn.SiLU(inplace=True), nn.Dropout(0.5)
        self.same = nn.Conv2d(8, 8, 3, padding="same")

    def forward(self, images):
        values = self.largest(torch.relu_(self.first(images)))
        both = self.plain(values) + self.norm(values)
        both = nn.functional.relu(self.silu(both), inplace=True)
        both += self.drop(values)
        joined = torch.cat([self.mean(both), self.mean(self.same(both))], 1)
        gate = joined.mean((2, 3), keepdim=True).sigmoid()
        return (self.grouped(joined) * gate + joined.relu_()).mean((2, 3)) + images.mean((1, 2, 3))[:, None]


@pytest.mark.parametrize("part", [0.0, 0.2, 0.6, 1.0])
def test_layers_of_every_kind_wherever_the_network_is_cut(part, monkeypatch):
    monkeypatch.setattr(stepping, "PART", part)
    torch.manual_seed(0)
    network = Odd().eval().requires_grad_(False)
    network.norm.running_mean.uniform_(-1, 1)
    images = torch.randn(3, 3, 40, 28)
    steps = curve(images, (10, 7), most=70)
    stepped = steps_of(network, images, Change((10, 7)))
    assert (len(stepped._layers) == 1) == (part == 0)
    for logits, step in zip(stepped.over(steps), steps, strict=True):
        assert torch.allclose(logits, network(step), rtol=1e-4, atol=1e-5)


def test_what_is_reached_is_what_differs():
    torch.manual_seed(1)
    layers = [nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.Conv2d(2, 3, (1, 5), padding=(0, 4), dilation=(1, 2)),
              nn.Conv2d(2, 3, 2), nn.AvgPool2d(3, 2)]  # fmt: skip
    before, mask = torch.randn(4, 2, 17, 12), torch.zeros(4, 1, 17, 12)
    for image, place in enumerate([(0, 0), (8, 5), (16, 11), (3, 11)]):
        mask[image, 0, place[0], place[1]] = 1
    for module in layers:
        window = places.Window(module, module, places.Layer())
        differs = (module(before) != module(before + mask)).any(1, keepdim=True)
        assert torch.equal(window.reached(mask).bool(), differs)


def test_a_pixel_is_seen_by_the_nine_windows_around_it_and_nothing_else_is_computed(monkeypatch):
    computed = []
    at = places.Convolution.at
    monkeypatch.setattr(places.Convolution, "at", lambda self, rows: computed.append(len(rows)) or at(self, rows))
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1),
                            nn.AdaptiveAvgPool2d(1), nn.Flatten())  # fmt: skip
    images = torch.rand(2, 1, 20, 20)
    changed = images.clone()
    changed[0, 0, 10, 10], changed[1, 0, 0, 19] = 5, 5  # the second one in a corner
    steps = steps_of(network.eval().requires_grad_(False), images, Change((20, 20)))
    list(steps.over([images, changed, changed]))
    assert computed == [9 + 4, 25 + 9]


def test_nothing_adds_up_however_long_it_goes_on():
    network, images = small.network("resnet"), small.images("resnet")
    there = curve(images, (8, 12), most=96)
    found = list(steps_of(network, images, Change((8, 12))).over([*there, *there[::-1]] * 3))
    assert torch.allclose(found[-1], found[0], rtol=1e-5, atol=1e-6)


def test_an_image_has_its_own_logits_whatever_lies_beside_it():
    network, images = small.network("resnet"), small.images("resnet", 5)
    steps = curve(images, (8, 12))
    stepped = steps_of(network, images, Change((8, 12)))
    whole = list(stepped.over(steps))
    for all_of_them, one in zip(whole, stepped.over([each[3:4] for each in steps]), strict=True):
        assert torch.allclose(all_of_them[3:4], one, rtol=1e-4, atol=1e-5)


def test_nothing_is_held_when_it_has_ended_early_or_late():
    network, images = small.network("resnet"), small.images("resnet")
    stepped = steps_of(network, images, Change((8, 12)))
    walk = stepped.over(curve(images, (8, 12)))
    next(walk)
    assert any(layer.values.numel() for layer in stepped._layers)
    walk.close()
    assert not any(layer.values.numel() for layer in stepped._layers)


WIDE = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1),
                     nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval().requires_grad_(False)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "images", "pays"),
    [
        (Change((8, 8)), 16, True),
        (Change((8, 8)), 1, True),
        (Change((8, 8), 40), 16, False),  # most cells at a time
        (Change((32, 32), 512), 16, False),  # every second pixel
        (None, 16, False),
    ],
)
def test_it_is_done_where_it_pays(change, images, pays):
    found = Stepping(forwarding.fastest(WIDE, (3, 32, 32)), (3, 32, 32)).of(change, images)
    assert (found is not None) == pays


def test_few_images_of_a_small_network_are_not_worth_it():
    network = small.network("cnn")
    stepping_of = Stepping(forwarding.fastest(network, (3, 32, 48)), (3, 32, 48))
    assert stepping_of.of(Change((8, 12)), 1) is None
    assert stepping_of.of(Change((8, 12)), 10_000) is not None


def test_what_is_no_fused_network_runs_as_it_is():
    assert Stepping(WIDE, (3, 32, 32)).of(Change((8, 8)), 64) is None
    assert Stepping(lambda images: images.mean((2, 3)), (3, 32, 32)).of(Change((8, 8)), 64) is None


def test_what_gives_other_logits_is_not_used(monkeypatch):
    monkeypatch.setattr(places.Layer, "update", lambda self, rows: None)
    assert Stepping(forwarding.fastest(WIDE, (3, 32, 32)), (3, 32, 32)).of(Change((8, 8)), 64) is None


def test_questions_about_small_changes_are_answered_in_steps_and_as_without(classifier, inputs, targets, images):
    some, shape = slice(0, 8), tuple(inputs.shape[1:])
    forward = forwarding.fastest(classifier.network, shape)
    steps = Stepping(forward, shape)
    size = grid.for_cell(shape[1:], 4)
    parts = curve(inputs[some], size, most=20)
    plain = asking.Asked(classifier, inputs[some], images["index"][some], targets[some], forward)
    stepped = asking.Asked(classifier, inputs[some], images["index"][some], targets[some], forward, None, steps)
    called = []
    steps._known[Change(size)] = known = Steps(forward, shape, Change(size))
    known.pays = lambda number: called.append(number) or True
    assert torch.allclose(stepped.each(iter(parts), Change(size)), plain.each(iter(parts)), rtol=1e-4, atol=1e-5)
    assert called == [8]


def test_the_same_changes_are_tried_every_time():
    masks = Change((4, 6), 3).masks((8, 12))
    assert torch.equal(masks, Change((4, 6), 3).masks((8, 12)))
    assert masks.flatten(1).sum(1).tolist() == [3 * 4] * stepping.DRAWS


def test_a_fused_convolution_counts_its_weights_once():
    found = forwarding.fastest(WIDE, (3, 32, 32))
    assert not list(found.parameters())
    assert sum(isinstance(module, Fused) for module in found.modules()) == 2
