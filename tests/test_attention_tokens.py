"""Swin's windows and merges, walked, against matrices over all tokens that are filled token by token."""

import itertools

import pytest
import torch

from saliency_benchmark import compat, gradients, registry
from saliency_benchmark.explaining import attention_tokens, cams
from saliency_benchmark.explaining.attention_tokens import Merge, Windows
from saliency_benchmark.explaining.rewriting import Rewriting
from tests import small

TARGETS = torch.tensor([2, 0])
# Grids of 8 x 16 and 4 x 8 tokens, which are whole windows; of 8 x 12 and 4 x 6; of 7 x 11 and 4 x 6 (padded, and odd
# merges); of 4 x 9 (one window high) and 2 x 5.
WHOLE = (32, 64)
SIZES = [WHOLE, (32, 48), (28, 44), (16, 36)]
GEOMETRIES = [
    ((8, 12), (4, 4), (0, 0)),
    ((8, 12), (4, 4), (2, 2)),
    ((7, 11), (4, 4), (2, 2)),
    ((3, 9), (4, 4), (2, 2)),
    ((6, 5), (2, 3), (1, 0)),
]


def swin(version=1):
    """The small Swin with biases and tables that matter; on both versions two blocks of 4 x 4 windows in each stage."""
    if version == 1:
        network = small.network("swin")
    else:
        compat.torchvision()
        from torchvision.models import swin_transformer as parts

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = parts.SwinTransformer(
                [4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=small.CLASSES,
                block=parts.SwinTransformerBlockV2, downsample_layer=parts.PatchMergingV2,
            )  # fmt: skip
    generator = torch.Generator().manual_seed(3)
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    return network.double().eval().requires_grad_(False)


def pictures(size, number=2):
    return torch.randn(number, 3, *size, generator=torch.Generator().manual_seed(4)).double()


def windows_of(grid, window, shift):
    """For each window the tokens in it, (row, column) or None for padding, and the region that each came from."""
    padded = [-(-length // size) * size for length, size in zip(grid, window, strict=True)]
    moved = [0 if size >= length else by for size, length, by in zip(window, padded, shift, strict=True)]

    def token(row, column):
        place = (row + moved[0]) % padded[0], (column + moved[1]) % padded[1]
        return place if place[0] < grid[0] and place[1] < grid[1] else None

    def region(row, column):
        """Which tokens were neighbours before the shift."""
        return [
            (at >= length - size) + (at >= length - by) if by else 0
            for at, length, size, by in zip((row, column), padded, window, moved, strict=True)
        ]

    for top, left in itertools.product(range(0, padded[0], window[0]), range(0, padded[1], window[1])):
        places = list(itertools.product(range(top, top + window[0]), range(left, left + window[1])))
        yield [token(*place) for place in places], [region(*place) for place in places]


def matrix(weights, grid, window, shift):
    """(window, query, key) of one image as one matrix over all tokens of the grid, filled entry by entry."""
    full = torch.zeros(grid[0] * grid[1], grid[0] * grid[1], dtype=weights.dtype)
    for values, (tokens, _) in zip(weights, windows_of(grid, window, shift), strict=True):
        numbers = [None if token is None else token[0] * grid[1] + token[1] for token in tokens]
        for (row, query), (column, key) in itertools.product(enumerate(numbers), repeat=2):
            if query is not None and key is not None:
                full[query, key] = values[row, column]
    return full


def merging(grid):
    """Each token of the smaller grid takes equal parts of those of GRID that it is made of."""
    rows, columns = -(-grid[0] // 2), -(-grid[1] // 2)
    full = torch.zeros(rows * columns, grid[0] * grid[1], dtype=torch.float64)
    for row, column in itertools.product(range(grid[0]), range(grid[1])):
        full[row // 2 * columns + column // 2, row * grid[1] + column] = 1
    return full / full.sum(1, keepdim=True)


def watched(network, images, targets):
    """Weights and gradients of all attentions in order, and modules with what entered them: attentions and merges."""
    entered, weights = [], []

    def softmax(function, *args, **kwargs):
        weights.append(function(*args, **kwargs).requires_grad_())
        return weights[-1]

    kinds = ("ShiftedWindowAttention", "ShiftedWindowAttentionV2", "PatchMerging", "PatchMergingV2")
    modules = [module for module in network.modules() if type(module).__name__ in kinds]
    handles = [module.register_forward_pre_hook(lambda module, inputs: entered.append((module, inputs[0])))
               for module in modules]  # fmt: skip
    with Rewriting({"softmax": softmax}):
        output = gradients.chosen(network(images), targets)
    for handle in handles:
        handle.remove()
    slopes = torch.autograd.grad(output.sum(), weights)
    return [each.detach() for each in weights], slopes, [(module, values.detach()) for module, values in entered]


def products(network, images, values, combine):
    """Per image the product of all layers' matrices: combine(matrix of `values`), and the merges."""
    _, _, entered = watched(network, images, TARGETS)
    found = []
    for image in range(len(images)):
        total, left = None, iter(values)
        for module, inputs in entered:
            grid = tuple(inputs.shape[1:3])
            if hasattr(module, "window_size"):
                own = next(left).unflatten(0, (len(images), -1))[image]
                step = combine(matrix(own, grid, module.window_size, module.shift_size))
            else:
                step = merging(grid)
            total = step if total is None else step @ total
        found.append(total.mean(0))
    first = entered[0][1].shape[1:3]
    return torch.stack(found).unflatten(1, tuple(first))


def attribute(name, network, images, **options):
    return registry.load("methods", name, {}).attribute(network, images, TARGETS, **options)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_matrices_of_these_tests_are_swins(size):
    """Scores, bias and mask token by token give the very weights that the module computes."""
    network, images = swin(), pictures(size, 1)
    weights, _, entered = watched(network, images, TARGETS[:1])
    attentions = [(module, inputs) for module, inputs in entered if hasattr(module, "window_size")]
    for (module, inputs), expected in zip(attentions, weights, strict=True):
        height, width = module.window_size
        pad = torch.zeros(inputs.shape[3], dtype=inputs.dtype)
        window = windows_of(tuple(inputs.shape[1:3]), module.window_size, module.shift_size)
        for number, (tokens, regions) in enumerate(window):
            values = torch.stack([pad if token is None else inputs[0, token[0], token[1]] for token in tokens])
            query, key, _ = module.qkv(values).unflatten(1, (3, module.num_heads, -1)).permute(1, 2, 0, 3)
            scores = query @ key.transpose(1, 2) * query.shape[-1] ** -0.5
            for one, other in itertools.product(range(len(tokens)), repeat=2):
                rows = one // width - other // width + height - 1
                columns = one % width - other % width + width - 1
                scores[:, one, other] += module.relative_position_bias_table[rows * (2 * width - 1) + columns]
                scores[:, one, other] -= 100 * (regions[one] != regions[other])
            assert torch.allclose(scores.softmax(-1), expected[number], atol=1e-10)


@pytest.mark.parametrize(("grid", "window", "shift"), GEOMETRIES, ids=str)
def test_a_step_through_windows_is_a_product_with_the_whole_matrix(grid, window, shift, draw):
    place = Windows(grid, window, shift)
    count, tokens = place.counts[0] * place.counts[1], window[0] * window[1]
    weights, mass = draw(2 * count, tokens, tokens), draw(2, *grid)
    found = place.restored(attention_tokens.times(place.arranged(mass), weights))
    for image, own in enumerate(weights.unflatten(0, (2, count))):
        expected = mass[image].flatten() @ matrix(own, grid, window, shift)
        assert torch.allclose(found[image].flatten(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("grid", "window", "shift"), GEOMETRIES, ids=str)
def test_what_is_arranged_in_windows_is_restored(grid, window, shift, draw):
    place, mass = Windows(grid, window, shift), draw(3, *grid)
    assert torch.equal(place.restored(place.arranged(mass)), mass)


@pytest.mark.parametrize("grid", [(4, 6), (3, 6), (5, 7), (1, 2)], ids=str)
def test_a_merge_gives_equal_parts_and_loses_no_mass(grid, draw):
    mass = draw(2, -(-grid[0] // 2), -(-grid[1] // 2)).double()
    found = Merge(grid).shared(mass)
    assert torch.allclose(found.flatten(1), mass.flatten(1) @ merging(grid))
    assert torch.allclose(found.sum((1, 2)), mass.sum((1, 2)))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_rollout_of_swin_is_the_product_of_all_matrices(size, version):
    network, images = swin(version), pictures(size)
    weights, _, _ = watched(network, images, TARGETS)

    def combine(full):
        return 0.5 * torch.eye(len(full)) + 0.5 * full

    expected = products(network, images, [each.mean(1) for each in weights], combine)
    maps = attribute("attention_rollout", network, images)
    assert torch.allclose(maps, cams.draw(expected, images), rtol=1e-10)
    # Whole windows conserve mass; what falls on padding is lost.
    total = expected.sum((1, 2))
    assert torch.allclose(total, torch.ones_like(total)) if size == WHOLE else (total < 1).all()


@pytest.mark.parametrize("heads", ["max", "min"])
def test_rollout_of_swin_discards_the_smallest_weights_of_each_image(heads):
    network, images = swin(), pictures(WHOLE)
    kept = []
    for weights in watched(network, images, TARGETS)[0]:
        flat = (weights.amax(1) if heads == "max" else weights.amin(1)).unflatten(0, (2, -1))
        limits = [one.flatten().sort().values[round(0.7 * one.numel())] for one in flat]
        kept += [torch.cat([torch.where(one < limit, 0, one) for one, limit in zip(flat, limits, strict=True)])]

    def combine(full):
        mixed = 0.2 * torch.eye(len(full)) + 0.8 * full
        return mixed / mixed.sum(1, keepdim=True)

    expected = products(network, images, kept, combine)
    maps = attribute("attention_rollout", network, images, heads=heads, residual=0.2, discard=0.7)
    assert torch.allclose(maps, cams.draw(expected, images), rtol=1e-6)
    assert torch.allclose(expected.sum((1, 2)), torch.ones(2).double(), rtol=1e-6)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_relevance_of_swin_is_the_mean_row_of_the_papers_matrix(size, version):
    network, images = swin(version), pictures(size)
    weights, slopes, _ = watched(network, images, TARGETS)
    positive = [(slope * each).clamp(min=0).mean(1) for each, slope in zip(weights, slopes, strict=True)]
    total = products(network, images, positive, lambda full: torch.eye(len(full)) + full)
    own = products(network, images, positive, lambda full: torch.eye(len(full), dtype=full.dtype))
    maps = attribute("attention_relevance", network, images)
    assert torch.allclose(maps, cams.draw(total - own, images), rtol=1e-6)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_raw_attention_of_swin_is_the_mean_over_the_queries_of_the_last_block(size):
    network, images = swin(), pictures(size)
    weights, _, entered = watched(network, images, TARGETS)
    module, inputs = entered[-1]
    grid = tuple(inputs.shape[1:3])
    own = weights[-1].amax(1).unflatten(0, (2, -1))
    rows = torch.stack([matrix(each, grid, module.window_size, module.shift_size).mean(0) for each in own])
    maps = attribute("raw_attention", network, images, heads="max")
    assert torch.allclose(maps, cams.draw(rows.unflatten(1, grid), images), rtol=1e-10)
