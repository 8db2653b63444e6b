"""The last feature map of a network: the right module, the right axes, and what is said where there is none."""

import pytest
import torch
from torch import nn

from saliency_benchmark import layers, perturbing, registry
from saliency_benchmark.explaining import cams
from saliency_benchmark.layers import Layout
from saliency_benchmark.resizing import Resized
from tests import small

TARGETS = torch.tensor([0, 3, 1])
CAMS = ["grad_cam", "layer_cam", "score_cam", "ablation_cam"]


def layer_of(family):
    return layers.feature_layer(small.network(family), small.SHAPES[family])


@pytest.mark.parametrize(
    ("family", "layer"),
    [
        ("cnn", "block3"),
        ("resnet", "layer2"),
        ("densenet", "features"),
        ("vgg", "features"),
        ("swin", "permute"),
        ("efficientnet", "features"),
        ("vit", "encoder.layers.encoder_layer_1.ln_1"),
    ],
)
def test_the_layer_is_the_last_map_that_the_logits_depend_on(family, layer):
    assert layer_of(family) == layer


@pytest.mark.parametrize("family", ["cnn", "resnet", "swin", "efficientnet"])
def test_the_mean_of_what_is_read_is_what_the_head_sees(family):
    network, images = small.network(family), small.images(family)
    features, gradient = cams.read(network, images, TARGETS, layer_of(family))
    head = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        assert torch.allclose(head(features.mean((2, 3))), network(images), atol=1e-4)
    expected = head.weight[TARGETS][:, :, None, None].expand_as(gradient) / features[0, 0].numel()
    assert torch.allclose(gradient, expected, atol=1e-5)


def test_tokens_become_a_grid_row_by_row_without_the_class_token():
    network, images = small.network("vit"), small.images("vit")
    layer = layer_of("vit")
    layout = layers.layout(network, layer, images)
    assert layout == Layout("tokens", (4, 4), 1)
    with perturbing.features_of(network, layer, images) as features, torch.no_grad():
        network(images)
        # The same by hand: embeddings of the 8 x 8 patches, then the first block and the norm of the second.
        tokens = network._process_input(images)
        tokens = torch.cat([network.class_token.expand(3, -1, -1), tokens], 1) + network.encoder.pos_embedding
        first, second = network.encoder.layers
        expected = second.ln_1(first(tokens))[:, 1:]
    for row in range(4):
        for column in range(4):
            assert torch.allclose(features[0][:, :, row, column], expected[:, 4 * row + column], atol=1e-6)


def test_what_a_vits_last_block_gives_counts_through_the_class_token_alone():
    """So its cells have no gradient, and a CAM there would be empty: it is refused."""
    network = small.network("vit")
    gradient = cams.read(network, small.images("vit"), TARGETS, "encoder.layers.encoder_layer_1")[1]
    assert torch.equal(gradient, torch.zeros_like(gradient))
    with pytest.raises(ValueError, match=r"gives cells that no logit depends on; .*encoder_layer_1\.ln_1"):
        layers.checked(network, small.SHAPES["vit"], "encoder.layers.encoder_layer_1")


def test_a_head_that_starts_at_zero_hides_no_layer_and_stays_zero():
    network = small.network("vit")
    nn.init.zeros_(network.heads.head.weight)
    assert layers.feature_layer(network, small.SHAPES["vit"]) == "encoder.layers.encoder_layer_1.ln_1"
    assert not network.heads.head.weight.any()


def test_channels_last_and_first_around_a_permutation_are_the_same_maps():
    network, images = small.network("swin"), small.images("swin")
    last, first = (layers.layout(network, name, images) for name in ("norm", "permute"))
    assert (last.order, first.order) == ("last", "first")
    for one, other in zip(*(cams.read(network, images, TARGETS, name) for name in ("norm", "permute")), strict=True):
        assert torch.equal(one, other)


