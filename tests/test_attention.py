"""Attention methods on ViT-like models: two tokens by hand, full matrices, other models, and who is refused."""

from contextlib import nullcontext, suppress
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import attribution, gradients, registry, sharing
from saliency_benchmark.explaining import attention, attention_forward, cams
from saliency_benchmark.explaining.attention_recording import recording
from saliency_benchmark.explaining.rewriting import Rewriting
from saliency_benchmark.preserving import preserved
from tests import small
from tests.test_methods import Fuse, close, state

METHODS = ["raw_attention", "attention_rollout", "attention_relevance"]
TRANSFORMERS = ["vit", "swin"]
TARGETS = torch.tensor([0, 3, 1])


def attribute(name, network, images, targets, **options):
    return registry.load("methods", name, {}).attribute(network, images, targets, **options)


def frozen(network):
    return network.eval().requires_grad_(False)


class TwoTokens(nn.Module):
    """A class token, 0 at first, and one pixel; two layers add known shares of both. Logits: the token, its minus."""

    TABLES = ([[1 / 4, 3 / 4], [1 / 2, 1 / 2]], [[2 / 5, 3 / 5], [1 / 5, 4 / 5]])

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 1, 1, 1))

    def forward(self, images):
        pixel = functional.conv2d(images, self.weight).flatten(2)
        tokens = torch.cat([torch.zeros_like(pixel), pixel], 2).transpose(1, 2)[:, None]
        queries = torch.eye(2).expand(len(images), 1, 2, 2)
        for table in self.TABLES:
            keys = torch.tensor(table).log().T.expand(len(images), 1, 2, 2)
            tokens = tokens + functional.scaled_dot_product_attention(queries, keys, tokens, scale=1.0)
        return torch.cat([tokens[:, 0, 0], -tokens[:, 0, 0]], 1)


class Encoder(nn.Module):
    """A ViT as users write them: 2 x 3 cells behind EXTRA tokens; the output reads the tokens that POOL gives."""

    def __init__(self, extra, pool, depth=2):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 8, 8)
        self.extra = nn.Parameter(torch.randn(1, extra, 8))
        self.place = nn.Parameter(torch.randn(1, 6 + extra, 8))
        layers = [nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True) for _ in range(depth)]
        self.layers, self.head, self.pool = nn.ModuleList(layers), nn.Linear(8, 4), pool

    def forward(self, images):
        cells = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.extra.expand(len(images), -1, -1), cells], 1) + self.place
        for layer in self.layers:
            tokens = layer(tokens)
        return self.head(self.pool(tokens))


def pictures(number=2, rows=16, columns=24):
    return torch.randn(number, 3, rows, columns, generator=torch.Generator().manual_seed(1))


def encoder(extra=1, pool=lambda tokens: tokens[:, 0]):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return frozen(Encoder(extra, pool))


def matrices(network, images):
    """The weights of every attention of torchvision's ViT, as torch itself gives them: (image, head, query, key)."""
    entered = []
    blocks = [block.self_attention for block in network.encoder.layers]
    handles = [block.register_forward_pre_hook(lambda module, inputs: entered.append(inputs)) for block in blocks]
    network(images)
    for handle in handles:
        handle.remove()
    pairs = zip(blocks, entered, strict=True)
    return [block(*inputs, need_weights=True, average_attn_weights=False)[1] for block, inputs in pairs]


def watched(network, images, targets, change=None):
    """Target outputs, every attention's weights, and the gradients there; CHANGE(number, weights) takes their place."""
    found = []

    def softmax(function, *args, **kwargs):
        weights = function(*args, **kwargs)
        if weights.ndim < 3:
            return weights
        found.append(change(len(found), weights) if change else weights.requires_grad_())
        return found[-1]

    def written_out(function, *args, **kwargs):
        with mode:
            return attention_forward.multi_head_attention(*args, **kwargs)

    mode = Rewriting({"softmax": softmax, "multi_head_attention_forward": written_out})
    with mode:
        output = gradients.chosen(network(images), targets)
    slopes = [] if change else torch.autograd.grad(output.sum(), found)
    return output.detach(), [each.detach() for each in found], slopes


