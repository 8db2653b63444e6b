"""Class activation maps against their closed forms: behind a feature map, one average and one linear layer."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import compat, layers, registry
from saliency_benchmark.explaining import cams
from saliency_benchmark.models import small_cnn
from tests import small


@pytest.fixture(scope="module")
def case():
    """A network with one average and one linear layer behind its features, and what is known of it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = small_cnn.build((3, 20, 28), 5, width=4).eval()
        images, targets = torch.randn(6, 3, 20, 28), torch.randint(5, (6,))
    layer = layers.feature_layer(model, (3, 20, 28))
    features, gradient = cams.read(model, images, targets, layer)
    return model, images, targets, features, gradient, model.classify.weight[targets].detach(), layer


def cells_of(features, weights):
    return torch.einsum("nkhw,nk->nhw", features, weights)


def attribute(name, case, **options):
    model, images, targets, *_, layer = case
    return registry.load("methods", name, {}).attribute(model, images, targets, layer=layer, **options)


def test_the_gradient_behind_an_average_is_the_weight_divided_by_the_cells(case):
    *_, features, gradient, weights, _ = case
    expected = (weights / features[0, 0].numel())[:, :, None, None].expand_as(gradient)
    assert torch.allclose(gradient, expected, atol=1e-6)


def test_cam_is_the_weighted_sum_and_grad_cam_the_same_divided_by_the_cells(case):
    _, images, _, features, _, weights, _ = case
    whole = cams.draw(cells_of(features, weights), images)
    assert torch.allclose(attribute("cam", case), whole, atol=1e-5)
    share = whole / features[0, 0].numel()
    assert torch.allclose(attribute("grad_cam", case, relu=False), share, atol=1e-6)
    assert torch.allclose(attribute("xgrad_cam", case, relu=False), share, atol=1e-6)


def test_the_sum_of_cam_is_the_logit_without_its_bias(case):
    model, images, targets, features, _, weights, _ = case
    logit = model(images).gather(1, targets[:, None])[:, 0] - model.classify.bias[targets]
    assert torch.allclose(cells_of(features, weights).mean((1, 2)), logit, atol=1e-5)


def test_layer_cam_takes_the_positive_weights(case):
    _, images, _, features, _, weights, _ = case
    expected = cells_of(features, weights.relu()) / features[0, 0].numel()
    assert torch.allclose(attribute("layer_cam", case), cams.draw(expected, images), atol=1e-6)


def test_ablation_cam_takes_each_maps_part_of_the_logit(case):
    model, images, targets, features, _, weights, _ = case
    logit = model(images).gather(1, targets[:, None])
    expected = cells_of(features, weights * features.mean((2, 3)) / logit.abs())
    assert torch.allclose(attribute("ablation_cam", case, relu=False), cams.draw(expected, images), atol=1e-4)


def test_grad_cam_plus_plus_is_the_published_sum_cell_by_cell(case):
    _, images, _, features, gradient, _, _ = case
    weights = torch.zeros(features.shape[:2])
    for n, k in np.ndindex(*weights.shape):
        total = features[n, k].sum()
        for g in gradient[n, k].flatten():
            below = 2 * g**2 + total * g**3
            weights[n, k] += (g**2 / below if below != 0 else 0) * max(g, 0)
    expected = cams.draw(cells_of(features, weights), images)
    assert torch.allclose(attribute("grad_cam_plus_plus", case, relu=False), expected, rtol=1e-3, atol=1e-4)


def test_score_cam_weighs_each_map_by_what_is_seen_through_it(case):
    model, images, targets, features, *_ = case
    for n in range(2):
        logits = []
        for k in range(features.shape[1]):
            shown = functional.interpolate(features[n, k][None, None], (20, 28), mode="bilinear")[0, 0]
            mask = (shown - shown.min()) / (shown.max() - shown.min()) if shown.max() > shown.min() else shown * 0
            logits.append(model((images[n] * mask)[None])[0, targets[n]].item())
        expected = cells_of(features[n : n + 1], torch.tensor(logits).softmax(0)[None])
        found = attribute("score_cam", case)[n]
        assert torch.allclose(found, cams.draw(expected, images[:1])[0], atol=1e-4)


@pytest.mark.parametrize("shape", [(6, 4), (2, 3)])
def test_eigen_cam_is_the_first_direction_of_the_decomposition(shape):
    features = torch.randn(3, 8, *shape, generator=torch.Generator().manual_seed(0)).relu()

    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Identity()

        def forward(self, images):
            return self.layer(images).mean((2, 3))

    method = registry.load("methods", "eigen_cam", {})
    found = method.attribute(Fixed(), features, torch.zeros(3, dtype=torch.long), layer="layer")
    for image, cells in zip(features.numpy(), found.numpy(), strict=True):
        flat = image.reshape(8, -1).T
        projected = flat @ np.linalg.svd(flat, full_matrices=False)[2][0]
        projected *= np.sign(projected @ flat.sum(1))
        assert np.allclose(cells.ravel(), projected, atol=1e-4)


