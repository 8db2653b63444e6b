"""Models: torchvision's classifiers by name, factories elsewhere, sizes and normalisation of their own."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import classifier as classifiers
from saliency_benchmark import config, fitting, gradients, layers, networks, registry
from saliency_benchmark.resizing import Resized
from tests import small
from tests.test_config import changed

torchvision_model = registry.load("models", "torchvision_model", {})
SMALL, LARGE = (3, 64, 96), (3, 224, 224)


def built(name, shape=(3, 32, 48), classes=4, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return torchvision_model.build(shape, classes, name=name, **options).eval()


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("alexnet", "features"),
        ("convnext_tiny", "features"),
        ("densenet121", "features"),
        ("efficientnet_b0", "features"),
        ("efficientnet_v2_s", "features"),
        ("googlenet", "inception5b"),
        ("inception_v3", "Mixed_7c"),
        ("mnasnet0_5", "layers"),
        ("mobilenet_v2", "features"),
        ("mobilenet_v3_small", "features"),
        ("regnet_y_400mf", "trunk_output"),
        ("resnet18", "layer4"),
        ("resnext50_32x4d", "layer4"),
        ("shufflenet_v2_x0_5", "conv5"),
        ("squeezenet1_1", "classifier.2"),
        ("swin_t", "permute"),
        ("swin_v2_t", "permute"),
        ("vgg11_bn", "features"),
    ],
)
def test_a_classifier_of_each_family_gives_logits_and_its_last_feature_map_is_found(name, layer):
    shape = (3, 96, 128) if name == "inception_v3" else SMALL
    network = built(name, shape)
    networks.check(network, name, shape, 4)
    assert layers.feature_layer(network, shape) == layer


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("family", registry.load("models", "narrow", {}).CHOICES["family"])
def test_a_narrow_network_of_each_family_gives_logits_that_depend_on_the_image_and_has_a_live_map(family, channels):
    images = torch.randn(2, channels, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = registry.load("models", "narrow", {}).build(images.shape[1:], 4, family=family, width=8).eval()
    if family == "vit":
        nn.init.normal_(network.heads.head.weight)  # zero at first
    assert network(images).shape == (2, 4)
    assert sum(value.numel() for value in network.parameters()) < 40_000
    assert gradients.live(network, images, torch.tensor([0, 3])).abs().amax((1, 2, 3)).gt(0).all()
    assert layers.feature_layer(network, tuple(images.shape[1:]))


def test_a_narrow_network_tells_what_it_cannot_be():
    build = registry.load("models", "narrow", {}).build
    with pytest.raises(ValueError, match="no family 'vgg'; there are: resnet, densenet, vit, swin"):
        build((3, 28, 28), 4, family="vgg")
    with pytest.raises(ValueError, match="28 x 30 pixels: vit wants squares"):
        build((3, 28, 30), 4, family="vit")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["vit_b_32", "maxvit_t", "inception_v3", "wide_resnet50_2"])
def test_a_large_one_gives_logits_in_training_too(name, channels):
    """Shapes alone, on a device without numbers."""
    with torch.device("meta"):
        network, images = built(name, (channels, 224, 224)), torch.zeros(2, channels, 224, 224)
        for mode in (False, True):
            assert network.train(mode)(images).shape == (2, 4)


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "swin_t"])
def test_the_first_convolution_takes_as_many_channels_as_the_images_have(name):
    colour, grey = (built(name, (channels, 64, 64)) for channels in (3, 1))
    with torch.no_grad():
        assert grey(torch.zeros(2, 1, 64, 64)).shape == (2, 4)
    first, other = (next(m for m in network.modules() if isinstance(m, nn.Conv2d)) for network in (colour, grey))
    kept = ["out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode"]
    assert [getattr(first, one) for one in kept] == [getattr(other, one) for one in kept]
    assert (first.bias is None) == (other.bias is None)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("resnet19", SMALL, r"no classifier 'resnet19' \(did you mean 'resnet18'\?\); it has: .*vgg11"),
        ("fcn_resnet50", SMALL, "'fcn_resnet50' of torchvision is no image classifier; classifiers: alexnet"),
        ("quantized_resnet18", SMALL, "'quantized_resnet18' of torchvision is no image classifier"),
        ("vit_b_16", (3, 32, 48), r"takes square images, not 32 x 48 pixels; set `size: \[224, 224\]`"),
        ("vit_b_16", (3, 28, 28), r"takes no images of 28 x 28 pixels \(.*patch size.*\); set `size: \[224, 224\]`"),
        ("maxvit_t", SMALL, r"takes no images of 64 x 96 pixels \((.|\n)*partition size(.|\n)*\); set `size"),
    ],
)
def test_what_cannot_be_built_is_told_with_what_to_do(name, shape, message):
    with pytest.raises(ValueError, match=message), torch.device("meta"):
        built(name, shape)


class Net(nn.Module):
    """A user's own network."""

    def __init__(self, channels=1, outputs=3, width=4):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, width, 3, 2), nn.BatchNorm2d(width), nn.ReLU())
        self.head = nn.Linear(width, outputs)

    def forward(self, images):
        return self.head(self.body(images).mean((2, 3)))

    @classmethod
    def sized(cls, num_classes, *, width=4):
        return cls(1, num_classes, width)