def relevance_matrix(network, images, targets):
    """R of the paper, (image, token, token)."""
    _, weights, slopes = watched(network, images, targets)
    total = torch.eye(weights[0].shape[-1]).to(images.dtype).repeat(len(images), 1, 1)
    for each, slope in zip(weights, slopes, strict=True):
        total = total + (slope * each).clamp(min=0).mean(1) @ total
    return total


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("raw_attention", 0, 0.6),
        ("attention_rollout", 0, 0.7 * 3 / 8 + 0.3 * 3 / 4),
        # R = (1 + A2)(1 + A1); the positive shares are (.3 p, .9 p) for the token and (1.05 p), (.3 p) before.
        ("attention_relevance", 0, 1.95 * 2 + 0.585 * 4),
        ("raw_attention", 1, 0.6),
        ("attention_rollout", 1, 0.7 * 3 / 8 + 0.3 * 3 / 4),
        ("attention_relevance", 1, 0.0),
    ],
)
def test_two_tokens_in_two_layers_by_hand(name, target, expected):
    network, images = frozen(TwoTokens()), torch.full((1, 1, 1, 1), 2.0)
    assert torch.allclose(network(images), torch.tensor([[3.9, -3.9]]))
    maps = attribute(name, network, images, torch.tensor([target]))
    assert torch.allclose(maps, torch.full((1, 1, 1), expected), atol=1e-6)


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_the_weights_of_every_query_sum_to_one_and_every_layer_is_seen(family):
    network, images = frozen(small.network(family)), small.images(family)
    layers = [one for one in attention.recorded(network, images, TARGETS, "mean") if one.weights is not None]
    assert len(layers) == {"vit": 2, "swin": 4}[family]
    for layer in layers:
        assert torch.allclose(layer.weights.sum(-1), torch.ones(layer.weights.shape[:-1]))


@pytest.mark.parametrize("make", [partial(small.network, "vit"), partial(small.network, "swin"), encoder])
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.enable_grad])
def test_recording_does_not_change_the_output(make, mode):
    network = frozen(make())
    images = pictures(3) if isinstance(network, Encoder) else pictures(3, *network_shape(network))
    with mode():
        plain = network(images)
        with recording(network, lambda weights: weights) as found:
            recorded = network(images)
    assert found.shapes
    assert torch.allclose(recorded, plain, atol=1e-5)


def network_shape(network):
    return small.SHAPES["vit" if hasattr(network, "encoder") else "swin"][1:]


@pytest.mark.parametrize("heads", ["mean", "max", "min"])
def test_raw_attention_is_what_torch_says_of_the_class_token(heads):
    network, images = frozen(small.network("vit")), small.images("vit")
    fuse = {"mean": torch.mean, "max": torch.amax, "min": torch.amin}[heads]
    for layer_index in (0, 1, -1):
        weights = fuse(matrices(network, images)[layer_index], 1)
        expected = cams.draw(weights[:, 0, 1:].reshape(3, 4, 4), images)
        maps = attribute("raw_attention", network, images, TARGETS, heads=heads, layer_index=layer_index)
        assert torch.allclose(maps, expected, atol=1e-6)