def test_which_norm_of_swins_last_block_is_read_changes_the_map_so_the_layer_belongs_to_it():
    network, images = small.network("swin"), small.images("swin")
    block = next(name for name, module in reversed([*network.named_modules()]) if hasattr(module, "norm1"))
    method = registry.load("methods", "grad_cam", {}).attribute
    one, other = (method(network, images, TARGETS, layer=f"{block}.norm{n}", relu=False).flatten() for n in (1, 2))
    assert torch.corrcoef(torch.stack([one, other]))[0, 1] < 0.9


@pytest.mark.parametrize("family", ["vit", "swin", "resnet"])
@pytest.mark.parametrize("name", CAMS)
def test_a_map_at_any_layout_is_the_map_of_the_same_features_by_hand(name, family):
    """The oracle is the network cut at the layer: features by hand, and what becomes of them by a hook."""
    network, images = small.network(family), small.images(family)
    layer = {"vit": "encoder.layers.encoder_layer_1.ln_1", "swin": "norm", "resnet": "layer2"}[family]
    raw = {}

    def note(module, inputs, output):
        raw["features"] = output.detach()

    def put(values):
        handle = network.get_submodule(layer).register_forward_hook(lambda module, inputs, output: values)
        try:
            return network(images).gather(1, TARGETS[:, None])[:, 0]
        finally:
            handle.remove()

    def maps(values):
        if family == "vit":
            return values[:, 1:].reshape(3, 4, 4, -1).movedim(3, 1)
        return values.movedim(3, 1) if family == "swin" else values

    handle = network.get_submodule(layer).register_forward_hook(note)
    logits = network(images).detach()[torch.arange(3), TARGETS]
    handle.remove()
    values = raw["features"].clone().requires_grad_(True)
    gradient = maps(torch.autograd.grad(put(values).sum(), values)[0])
    features = maps(raw["features"])
    if name == "grad_cam":
        cells = (features * gradient.mean((2, 3), keepdim=True)).sum(1)
    elif name == "layer_cam":
        cells = (features * gradient.relu()).sum(1)
    else:
        weights = torch.zeros(features.shape[:2])
        for place in range(features.shape[1]):
            if name == "ablation_cam":
                without = raw["features"].clone()
                maps(without)[:, place] = 0
                weights[:, place] = (logits - put(without).detach()) / logits.abs()
            else:
                shown = cams.draw(features[:, place], images)
                low, high = shown.amin((1, 2), keepdim=True), shown.amax((1, 2), keepdim=True)
                mask = torch.where(high > low, (shown - low) / (high - low), 0)
                weights[:, place] = network(images * mask[:, None]).detach()[torch.arange(3), TARGETS]
        weights = weights.softmax(1) if name == "score_cam" else weights
        cells = torch.einsum("nkhw,nk->nhw", features, weights)
    expected = cams.draw(cells.relu(), images)
    assert expected.any()
    found = registry.load("methods", name, {}).attribute(network, images, TARGETS, layer=layer)
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.abs().max())


@pytest.mark.parametrize("layout", [Layout("first", (2, 3)), Layout("last", (2, 3)), Layout("tokens", (2, 3), 2)])
def test_a_feature_is_taken_out_of_the_cells_and_of_nothing_else(layout, draw):
    shape = {"first": (2, 4, 2, 3), "last": (2, 2, 3, 4), "tokens": (2, 8, 4)}[layout.order]
    values = draw(*shape)
    kept = values.clone()
    without = layout.without(values, torch.tensor([1, 3]))
    assert torch.equal(values, kept)
    expected = layout.maps(values).clone()
    expected[0, 1] = expected[1, 3] = 0
    assert torch.equal(layout.maps(without), expected)
    assert (without != values).sum() == 12
    if layout.order == "tokens":
        assert torch.equal(without[:, :2], values[:, :2])


class Patches(nn.Module):
    """Tokens of an image, with EXTRA beside them; MEAN: their mean is classified, else the first token."""

    def __init__(self, extra, mean=True, convolution=True):
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 4, 4) if convolution else nn.Linear(48, 8)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 4)
        self.extra, self.mean = extra, mean

    def forward(self, images):
        if isinstance(self.embed, nn.Linear):
            parts = images.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5)
            tokens = self.embed(parts.flatten(3).flatten(1, 2))
        else:
            tokens = self.embed(images).flatten(2).transpose(1, 2)
        tokens = self.norm(torch.cat([tokens.mean(1, keepdim=True).repeat(1, self.extra, 1), tokens], 1))
        return self.head(tokens.mean(1) if self.mean else tokens[:, 0])