def told_shape(shape, classes, width):
    return Net(shape[0], classes, width)


def told_nothing():
    return Net(outputs=3)


def pretrained():
    """Its weights are those of a file, as far as chance can tell."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = Net(outputs=2)
        network.register_parameter("token", nn.Parameter(torch.randn(1, 3)))
        network.body[1].running_mean.fill_(7)
    return network


def half_pretrained():
    network = pretrained()
    network.head = nn.Linear(4, 2)
    return network


def pair():
    network = Net(outputs=2)
    network.register_forward_hook(lambda module, inputs, output: (output, output))
    return network


def talkative():
    network = Net(outputs=2)
    network.register_forward_hook(lambda module, inputs, output: (output, output) if module.training else output)
    return network


def text():
    return "a network"


def entry(function, **more):
    return {"call": f"{__name__}:{function}", "options": {}, **more}


IMAGES = np.random.default_rng(0).integers(0, 256, (24, 1, 12, 16), dtype=np.uint8)
LABELS = np.arange(24, dtype=np.int32) % 2


def begun(model, labels=LABELS, seed=0):
    return fitting.untrained(fitting.description(model, "mine", IMAGES, labels), IMAGES, seed)


@pytest.mark.parametrize(
    ("function", "more"),
    [("Net.sized", {}), ("told_shape", {"options": {"width": 6}}), ("told_nothing", {"classes": 3})],
)
def test_a_factory_gets_what_it_has_parameters_for(function, more):
    model = begun(entry(function, **more))
    assert model.network(model.normalise(IMAGES)).shape == (24, more.get("classes", 2))
    assert model.network.body[0].out_channels == more.get("options", {}).get("width", 4)
    assert model.layer == "body"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("text", r"models\.mine: its factory gives str; wanted: a torch\.nn\.Module"),
        (
            "told_nothing",
            r"gives \(2, 3\) for 2 images; wanted: .* = \(2, 2\); set `classes: 3` to keep all its outputs",
        ),
        ("pair", "gives tuple for 2 images; wanted: .*; let it give one tensor, without auxiliary outputs"),
        ("talkative", "gives tuple for 2 images"),
        ("Net", r"cannot take images of \(channel, row, column\) = \(3, 12, 16\): .* set `size: \[rows, columns\]`"),
        ("Net.made", r"test_models has no 'Net\.made', as 'made' is not in it"),
    ],
)
def test_a_factory_that_gives_no_classifier_is_told_before_any_training(function, message):
    images = IMAGES.repeat(3, 1) if function == "Net" else IMAGES
    with pytest.raises(ValueError, match=message):
        fitting.untrained(fitting.description(entry(function), "mine", images, LABELS), images, 0)


def test_looking_whether_it_works_changes_nothing():
    network = Net().train()
    network.head.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    chance = torch.get_rng_state()
    networks.check(network, "mine", (1, 12, 16), 3)
    assert (network.training, network.head.training) == (True, False)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), chance)


@pytest.mark.parametrize("function", ["pretrained", "half_pretrained"])
def test_remove_and_retrain_begins_at_random_even_where_the_factory_brings_weights(function):
    first, again, other = (begun(entry(function), seed=seed).network for seed in (0, 0, 1))
    brought = pretrained()
    for name, value in first.named_parameters():
        assert torch.equal(value, again.get_parameter(name))
        if value.ndim > 1:
            assert not torch.equal(value, brought.get_parameter(name))
            assert not torch.equal(value, other.get_parameter(name))
    assert not first.body[1].running_mean.any()


def test_a_factory_that_brings_no_weights_begins_as_it_made_its_network():
    made = networks.build(entry("Net.sized"), "mine", (1, 12, 16), 2, 5)
    kept = begun(entry("Net.sized"), seed=5).network
    assert all(torch.equal(value, made.state_dict()[name]) for name, value in kept.state_dict().items())


def test_labels_must_be_among_the_classes():
    with pytest.raises(
        ValueError, match=r"mine\.classes is 2, and a training image has the label 4; wanted: at least 5"
    ):
        fitting.description(entry("Net", classes=2), "mine", IMAGES, LABELS + 3)


def test_the_given_normalisation_stands_before_the_network_and_one_number_per_channel_is_wanted():
    given = {"mean": [0.25], "deviation": [0.5]}
    model = begun(entry("Net.sized", normalisation=given))
    assert torch.allclose(model.normalise(IMAGES), (torch.from_numpy(IMAGES) / 255 - 0.25) / 0.5)
    assert model.black().tolist() == [-0.5]
    with pytest.raises(ValueError, match=r"normalisation\.mean has 3 numbers, and the images 1 channels"):
        begun(entry("Net.sized", normalisation={"mean": [0.5] * 3, "deviation": [0.5] * 3}))


def test_images_are_resized_inside_the_model_and_its_gradient_is_the_chain_rules(draw):
    inner = small.network("vit")
    network, images, targets = Resized(inner, (32, 32)), draw(3, 3, 20, 28), torch.tensor([0, 1, 3])
    found = gradients.gradient(network, images, targets)
    # The resize is linear: one matrix per axis. Its transpose brings the inner gradient back.
    rows, columns = (
        functional.interpolate(
            torch.eye(n)[:, None, :, None].repeat(1, 1, 1, 2), (32, 2), mode="bilinear", antialias=True
        )
        for n in (20, 28)
    )
    rows, columns = rows[:, 0, :, 0], columns[:, 0, :, 0]
    resized = torch.einsum("ri,nkrc,cj->nkij", rows, images, columns)
    inside = gradients.gradient(inner, resized, targets)
    assert torch.allclose(network(images), inner(resized), atol=1e-4)
    assert torch.allclose(found, torch.einsum("ri,nkij,cj->nkrc", rows, inside, columns), atol=1e-5)


def test_a_model_of_another_size_has_its_modules_behind_network_and_maps_of_the_images_size():
    model = begun(entry("told_shape", options={"width": 4}, size=[30, 22]))
    assert (model.layer, tuple(model.network.size)) == ("network.body", (30, 22))
    assert model.network.network(torch.zeros(1, 1, 30, 22)).shape == (1, 2)
    found = registry.load("methods", "grad_cam", {}).attribute(
        model.network.eval(), model.normalise(IMAGES[:2]), torch.tensor([0, 1]), layer=model.layer
    )
    assert found.shape == (2, 12, 16)
    with pytest.raises(
        ValueError, match=r"'body' is no module of this model; feature maps are given by: network\.body"
    ):
        begun(entry("Net.sized", size=[30, 22], layer="body"))


def test_a_stored_model_comes_back_with_all_that_is_its_own(tmp_path):
    normalisation = {"mean": [0.25], "deviation": [0.5]}
    told = fitting.description(
        entry("Net.sized", size=[9, 9], classes=5, normalisation=normalisation), "mine", IMAGES, LABELS
    )
    model = fitting.untrained(told, IMAGES, 3)
    classifiers.save(tmp_path / "model.h5", model, told, {"loss": np.zeros(0)}, {})
    back = classifiers.load(tmp_path / "model.h5")
    inputs = back.normalise(IMAGES)
    with torch.no_grad():
        assert torch.equal(back.network(inputs), model.network.eval()(model.normalise(IMAGES)))
    assert back.network(inputs).shape == (24, 5)
    assert back.layer == "network.body"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"weights": "nowhere.pt"}, "models.m.weights: there is no file"),
        ({"train": False}, "models.m: `train: false` wants `weights`, or it would be a network of random ones"),
        ({"call": "tests.test_models:Net.sized", "file": "small_cnn"}, "has both `file` and `call`"),
        ({"call": "tests.test_models:Not.sized"}, "has no function 'Not.sized'"),
        ({"call": "tests.test_models:told_shape"}, "wants 'width', which has no default"),
        (
            {"call": "tests.test_models:told_shape", "options": {"width": 3, "classes": 4}},
            "takes no 'classes'; it takes: width",
        ),
        ({"normalisation": {"mean": [0.5]}}, "models.m.normalisation: 'deviation' is a required property"),
        ({"normalisation": {"mean": [127], "deviation": [1]}}, "127 is greater than the maximum of 1"),
        ({"size": [224]}, "models.m.size: [224] is too short"),
    ],
)
def test_a_mistake_in_an_entry_is_told_before_any_job(model, message):
    entries = {"m": model if "call" in model else {"file": "small_cnn", **model}}
    with pytest.raises(ValueError) as error:
        config.complete(changed(models=entries))
    assert message in str(error.value)


def test_a_factory_that_may_bring_weights_need_not_be_trained():
    full = config.complete(changed(models={"m": {"call": "tests.test_models:pretrained", "train": False}}))
    assert full["models"]["m"] == {
        "call": "tests.test_models:pretrained",
        "train": False,
        "options": {},
        "training": {},
    }