@pytest.mark.parametrize(
    "options", [{}, {"heads": "max"}, {"heads": "min", "residual": 0.2}, {"discard": 0.6}], ids=str
)
def test_rollout_is_the_product_of_all_matrices(options):
    network, images = frozen(small.network("vit")), small.images("vit")
    fuse = {"mean": torch.mean, "max": torch.amax, "min": torch.amin}[options.get("heads", "mean")]
    residual, discard = options.get("residual", 0.5), options.get("discard", 0)
    product = torch.eye(17).repeat(3, 1, 1)
    for weights in matrices(network, images):
        for image, layer in enumerate(fuse(weights, 1)):
            limit = layer.flatten().sort().values[round(discard * layer.numel())]
            mixed = residual * torch.eye(17) + (1 - residual) * torch.where(layer < limit, 0, layer)
            product[image] = mixed / mixed.sum(1, keepdim=True) @ product[image]
    assert torch.allclose(product.sum(2), torch.ones(3, 17))
    maps = attribute("attention_rollout", network, images, TARGETS, **options)
    assert torch.allclose(maps, cams.draw(product[:, 0, 1:].reshape(3, 4, 4), images), atol=1e-6)


def test_a_rollout_whose_columns_are_divided_by_the_sums_of_rows_loses_mass_as_in_vit_explain():
    weights = torch.tensor([[[0.0, 0.9], [0.3, 0.7]]])  # the smallest of two rows is discarded
    mixed = (weights + torch.eye(2)) / 2
    assert torch.allclose((mixed / mixed.sum(-1, keepdim=True)).sum(-1), torch.ones(1, 2))
    assert (mixed / mixed.sum(-1)).sum(-1)[0, 0] < 0.98


def test_relevance_is_the_papers_matrix():
    network, images = frozen(small.network("vit").double()), small.images("vit").double()
    expected = relevance_matrix(network, images, TARGETS)[:, 0, 1:].reshape(3, 4, 4)
    maps = attribute("attention_relevance", network, images, TARGETS)
    assert torch.allclose(maps, cams.draw(expected, images), rtol=1e-10)


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_gradients_at_the_weights_are_differences_of_the_output(family):
    network, images = frozen(small.network(family).double()), small.images(family, 1).double()
    target = torch.tensor([2])
    layers = [one for one in attention.relevant(network, images, target) if one.weights is not None]
    _, weights, _ = watched(network, images, target)
    for number, layer in enumerate(layers):
        for query, key in [(0, 1), (0, 3), (3, 2)]:
            slopes = []
            for head in range(weights[number].shape[1]):
                pushed = [
                    watched(network, images, target, partial(push, number, (0, head, query, key), step))[0]
                    for step in (1e-5, -1e-5)
                ]
                slopes.append((pushed[0] - pushed[1]) / 2e-5 * weights[number][0, head, query, key])
            expected = torch.stack(slopes).clamp(min=0).mean()
            assert torch.allclose(layer.weights[0, query, key], expected, rtol=1e-5, atol=1e-10)


def push(layer, place, step, number, weights):
    """WEIGHTS, of which one of LAYER is greater by STEP."""
    if number == layer:
        weights = weights.clone()
        weights[place] += step
    return weights


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_relevance_of_a_probability_has_the_probabilitys_gradient(family, plain):
    network, images = small.network(family), small.images(family)
    maps = attribution.maps_of(
        registry.load("methods", "attention_relevance", {}).attribute,
        plain(network, channels=3),
        images,
        TARGETS,
        output="probability",
    )
    softened = frozen(nn.Sequential(network, nn.Softmax(1)))
    assert close(maps, attribute("attention_relevance", softened, images, TARGETS))
    assert not close(maps, attribute("attention_relevance", network, images, TARGETS))


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_where_no_attention_matters_there_is_no_relevance(family):
    network, images = frozen(small.network(family)), small.images(family)
    nn.init.zeros_((network.heads.head if family == "vit" else network.head).weight)
    assert not attribute("attention_relevance", network, images, TARGETS).any()
    assert attention.unsuited(network, small.SHAPES[family]) is None


def test_relevance_far_below_one_is_not_rounded_away():
    network, images = frozen(small.network("swin")), small.images("swin")
    maps = attribute("attention_relevance", network, images, TARGETS)
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter *= 1e-12
    assert close(1e12 * attribute("attention_relevance", network, images, TARGETS), maps)


