"""What the perturbation probe reads: ends, order and number of cells of its curves, against loops by hand."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from saliency_benchmark import artifacts, asking, fills, grid, masking, probing
from saliency_benchmark.probes import perturbation

CURVES = ("deletion", "insertion")


def read(classifier, inputs, maps, index, targets, **options):
    """Readings of the perturbation probe; of those that are told three ways, the probability."""
    asked = asking.Asked(classifier, inputs, index, targets, classifier.network)
    found = perturbation.probe(asked, maps, **options)
    return {name.removesuffix(".probability"): values for name, values in found.items() if ".l" not in name}


@pytest.fixture
def model(plain, seeing):
    """A classifier of its own, which a test may change, on an image size that no cell divides."""
    return plain(seeing((3, 13, 18)).network, "block3.2", 3)


def probabilities(network, images, targets):
    """One image at a time, one number each."""
    with torch.no_grad():
        answers = [network(image[None])[0].softmax(0) for image in images]
    return np.array([answer[target].item() for answer, target in zip(answers, targets, strict=True)])


def twin(classifier, image, saliency, target, cell, steps, names):
    """Readings of one image (channel, row, column), loop by loop."""
    rows, columns = max(1, round(image.shape[1] / cell)), max(1, round(image.shape[2] / cell))
    height, width = image.shape[1:]
    members = [
        [(y, x) for y in range(height) for x in range(width) if (y * rows // height, x * columns // width) == (r, c)]
        for r in range(rows)
        for c in range(columns)
    ]
    means = [np.mean([saliency[place] for place in places]) for places in members]
    order = sorted(range(len(means)), key=lambda place: -means[place])
    filled, start = (fills.fill(name, image[None], classifier.black())[0] for name in names)
    shown = {"deletion": [], "insertion": []}
    counts = [round(step * len(order) / steps) for step in range(steps + 1)]
    for count in counts:
        deleted, inserted = image.clone(), start.clone()
        for place in order[:count]:
            for y, x in members[place]:
                deleted[:, y, x], inserted[:, y, x] = filled[:, y, x], image[:, y, x]
        shown["deletion"].append(deleted)
        shown["insertion"].append(inserted)
    curves = {name: probabilities(classifier.network, each, [target] * len(each)) for name, each in shown.items()}
    changes = [sum(means[place] for place in order[a:b]) for a, b in pairwise(counts)]
    return curves | {"saliency": np.array(changes)}


@pytest.mark.parametrize(("cell", "steps", "fill", "start"), [(4, None, "mean", "blur"), (5, 4, "black", "image_mean")])
def test_readings_are_those_of_loops_over_images_steps_and_pixels(cell, steps, fill, start, model, draw):
    model.mean += 0.3
    images, maps, targets = draw(3, 3, 13, 18), draw(3, 13, 18, seed=1), torch.tensor([0, 1, 2])
    found = read(model, images, maps, np.arange(3), targets, cell=cell, steps=steps, fill=fill, start=start)
    for number in range(3):
        taken = found["saliency"].shape[1]
        expected = twin(model, images[number], maps[number].numpy(), targets[number], cell, taken, (fill, start))
        for name, values in expected.items():
            assert np.allclose(found[name][number], values, atol=1e-5), name


def test_curves_run_between_the_clean_and_the_empty_image(classifier, inputs, targets, images):
    found = read(classifier, inputs, torch.from_numpy(images["region"]).float(), images["index"], targets)
    clean = probabilities(classifier.network, inputs, targets)
    empty = probabilities(classifier.network, torch.zeros_like(inputs), targets)
    blurred = probabilities(classifier.network, fills.blur(inputs), targets)
    assert np.allclose(found["clean"], clean, atol=1e-5)
    assert np.allclose(found["deletion"][:, [0, -1]], np.stack([clean, empty], 1), atol=1e-5)
    assert np.allclose(found["insertion"][:, [0, -1]], np.stack([blurred, clean], 1), atol=1e-5)
    assert found["deletion"].shape == found["insertion"].shape == (60, 71)


def test_a_soft_mask_keeps_what_it_says_and_removes_the_rest(classifier, inputs, targets, images, draw):
    maps = draw(60, 28, 40)
    found = read(classifier, inputs, maps, images["index"], targets)
    soft = grid.smooth(grid.pool(maps, (7, 10)), (28, 40), (7, 10))
    assert np.allclose(found["kept"], probabilities(classifier.network, inputs * soft, targets), atol=1e-5)
    assert np.allclose(found["removed"], probabilities(classifier.network, inputs * (1 - soft), targets), atol=1e-5)


@pytest.mark.parametrize("maps", [torch.zeros(4, 6, 10), torch.ones(4, 6, 10), torch.eye(10)[:6].expand(4, 6, 10)])
def test_every_step_changes_exactly_so_many_cells_whatever_the_ties(maps, pixel_share):
    found = read(
        pixel_share,
        torch.ones(4, 1, 6, 10),
        maps,
        np.arange(4),
        torch.zeros(4, dtype=torch.long),
        cell=2,
        start="mean",
    )
    share = np.arange(16) / 15
    assert np.allclose(found["insertion"], share[None])
    assert np.allclose(found["deletion"], 1 - share[None], atol=1e-6)


def test_a_constant_map_masks_nothing_softly_and_says_so(classifier, inputs, targets, images):
    found = read(classifier, inputs[:3], torch.ones(3, 28, 40), images["index"][:3], targets[:3])
    assert found["kept"].isnan().all()
    assert found["removed"].isnan().all()
    assert found["deletion"].isfinite().all()


def test_an_image_alone_reads_as_in_its_batch(classifier, inputs, targets, images):
    maps = torch.from_numpy(images["region"]).float()

    def readings(block):
        return read(classifier, inputs[block], maps[block], images["index"][block], targets[block])

    together = readings(slice(0, 5))
    for at in range(5):
        for name, values in readings(slice(at, at + 1)).items():
            assert torch.allclose(values, together[name][at : at + 1], atol=1e-5), name


@pytest.mark.parametrize("steps", [1, 2, 7, 35])
def test_fewer_steps_are_the_same_curve_at_fewer_places(steps, classifier, inputs, targets, images, draw):
    asked = (classifier, inputs[:4], draw(4, 28, 40), images["index"][:4], targets[:4])
    every, some = read(*asked), read(*asked, steps=steps)
    places = np.round(np.linspace(0, 70, steps + 1)).astype(int)
    for name in CURVES:
        assert torch.allclose(some[name], every[name][:, places], atol=1e-5)
    parts = [every["saliency"][:, a:b].sum(1) for a, b in pairwise(places)]
    assert torch.allclose(some["saliency"], torch.stack(parts, 1), atol=1e-5)


def test_one_cell_is_one_step(pixel_sum):
    images = torch.full((2, 1, 2, 3), 0.1)
    found = read(pixel_sum, images, torch.ones(2, 2, 3), np.arange(2), torch.tensor([0, 0]), cell=4)
    assert torch.allclose(found["deletion"], torch.tensor([0.6, 0.0]).expand(2, 2), atol=1e-6)


def test_channels_are_summed_with_their_sign_and_scale_does_not_change_the_order(model, draw):
    images, maps, targets = draw(3, 3, 13, 18), draw(3, 3, 13, 18, seed=1), torch.tensor([0, 1, 2])
    each, summed, scaled = (
        read(model, images, saliency, np.arange(3), targets) for saliency in (maps, maps.sum(1), 8 * maps.sum(1))
    )
    for name, values in each.items():
        assert torch.allclose(values, summed[name], atol=1e-5), name
        assert torch.allclose(scaled[name], summed[name] * (8 if name == "saliency" else 1), atol=1e-5), name


def test_the_negated_map_removes_in_the_opposite_order(model, draw):
    images, maps, targets = draw(3, 3, 13, 18), draw(3, 13, 18, seed=1), torch.tensor([0, 1, 2])
    one, other = (
        read(model, images, sign * maps, np.arange(3), targets, fill="mean", start="mean") for sign in (1, -1)
    )
    # What deletion of the most salient leaves is what insertion of the least salient has brought.
    assert torch.allclose(one["deletion"], other["insertion"].flip(1), atol=1e-5)


def test_ties_fall_by_the_index_and_the_seed(model, draw):
    image, target = draw(1, 3, 13, 18).expand(3, 3, 13, 18), torch.tensor([1, 1, 1])
    found = read(model, image, torch.zeros(3, 13, 18), np.array([5, 6, 5]), target)["deletion"]
    other = read(model, image, torch.zeros(3, 13, 18), np.array([5, 6, 5]), target, seed=1)["deletion"]
    assert torch.allclose(found[0], found[2], atol=1e-6)
    assert not torch.allclose(found[0], found[1], atol=1e-4)
    assert not torch.allclose(found[0], other[0], atol=1e-4)


def test_cells_go_in_the_order_of_the_rank_map(pixel_share, draw):
    """A probability that sees one cell falls at the very step at which that cell goes."""
    maps = draw(1, 4, 6)
    rank = masking.ranks(grid.pool(maps, (2, 3)).numpy(), np.array([0]))[0]
    for cell in range(6):
        image = grid.spread(torch.eye(6)[cell][None], (4, 6), (2, 3))
        found = read(pixel_share, image, maps, np.array([0]), torch.tensor([0]), cell=2, start="mean")
        assert np.allclose(found["deletion"][0] > 0, np.arange(7) <= rank[cell])
        assert np.allclose(found["insertion"][0] > 0, np.arange(7) > rank[cell])


def test_maps_of_other_images_are_refused(tmp_path, classifier, images, targets):
    few = {key: each[:3] for key, each in images.items()}
    maps = {"attribution": few["region"].astype(np.float32), "label": few["label"], "index": few["index"] + 1}
    maps |= {"target": few["label"], "prediction": np.zeros((3, 10), np.float32)}
    artifacts.write(tmp_path / "images.h5", artifacts.IMAGES, few, {})
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, maps, {})
    with (
        artifacts.Reader(tmp_path / "images.h5", artifacts.IMAGES) as shown,
        artifacts.Reader(tmp_path / "maps.h5", artifacts.MAPS) as explained,
        pytest.raises(ValueError, match="maps are of other images"),
    ):
        probing.ask({"one": probing.Probe(perturbation.probe)}, classifier, shown, explained, {}, stop=3)
