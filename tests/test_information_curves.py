"""SIC and AIC by hand and against loops: what is revealed, how many bytes it takes, and areas over information."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from saliency_benchmark import batching, compression, imputation
from saliency_benchmark.metrics import aic, sic
from saliency_benchmark.probes import information


@pytest.fixture
def model(plain, seeing):
    made = plain(seeing((3, 13, 18), 4).network, "block3.2", 3)
    made.mean, made.deviation = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.3])
    return made


def pixels(*shape, seed=0):
    """Smooth images in whole numbers, 0 to 255."""
    rows, columns = np.indices(shape[2:])
    rng = np.random.default_rng(seed)
    waves = [np.sin(rows * a + b) * np.cos(columns * c) for a, b, c in rng.uniform(0, 1, (shape[0] * shape[1], 3))]
    return torch.from_numpy((127 + 120 * np.reshape(waves, shape) + rng.normal(0, 3, shape)).clip(0, 255)).byte()


def entropy(values):
    """Bits of the values by how often each occurs."""
    counts = Counter(values)
    return sum(count * math.log2(len(values) / count) for count in counts.values())


def test_bytes_by_hand():
    image = torch.tensor([[[[0, 0, 5, 5]]]])
    # Less the pixel to the left: 0, 0, 5, 0.
    assert compression.size(image).item() == pytest.approx((3 * math.log2(4 / 3) + math.log2(4)) / 8)
    assert compression.size(torch.zeros(2, 3, 4, 5)).tolist() == [0, 0]


def test_bytes_are_those_of_loops_over_pixels():
    images = pixels(3, 2, 6, 7)
    images[1] = torch.randint(0, 256, (2, 6, 7), generator=torch.Generator().manual_seed(0))
    for image, found in zip(images.numpy().astype(int), compression.size(images), strict=True):
        bits = 0
        for channel in image:
            rest = []
            for row, column in np.ndindex(channel.shape):
                left = channel[row, column - 1] if column else 0
                above = channel[row - 1, column] if row else 0
                corner = channel[row - 1, column - 1] if row and column else 0
                rest.append((channel[row, column] - sorted([left, above, left + above - corner])[1]) % 256)
            bits += entropy(rest)
        assert found.item() == pytest.approx(bits / 8)


def test_noise_takes_a_byte_for_each_value_and_a_slope_nearly_nothing():
    noise = torch.randint(0, 256, (1, 3, 128, 128), generator=torch.Generator().manual_seed(0))
    # The entropy of n draws of 256 equal chances falls short of 8 bits by 255 / (2 n ln 2).
    short = 255 / (2 * 128**2 * math.log(2))
    assert compression.size(noise).item() == pytest.approx(3 * 128**2 * (8 - short) / 8, rel=1e-3)
    slope = (torch.arange(128)[:, None] + torch.arange(128))[None, None]
    assert compression.size(slope).item() < 10


def test_pixels_appear_by_hand(pixel_sum, ask):
    image = torch.tensor([[[[102.0, 51.0], [0.0, 51.0]]]]) / 255
    maps = torch.tensor([[[4.0, 1.0], [3.0, 2.0]]])
    asked = ask(pixel_sum, image, np.array([0]), torch.tensor([0]))
    found = information.probe(asked, maps, shares=(0.25, 0.5, 0.75), start="mean")
    assert np.allclose(found["revealed.probability"], [[0, 0.4, 0.4, 0.6, 0.8]], atol=1e-6)
    assert found["hit"].tolist() == [[0, 0, 0, 1, 1]]
    # Less the median of left, above and left + above - corner.
    rest = [[0, 0, 0, 0], [102, -102, 0, 0], [102, -102, -102, 0], [102, -102, -102, 51], [102, -51, -102, 51]]
    assert np.allclose(found["size"], [[entropy(each) / 8 for each in rest]])


@pytest.mark.parametrize("maps", [torch.zeros(4, 6, 10), torch.eye(10)[:6].expand(4, 6, 10)])
def test_exactly_so_many_pixels_appear_whatever_the_ties(maps, pixel_share, ask):
    asked = ask(pixel_share, torch.ones(4, 1, 6, 10), np.arange(4), torch.zeros(4, dtype=torch.long))
    found = information.probe(asked, maps, shares=(0.01, 0.1, 0.33, 0.5), start="mean")
    expected = np.array([0, 1, 6, 20, 30, 60]) / 60
    assert np.allclose(found["revealed.probability"], expected[None], atol=1e-6)


def twin(classifier, image, saliency, target, known, share):
    """Score and size of one image of whole numbers, when a share of its pixels appears."""
    top = np.argsort(-saliency.ravel(), kind="stable")[: round(share * saliency.size)]
    shown = known.copy()
    shown.ravel()[top] = True
    blurred = imputation.linear(image[None].float(), torch.from_numpy(~shown)[None, None])
    blurred = (blurred + 0.01).round()
    with torch.no_grad():
        answer = classifier.network(classifier.normalise(blurred))[0]
    return answer.softmax(0)[target].item(), float(answer.argmax() == target), compression.size(blurred).item()


def test_readings_are_those_of_loops_over_images_and_shares(model, ask, draw):
    whole, maps, targets = pixels(3, 3, 13, 18), draw(3, 3, 13, 18), torch.tensor([0, 1, 2])
    asked = ask(model, model.normalise(whole), np.arange(5, 8), targets)
    found = information.probe(asked, maps, known=0.05, seed=3)
    for number in range(3):
        known = information._known((13, 18), 0.05, 3, 5 + number)
        given = model, whole[number], maps[number].sum(0).numpy(), int(targets[number]), known
        expected = [twin(*given, share) for share in (0, *information.SHARES, 1)]
        for name, values in zip(("revealed.probability", "hit", "size"), zip(*expected, strict=True), strict=True):
            assert np.allclose(found[name][number], values, atol=1e-4), name


def test_the_corners_and_a_random_share_are_known_by_the_index_and_the_seed():
    for shape in ((13, 18), (40, 50)):
        known = [information._known(shape, 0.1, seed, image) for seed, image in ((0, 4), (0, 5), (1, 4), (0, 4))]
        assert np.array_equal(known[0], known[3])
        assert not np.array_equal(known[0], known[1])
        assert not np.array_equal(known[0], known[2])
        for each in known:
            assert each[[0, 0, -1, -1], [0, -1, 0, -1]].all()
            assert 0 <= each.sum() - round(0.1 * shape[0] * shape[1]) <= 4
    assert information._known((1, 1), 0, 0, 0).all()


def test_the_network_sees_whole_numbers_and_each_image_fourteen_times_besides_the_clean_one(model, ask, draw):
    asked, seen = ask(model, model.normalise(pixels(2, 3, 13, 18)), np.arange(2), torch.tensor([0, 1])), []
    asked.forward = lambda images: seen.append(images) or model.network(images)
    information.probe(asked, draw(2, 13, 18))
    bytes_ = (torch.cat(seen) * model.deviation[:, None, None] + model.mean[:, None, None]) * 255
    assert len(bytes_) == 2 * 15
    assert torch.allclose(bytes_, bytes_.round(), atol=1e-3)


@pytest.mark.parametrize("start", ["interpolated", "blur"])
@pytest.mark.parametrize("rows", [1, 5, 64])
def test_an_image_alone_reads_as_in_company_in_any_number_of_rows(rows, start, model, ask):
    inputs, targets, index = model.normalise(pixels(3, 3, 13, 18)), torch.arange(3), np.arange(7, 10)
    maps = torch.zeros(3, 13, 18)
    maps[:, 3:6] = 1
    together = information.probe(ask(model, inputs, index, targets), maps, start=start)
    with batching.limited(rows):
        for at in range(3):
            one = slice(at, at + 1)
            alone = information.probe(ask(model, inputs[one], index[one], targets[one]), maps[one], start=start)
            for name, values in alone.items():
                assert torch.allclose(values, together[name][one], rtol=1e-4, atol=1e-4), name


def test_all_pixels_are_the_image(model, ask, draw):
    asked = ask(model, model.normalise(pixels(2, 3, 13, 18)), np.arange(2), torch.tensor([0, 1]))
    found = information.probe(asked, draw(2, 13, 18), shares=(1.0,))
    for name, values in found.items():
        assert torch.allclose(values[:, 1], values[:, 2], atol=1e-5), name


def test_areas_by_hand():
    size = np.array([[10.0, 20, 50]])
    # Places 0, 1/4, 1 and heights 0, 2/3, 1.
    assert sic.score(np.array([[0.1, 0.5, 0.7]]), size) == pytest.approx([0.25 / 3 + 0.75 * 5 / 6])
    # The class is there after a quarter, and that it goes again does not count.
    assert aic.score(np.array([[0.0, 1, 0, 1]]), np.array([[0.0, 5, 10, 20]])) == pytest.approx([0.25 / 2 + 0.75])


def test_areas_are_those_of_the_authors_resampling():
    rng = np.random.default_rng(0)
    values = np.concatenate([np.full((20, 1), 0.1), rng.random((20, 13)), np.full((20, 1), 0.9)], 1)
    size = np.concatenate([np.full((20, 1), 100), rng.uniform(90, 1000, (20, 13)), np.full((20, 1), 900)], 1)
    for curve, bytes_, found in zip(values, size, sic.score(values, size), strict=True):
        height, points = 0.0, [(0.0, 0.0), (1.0, 1.0)]
        for value, place in zip(curve[1:-1], bytes_[1:-1], strict=True):
            height = max(height, np.clip((value - 0.1) / 0.8, 0, 1))
            points.append((np.clip((place - 100) / 800, 0, 1), height))
        points = sorted(points)
        places = np.linspace(0, 1, 100_001)
        resampled = np.interp(places, *zip(*points, strict=True))
        assert np.trapezoid(resampled, places) == pytest.approx(found, abs=1e-4)


def test_no_number_where_the_blurred_image_tells_as_much_or_the_class_is_not_sure_enough():
    size = np.array([[1.0, 2, 3]] * 3 + [[3.0, 2, 3]])
    values = np.array([[0.2, 0.4, 0.6], [0.6, 0.9, 0.6], [0.7, 0.9, 0.6], [0.2, 0.4, 0.6]])
    assert np.array_equal(np.isnan(sic.score(values, size)), [False, True, True, True])
    assert np.isnan(sic.score(values, size, minimum=0.8)).all()
    hits = np.array([[0.0, 1, 1], [1, 1, 1], [0, 1, 0], [0, 1, 1]])
    assert np.array_equal(np.isnan(aic.score(hits, size)), [False, True, True, True])
    assert np.isnan(sic.score(np.full((1, 3), np.nan), size[:1])).all()