@pytest.mark.parametrize("family", TRANSFORMERS)
@pytest.mark.parametrize("name", METHODS)
def test_a_map_does_not_depend_on_its_batch_and_is_the_same_twice(name, family):
    network, images = frozen(small.network(family)), small.images(family)
    images[1] = 0
    shown = images.clone()
    maps = attribute(name, network, images, TARGETS)
    alone = [attribute(name, network, images[at : at + 1], TARGETS[at : at + 1]) for at in range(3)]
    assert maps.shape == (3, *images.shape[2:])
    assert maps.isfinite().all()
    assert (maps.flatten(1).std(1) > 0).all()
    assert close(maps, torch.cat(alone))
    assert torch.equal(maps, attribute(name, network, images, TARGETS))
    assert torch.equal(images, shown)
    assert not maps.requires_grad
    assert not maps.is_inference()


@pytest.mark.parametrize("call", [0, 1, None], ids=["fails in backward", "fails in forward", "works"])
@pytest.mark.parametrize("family", TRANSFORMERS)
@pytest.mark.parametrize("name", METHODS)
def test_leaves_the_model_as_it_was(name, family, call, plain):
    network = small.network(family)
    (network.encoder if family == "vit" else network.norm).register_forward_hook(lambda module, inputs, output: None)
    model = plain(nn.Sequential(network, *([] if call is None else [Fuse(call)])), channels=3)
    model.network.train()
    network.train(False)
    before = state(model.network)
    with suppress(RuntimeError):
        attribution.maps_of(
            registry.load("methods", name, {}).attribute, model, small.images(family), torch.tensor([0, 1, 2])
        )
    assert state(model.network) == before


@pytest.mark.parametrize("name", METHODS)
def test_hooks_go_even_where_nobody_else_would_remove_them(name):
    network = frozen(small.network("swin"))
    before = state(network)
    attribute(name, network, small.images("swin"), TARGETS)
    with pytest.raises(RuntimeError, match="fuse"):
        attribute(name, nn.Sequential(network, Fuse(1)), small.images("swin"), TARGETS)
    assert attention.unsuited(network, small.SHAPES["swin"]) is None
    assert state(network) == before


@pytest.mark.parametrize("family", TRANSFORMERS)
@pytest.mark.parametrize("name", METHODS)
def test_a_class_that_is_not_there_is_refused(name, family):
    with pytest.raises((RuntimeError, IndexError)):
        attribute(name, frozen(small.network(family)), small.images(family), torch.tensor([0, 9, 1]))


def test_raw_attention_and_rollout_share_one_pass(monkeypatch):
    network, images = frozen(small.network("vit")), small.images("vit")
    passes = []
    network.register_forward_hook(lambda module, inputs, output: passes.append(1))
    with sharing.shared():
        for name in ("raw_attention", "attention_rollout"):
            attribute(name, network, images, TARGETS)
    assert len(passes) == 1


@pytest.mark.parametrize("extra", [1, 5])
def test_registers_behind_the_class_token_are_no_part_of_the_map(extra):
    network, images = encoder(extra), pictures()
    expected = relevance_matrix(network, images, TARGETS[:2])[:, 0, extra:].reshape(2, 2, 3)
    assert attention.unsuited(network, (3, 16, 24)) is None
    assert close(attribute("attention_relevance", network, images, TARGETS[:2]), cams.draw(expected, images))


def test_without_a_class_token_the_map_is_the_mean_over_all_tokens():
    network, images = encoder(0, lambda tokens: tokens.mean(1)), pictures()
    gained = (relevance_matrix(network, images, TARGETS[:2]) - torch.eye(6)).mean(1)
    assert attention.unsuited(network, (3, 16, 24)) is None
    maps = attribute("attention_relevance", network, images, TARGETS[:2])
    assert close(maps, cams.draw(gained.reshape(2, 2, 3), images))