@pytest.mark.parametrize("convolution", [True, False])
@pytest.mark.parametrize("extra", [0, 1, 5])
@pytest.mark.parametrize("size", [(16, 24), (20, 20), (12, 48)])
def test_the_grid_of_tokens_is_that_of_the_patches_or_has_the_images_proportions(size, extra, convolution):
    network = Patches(extra, convolution=convolution)
    assert layers.feature_layer(network, (3, *size)) == "norm"
    found = layers.layout(network, "norm", torch.zeros(1, 3, *size))
    assert found == Layout("tokens", (size[0] // 4, size[1] // 4), extra)


def test_the_grid_behind_a_resize_is_that_of_the_resized_image():
    network = Resized(Patches(1, convolution=False), (16, 24))
    assert layers.feature_layer(network, (3, 30, 30)) == "network.norm"
    assert layers.layout(network, "network.norm", torch.zeros(1, 3, 30, 30)) == Layout("tokens", (4, 6), 1)


def test_tokens_on_no_grid_are_refused():
    network = nn.Sequential(nn.Flatten(2), nn.Linear(7, 5), nn.Flatten(), nn.LazyLinear(2))
    network(torch.zeros(1, 57, 7, 1))
    with pytest.raises(ValueError, match=r"'1' gives 57 tokens, which lie on no grid that is known"):
        layers.layout(network, "1", torch.zeros(1, 57, 7, 1))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(1, 2, 3))
        self.relu = nn.ReLU()
        self.head = nn.Linear(2, 2)

    def forward(self, images):
        return self.head(self.relu(self.relu(self.block(images))).mean((2, 3)))


def test_a_module_that_is_called_twice_is_no_feature_layer():
    assert layers.feature_layer(Twice(), (1, 8, 8)) == "block"


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("relu", r"'relu' is called 2 times in one pass; wanted: once \(take the block around it\)"),
        ("head", r"'head' gives an output of shape \(1, 2\); wanted: features on a grid of cells"),
        ("blok", r"'blok' is no module of this model; feature maps are given by: .*block"),
        ("", r"'' is no module of this model"),
    ],
)
def test_a_layer_that_is_none_is_refused_with_those_that_are(layer, message):
    images = torch.zeros(2, 1, 8, 8)
    for refused in (lambda: layers.checked(Twice(), (1, 8, 8), layer), lambda: layers.layout(Twice(), layer, images)):
        with pytest.raises(ValueError, match=message):
            refused()


def test_a_network_without_a_map_says_so():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    with pytest.raises(ValueError, match="no module of this model gives a feature map: name one as `layer`"):
        layers.feature_layer(network, (1, 4, 4))


def test_adaptive_pooling_draws_on_a_grid_of_its_own_and_is_passed_over():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(98, 2))
    assert layers.feature_layer(network, (1, 6, 8)) == "0"
    # One cell that is copied 49 times is no map: the last one before it that has several is taken.
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(4), *network[1:])
    assert layers.feature_layer(network, (1, 6, 6)) == "0"


def test_looking_leaves_the_network_as_it_was():
    network = small.network("resnet").train()
    network.layer1.eval()
    network.fc.weight.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    chance = torch.get_rng_state()
    layers.feature_layer(network, small.SHAPES["resnet"])
    layers.layout(network, "layer2", small.images("resnet"))
    assert network.training
    assert not network.layer1.training
    assert [parameter.requires_grad for parameter in network.fc.parameters()] == [False, True]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())
    assert torch.equal(torch.get_rng_state(), chance)


def test_a_network_is_looked_at_once_per_layer_and_size():
    network, images, passes = small.network("vit"), small.images("vit"), []
    network.register_forward_hook(lambda *_: passes.append(1))
    for _ in range(3):
        layers.layout(network, "encoder.ln", images)
    assert len(passes) == 1