def test_cam_refuses_a_network_with_another_head():
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, 2))
    with pytest.raises(ValueError, match="take grad_cam"):
        registry.load("methods", "cam", {}).attribute(model, torch.zeros(1, 1, 8, 8), torch.tensor([0]), layer="1")


class Rectified(nn.Module):
    """ACTIVATION stands between the feature layer and its mean, where no hook on a module sees it."""

    def __init__(self, activation, head=None):
        super().__init__()
        self.maps, self.activation, self.head = nn.Conv2d(1, 3, 3), activation, head or nn.Linear(3, 2)
        self.maps.weight.data *= 30  # some features lie above 6

    def forward(self, images):
        return self.head(self.activation(self.maps(images)).mean((2, 3)))


@pytest.mark.parametrize("activation", [lambda maps: maps, functional.relu, functional.relu6])
def test_cam_shows_what_the_mean_is_taken_of(activation, draw):
    model, images, targets = Rectified(activation), draw(4, 1, 8, 9), torch.tensor([0, 1, 1, 0])
    maps = activation(model.maps(images))
    cells = cells_of(maps, model.head.weight[targets]).detach()
    method = registry.load("methods", "cam", {})
    assert method.unsuited(model, (1, 8, 9), layer="maps") is None
    assert torch.allclose(method.attribute(model, images, targets, layer="maps"), cams.draw(cells, images), atol=1e-3)
    logit = model(images).gather(1, targets[:, None])[:, 0] - model.head.bias[targets]
    assert torch.allclose(cells.mean((1, 2)), logit, atol=1e-3)


def test_cam_of_one_map_per_class_is_that_map(draw):
    model, images, targets = Rectified(functional.relu, nn.Identity()), draw(4, 1, 8, 9), torch.tensor([0, 2, 1, 0])
    found = registry.load("methods", "cam", {}).attribute(model, images, targets, layer="maps")
    cells = model.maps(images).relu()[torch.arange(4), targets].detach()
    assert torch.allclose(found, cams.draw(cells, images), atol=1e-4)


@pytest.mark.parametrize(
    "model",
    [
        Rectified(torch.sigmoid),
        Rectified(functional.relu, nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))),
        Rectified(functional.relu, nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 2))),
    ],
    ids=["sigmoid", "two layers", "a norm"],
)
def test_cam_is_refused_where_sizes_fit_and_numbers_do_not(model, draw):
    """A map by the last layer's weights would be of no decision of this network."""
    method = registry.load("methods", "cam", {})
    assert "take grad_cam" in method.unsuited(model, (1, 8, 9), layer="maps")
    with pytest.raises(ValueError, match="take grad_cam"):
        method.attribute(model, draw(2, 1, 8, 9), torch.tensor([0, 1]), layer="maps")


def test_cam_of_a_probability_is_refused():
    told = registry.load("methods", "cam", {}).unsuited(
        Rectified(functional.relu), (1, 8, 9), layer="maps", output="probability"
    )
    assert "set `explain.output: logit`" in told


def test_guided_grad_cam_is_the_product(case):
    model, images, targets, *_ = case
    fine = registry.load("methods", "guided_backprop", {}).attribute(model, images, targets)
    assert torch.allclose(attribute("guided_grad_cam", case), fine * attribute("grad_cam", case)[:, None], atol=1e-7)


def test_deconvnet_passes_positive_gradients_whatever_the_activation():
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, 2.0], [-3.0, 1.0]]))
        model[3].weight.copy_(torch.tensor([[2.0, -1.0]]))
    image = torch.tensor([[[[-1.0, -1.0]]]])  # both units are off, and the first still passes its gradient of 2
    found = registry.load("methods", "deconvnet", {}).attribute(model, image, torch.tensor([0]))
    assert torch.equal(found, torch.tensor([[[[2.0, 4.0]]]]))


def test_rise_without_holes_is_the_probability_everywhere(case):
    model, images, targets, *_ = case
    found = registry.load("methods", "rise", {}).attribute(model, images, targets, masks=3, share=1.0)
    expected = model(images).softmax(1).gather(1, targets[:, None])[:, :, None].expand_as(found)
    assert torch.allclose(found, expected, atol=1e-5)


def test_rise_finds_the_pixels_that_decide():
    class Corner(nn.Module):
        def forward(self, images):
            bright = images[:, 0, :4, :4].mean((1, 2))
            return torch.stack([bright - 0.5, 0.5 - bright], 1) * 8

    found = registry.load("methods", "rise", {}).attribute(Corner(), torch.ones(1, 1, 16, 24), torch.tensor([0]))[0]
    assert found[:4, :4].mean() > found[8:].max()
    assert found[:4, :4].mean() > found[:, 12:].max()


def test_the_blob_is_highest_in_the_middle_and_even_on_all_sides():
    found = registry.load("methods", "centre_blob", {}).attribute(None, torch.zeros(1, 1, 9, 15), torch.tensor([0]))[0]
    assert found[4, 7] == found.max() == 1
    assert torch.allclose(found, found.flip(0), atol=1e-6)
    assert torch.allclose(found, found.flip(1), atol=1e-6)