class Flat(nn.Module):
    """Patches by unfolding: no convolution tells the grid."""

    def __init__(self):
        super().__init__()
        self.mix, self.head = nn.MultiheadAttention(192, 2, batch_first=True), nn.Linear(192, 4)

    def forward(self, images):
        tokens = functional.unfold(images, 8, stride=8).transpose(1, 2)
        return self.head(self.mix(tokens, tokens, tokens)[0].mean(1))


class Pooled(nn.Module):
    """One query asks the tokens."""

    def __init__(self):
        super().__init__()
        self.patches, self.query = nn.Conv2d(3, 8, 8, 8), nn.Parameter(torch.randn(1, 1, 8))
        self.ask, self.head = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 4)

    def forward(self, images):
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        return self.head(self.ask(self.query.expand(len(images), -1, -1), tokens, tokens)[0][:, 0])


class NonLocal(nn.Module):
    """Attention between convolutions."""

    def __init__(self):
        super().__init__()
        self.before, self.after, self.head = nn.Conv2d(3, 4, 8, 8), nn.Conv2d(4, 4, 1), nn.Linear(4, 4)

    def forward(self, images):
        cells = self.before(images)
        flat = cells.flatten(2)
        mixed = flat @ torch.softmax(flat.transpose(1, 2) @ flat, -1).transpose(1, 2)
        return self.head(self.after(cells + mixed.view_as(cells)).mean((2, 3)))


REFUSED = {
    "cnn": (lambda: small.network("cnn"), "no attention"),
    "resnet": (lambda: small.network("resnet"), "no attention"),
    "mean of cells beside a class token": (lambda: encoder(1, lambda tokens: tokens[:, 1:].mean(1)), "other tokens"),
    "class token at the end": (lambda: encoder(1, lambda tokens: tokens[:, -1]), "other tokens"),
    "unfolded patches": (Flat, "not the cells of a convolution"),
    "more tokens than a grid can have": (lambda: encoder(9), "not the cells of a convolution"),
    "attention pooling": (Pooled, "not all among the same tokens"),
    "non-local block": (NonLocal, "convolutions mix"),
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("case", REFUSED)
def test_says_before_the_job_and_within_it_why_a_model_cannot_be_explained(case, name):
    make, reason = REFUSED[case]
    network, shape = frozen(make()), small.SHAPES["cnn"] if case in small.FAMILIES else (3, 16, 24)
    told = registry.load("methods", name, {}).unsuited(network, shape)
    assert reason in told
    assert "take a gradient or CAM method" in told
    # Which tokens the output reads is seen by gradients alone.
    if reason != "other tokens" or name == "attention_relevance":
        with pytest.raises(ValueError, match=reason):
            attribute(name, network, pictures(2, *shape[1:]), TARGETS[:2])


@pytest.mark.parametrize("family", small.FAMILIES)
@pytest.mark.parametrize("name", METHODS)
def test_of_the_families_vit_and_swin_alone_are_suited(name, family):
    method = attribution.method(name, {})
    refusal = nullcontext() if family in TRANSFORMERS else pytest.raises(ValueError, match="no attention")
    with preserved(small.network(family)) as network, refusal:
        attribution.refuse_unsuited({name: method}, network, small.SHAPES[family], {})


def test_options_out_of_range_are_refused():
    network, images = frozen(small.network("vit")), small.images("vit")
    for name, options, told in [
        ("raw_attention", {"layer_index": 2}, "-2 to 1"),
        ("raw_attention", {"heads": "median"}, "mean, max, min"),
        ("attention_rollout", {"residual": 1.0}, r"in \[0, 1\)"),
        ("attention_rollout", {"discard": -0.1}, r"in \[0, 1\)"),
    ]:
        with pytest.raises(ValueError, match=told):
            attribute(name, network, images, TARGETS, **options)