def test_hires_cam_sums_to_the_logit_without_its_bias_before_it_is_drawn(case):
    model, images, targets, features, gradient, weights, _ = case
    cells = cells_of(features, weights) / features[0, 0].numel()
    assert torch.allclose(attribute("hires_cam", case), cams.draw(cells, images), atol=1e-6)
    logit = model(images).gather(1, targets[:, None])[:, 0] - model.classify.bias[targets]
    assert torch.allclose((features * gradient).sum((1, 2, 3)), logit, atol=1e-5)


def test_eigen_grad_cam_is_eigen_cam_of_the_product(case):
    _, images, _, features, gradient, *_ = case
    for product, found in zip((features * gradient).numpy(), attribute("eigen_grad_cam", case).numpy(), strict=True):
        flat = product.reshape(len(product), -1).T.astype(float)
        projected = flat @ np.linalg.svd(flat, full_matrices=False)[2][0]
        projected *= np.sign(projected @ flat.sum(1))
        drawn = cams.draw(torch.tensor(projected.reshape(1, *product.shape[1:])).float(), images[:1])[0]
        assert np.allclose(found, drawn, atol=1e-5)


# pytorch-grad-cam clips every map at 0, scales it to [0, 1] and draws it: so are ours, to be compared.
PEERS = {
    "grad_cam": "GradCAM",
    "grad_cam_plus_plus": "GradCAMPlusPlus",
    "xgrad_cam": "XGradCAM",
    "layer_cam": "LayerCAM",
    "hires_cam": "HiResCAM",
    "ablation_cam": "AblationCAM",
}


@pytest.mark.parametrize("name", PEERS)
def test_a_map_clipped_and_scaled_is_that_of_pytorch_grad_cam(name, monkeypatch):
    """Where it is right: gradients far above the 1e-6 in its Grad-CAM++, positive logits for its Ablation-CAM.

    Its Score-CAM draws the masks with aligned corners, and is no peer.
    """
    compat.torchvision()
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.image import scale_cam_image
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    network, images = small.network("cnn"), small.images("cnn", 4)
    network.classify.weight.data *= 1e3
    targets = network(images).argmax(1)
    monkeypatch.setattr(cams, "draw", lambda cells, images: cells)
    cells = registry.load("methods", name, {}).attribute(network, images, targets, layer="block3")
    with getattr(pytorch_grad_cam, PEERS[name])(network, [network.block3]) as method:
        wanted = method(images, [ClassifierOutputTarget(int(target)) for target in targets])
    drawn = scale_cam_image(scale_cam_image(cells.relu().numpy(), (48, 32)))
    assert np.allclose(drawn, wanted, atol=1e-3)


@pytest.mark.parametrize(("scale", "equal"), [(1e3, True), (1e-2, False)])
def test_grad_cam_plus_plus_of_pytorch_grad_cam_is_another_where_its_constant_outweighs_the_gradients(scale, equal):
    compat.torchvision()
    from pytorch_grad_cam import GradCAMPlusPlus
    from pytorch_grad_cam.utils.image import scale_cam_image
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    network, images = small.network("cnn"), small.images("cnn", 2)
    network.classify.weight.data *= scale
    features, gradient = cams.read(network, images, torch.tensor([3, 3]), "block3")
    below = 2 * gradient**2 + features.sum((2, 3), keepdim=True) * gradient**3
    weights = (gradient**2 / below * gradient.relu()).nan_to_num().sum((2, 3))
    ours = scale_cam_image(scale_cam_image(cells_of(features, weights).relu().numpy(), (48, 32)))
    with GradCAMPlusPlus(network, [network.block3]) as peer:
        theirs = peer(images, [ClassifierOutputTarget(3)] * 2)
    assert (np.abs(ours - theirs).max() < 1e-3) == equal


def test_an_ablated_map_that_lowers_a_negative_logit_is_positive_where_pytorch_grad_cam_turns_the_sign():
    compat.torchvision()
    from pytorch_grad_cam import AblationCAM
    from pytorch_grad_cam.utils.image import scale_cam_image
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    network, images = small.network("cnn"), small.images("cnn", 1)
    network.classify.bias.data -= 100
    signed = registry.load("methods", "ablation_cam", {}).attribute(
        network, images, torch.tensor([0]), layer="block3", relu=False
    )
    drawn = [scale_cam_image(scale_cam_image(cells.relu().numpy(), (48, 32))) for cells in (signed, -signed)]
    with AblationCAM(network, [network.block3]) as peer:
        theirs = peer(images, [ClassifierOutputTarget(0)])
    ours, turned = (np.corrcoef(theirs.ravel(), one.ravel())[0, 1] for one in drawn)
    assert ours < 0 < 0.9 < turned


def test_pytorch_grad_cam_leaves_gradients_in_the_weights_and_ours_leaves_none():
    compat.torchvision()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    network, images = small.network("cnn"), small.images("cnn", 1)
    registry.load("methods", "grad_cam", {}).attribute(network, images, torch.tensor([0]), layer="block3")
    assert all(weight.grad is None for weight in network.parameters())
    with GradCAM(network, [network.block3]) as peer:
        peer(images, [ClassifierOutputTarget(0)])
    assert all(weight.grad is not None for weight in network.parameters())
