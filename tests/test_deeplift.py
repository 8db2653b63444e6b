"""DeepLIFT: its sum to the difference of outputs, rules by hand, captum where it is right, and where it is not."""

import warnings

import captum.attr
import pytest
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import batching, gradients, registry
from saliency_benchmark.explaining import rescale
from tests import small
from tests.test_backpropagation import Functional, case, drawn, frozen, near

__all__ = ["case"]
METHOD = registry.load("methods", "deeplift", {})


class Step(nn.Module):
    """A dense layer, STEP(values) of four rows of six numbers, and a dense layer."""

    def __init__(self, step, width=24):
        super().__init__()
        self.first, self.last, self.step = nn.Linear(24, 24), nn.LazyLinear(3), step

    def forward(self, images):
        values = self.step(self.first(images.flatten(1)).reshape(-1, 2, 3, 4))
        return self.last(values.flatten(1))


def step(function):
    def make():
        made = Step(function)
        made(torch.zeros(1, 24))  # the lazy layer learns its size
        return made

    return drawn(make)


def difference(model, images, targets, baseline):
    """DeepLIFT's map from any BASELINE."""
    return (images - baseline) * rescale.multipliers(model, images, targets, baseline)


def gain(model, images, targets, baseline):
    return gradients.chosen(model(images), targets) - gradients.chosen(model(baseline), targets)


def by_captum(model, images, targets, baseline):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return captum.attr.DeepLift(model).attribute(images, baseline, target=targets).detach()


def grouped(values):
    return functional.group_norm(values, 2, values.new_tensor([0.5, 2.0]), values.new_tensor([1.0, -1.0]))


STEPS = {
    "relu": functional.relu,
    "relu in place": lambda values: values.mul_(1.5).relu_(),
    "relu in place, result unused": lambda values: (functional.relu_(values), values)[1],
    "relu6": lambda values: functional.relu6(8 * values),
    "hardtanh": nn.Hardtanh(-0.2, 0.3, inplace=True),
    "leaky_relu": nn.LeakyReLU(0.2, inplace=True),
    "elu": nn.ELU(inplace=True),
    "gelu": functional.gelu,
    "gelu by tanh": nn.GELU("tanh"),
    "silu": nn.SiLU(inplace=True),
    "mish": functional.mish,
    "hardswish": lambda values: functional.hardswish(4 * values),
    "hardsigmoid": nn.Hardsigmoid(),
    "sigmoid": torch.sigmoid,
    "tanh in place": torch.tanh_,
    "softplus": functional.softplus,
    "exp": torch.exp,
    "square": lambda values: values**2,
    "root": lambda values: (values.abs() + 1).sqrt(),
    "clamp": lambda values: values.clamp(-0.1, 0.4),
    "reciprocal": lambda values: 1 / (values.exp() + 2),
    "product": lambda values: values[:, :1] * values[:, 1:].sigmoid(),
    "product in place": lambda values: (2 * values).mul_(values),
    "square as a product": lambda values: values * values,
    "quotient": lambda values: values[:, :1] / (1 + values[:, 1:].exp()),
    "matrix product": lambda values: values @ values.sigmoid().transpose(-2, -1),
    "einsum": lambda values: torch.einsum("nchw,ndhw->ncd", values, values),
    "softmax": lambda values: (5 * values).softmax(-1),
    "softmax with hidden scores": lambda values: values.masked_fill(torch.eye(3, 4) == 1, -torch.inf).softmax(-1),
    "layer norm": nn.LayerNorm(4, elementwise_affine=False),
    "layer norm of two axes": lambda values: functional.layer_norm(values, (3, 4), values.new_ones(3, 4).cumsum(1)),
    "group norm": grouped,
    "normalize": lambda values: functional.normalize(values, dim=-1),
    "attention": lambda values: functional.scaled_dot_product_attention(values, 2 * values, values.sin()),
    "max pooling": lambda values: functional.max_pool2d(values, 2, 1),
    "padded max pooling": lambda values: functional.max_pool2d(values, 3, 2, 1),
    "adaptive max pooling": nn.AdaptiveMaxPool2d((2, 3)),
}


@pytest.mark.parametrize("baseline", ["mean", "image_mean", "blur"])
@pytest.mark.parametrize("family", small.FAMILIES)
def test_the_map_sums_to_the_difference_of_outputs(family, baseline, case):
    model, images, targets = case(family)
    expected = METHOD.total(model, images, targets, baseline=baseline)
    found = METHOD.attribute(model, images, targets, baseline=baseline)
    assert torch.allclose(found.sum((1, 2, 3)), expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("family", small.FAMILIES)
def test_no_family_is_refused_and_single_precision_is_enough(family):
    model, images, targets = small.network(family).requires_grad_(False), small.images(family), torch.tensor([0, 3, 1])
    assert METHOD.unsuited(model, small.SHAPES[family]) is None
    found = METHOD.attribute(model, images, targets)
    exact = METHOD.attribute(frozen(small.network(family)), images.double(), targets)
    assert near(found.double(), exact, 1e-4)
    alone = torch.cat([METHOD.attribute(model, images[[at]], targets[[at]]) for at in range(3)])
    assert near(alone, found, 1e-4)


@pytest.mark.parametrize("name", STEPS)
def test_every_rule_is_exact_and_becomes_the_gradient_where_image_and_baseline_meet(name, draw):
    model, targets = step(STEPS[name]), torch.tensor([0, 2, 1, 0, 2])
    images, baseline = 2 * draw(5, 1, 4, 6).double(), draw(5, 1, 4, 6, seed=1).double()
    found, expected = difference(model, images, targets, baseline), gain(model, images, targets, baseline)
    assert torch.allclose(found.sum((1, 2, 3)), expected, rtol=1e-9, atol=1e-12)
    slope = gradients.slope(model, images, targets)
    assert near(rescale.multipliers(model, images, targets, images + 1e-7 * baseline), slope, 1e-4)
    assert near(rescale.multipliers(model, images, targets, images), slope, 1e-6)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_leaves_its_values_as_the_model_makes_them(name, draw):
    model, images = step(STEPS[name]), draw(5, 1, 4, 6).double().requires_grad_(True)
    tape = rescale.Tape()
    with tape.mode:
        recorded = model(images.detach())
        tape.recording = False
        again = model(images)
    assert torch.allclose(recorded, model(images), atol=1e-12)
    assert torch.allclose(again, model(images), atol=1e-12)


def test_the_rescale_rule_by_hand():
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 1), nn.ReLU(), nn.Linear(1, 1))
    for module, weight, bias in ((model[1], [[2.0, 1.0]], [-1.0]), (model[3], [[3.0]], [7.0])):
        module.weight.data, module.bias.data = torch.tensor(weight), torch.tensor(bias)
    image, target = torch.tensor([[[[1.0, 1.0]]]]), torch.tensor([0])
    # From -1 to 2 the ReLU rises by 2 over 3: the multiplier is 2 / 3, where the gradient is 1.
    assert torch.allclose(METHOD.attribute(model, image, target).flatten(), torch.tensor([4.0, 2.0]))
    assert METHOD.total(model, image, target).item() == 6


@pytest.mark.parametrize(
    ("image", "baseline", "expected"),
    [
        ([0.0, 3.0, 1.0], [1.0, 2.0, 0.0], [0.0, 1.0, 0.0]),  # the image's winner
        ([3.0, 1.0, 0.0], [0.0, 1.5, 2.0], [1.0, 0.0, 0.0]),  # also where it was not the baseline's
        ([0.5, 1.0, 0.0], [0.0, 1.0, 2.0], [0.0, 0.0, -1.0]),  # the baseline's winner, which lost more
        ([0.2, 0.4, 0.1], [1.0, 1.0, 1.0], [0.0, -0.6, 0.0]),  # a plain baseline has no winner: the image's
    ],
)
def test_a_window_of_max_pooling_by_hand(image, baseline, expected):
    model = nn.Sequential(nn.MaxPool2d((1, 3)), nn.Flatten())
    image, baseline = (torch.tensor(each).reshape(1, 1, 1, 3) for each in (image, baseline))
    found = difference(model, image, torch.tensor([0]), baseline)
    assert torch.allclose(found.flatten(), torch.tensor(expected))


def test_a_product_shares_its_difference_by_the_mean_of_the_other_factor():
    class Product(nn.Module):
        def forward(self, images):
            return (images[:, 0] * images[:, 1]).flatten(1)

    image, baseline = (torch.tensor(each).reshape(1, 2, 1, 1) for each in ([5.0, 3.0], [1.0, 1.0]))
    # 15 - 1 = 14: the first rises by 4 beside 2 on average, the second by 2 beside 3.
    assert difference(Product(), image, torch.tensor([0]), baseline).flatten().tolist() == [8, 6]


def test_scores_that_are_far_apart_do_not_make_multipliers_large():
    class Softmax(nn.Module):
        def forward(self, images):
            return images.flatten(1).softmax(1)

    image, baseline = (torch.tensor(each).reshape(1, 1, 1, 3) for each in ([500.0, 400.0, 0.0], [-300.0, 0.0, -200.0]))
    found = difference(Softmax(), image, torch.tensor([0]), baseline)
    assert torch.allclose(found.sum(), torch.tensor(1.0))
    assert found.abs().sum() < 3


def test_the_map_is_captums_where_relus_are_modules_used_once(case):
    model, images, targets = case("cnn")
    baseline = small.images("cnn", seed=7).double()
    assert near(difference(model, images, targets, baseline), by_captum(model, images, targets, baseline))


def pooled(*between):
    """Convolution, the steps BETWEEN, max pooling, and what makes classes of it; always of the same weights."""

    def make():
        first, second, last = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3), nn.Linear(4 * 4 * 6, 3)
        return nn.Sequential(first, *between, nn.MaxPool2d(2), second, nn.Sigmoid(), nn.Flatten(), last)

    return drawn(make)


def test_max_pooling_is_captums_but_directly_behind_a_relu_where_captum_loses_its_rule(draw):
    images, baseline, targets = (
        draw(3, 1, 12, 16).double(),
        draw(3, 1, 12, 16, seed=1).double(),
        torch.tensor([0, 2, 1]),
    )
    model = pooled()
    assert near(difference(model, images, targets, baseline), by_captum(model, images, targets, baseline))
    model = pooled(nn.ReLU())
    found, theirs = (each(model, images, targets, baseline) for each in (difference, by_captum))
    expected = gain(model, images, targets, baseline)
    assert near(found.sum((1, 2, 3)), expected)
    assert not near(theirs.sum((1, 2, 3)), expected, 0.05)
    model = pooled(nn.ReLU(), Call(lambda values: values + 0))
    assert near(difference(model, images, targets, baseline), found)
    assert near(by_captum(model, images, targets, baseline), found)  # one step between both, and captum agrees


def test_torchvisions_resnet_reuses_its_relus_where_captum_fails(case):
    model, images, targets = case("resnet")
    with pytest.raises(RuntimeError, match="being used more than once"):
        by_captum(model, images, targets, 0.0)
    found = METHOD.attribute(model, images, targets)
    assert torch.allclose(found.sum((1, 2, 3)), METHOD.total(model, images, targets), rtol=1e-9)


def test_a_functional_relu_gets_its_rule_where_captum_gives_the_gradient(draw):
    one, other = drawn(lambda: Functional("module")), drawn(lambda: Functional("function"))
    images, baseline, targets = draw(3, 3, 8, 9).double(), draw(3, 3, 8, 9, seed=1).double(), torch.tensor([0, 3, 1])
    found = difference(other, images, targets, baseline)
    assert near(found, difference(one, images, targets, baseline))
    assert near(found, by_captum(one, images, targets, baseline))
    theirs = by_captum(other, images, targets, baseline)
    assert near(theirs, (images - baseline) * gradients.slope(other, images, targets))
    assert not near(theirs.sum((1, 2, 3)), gain(other, images, targets, baseline), 0.05)


@pytest.mark.parametrize("stride", [1, 2])
def test_windows_of_max_pooling_that_overlap_all_count_where_captum_loses_some(stride, draw):
    model, targets = nn.Sequential(nn.MaxPool2d(3, stride), nn.Flatten(), Sum()), torch.zeros(4, dtype=torch.long)
    images, baseline = draw(4, 1, 7, 9).double(), draw(4, 1, 7, 9, seed=1).double()
    expected = gain(model, images, targets, baseline)
    assert torch.allclose(difference(model, images, targets, baseline).sum((1, 2, 3)), expected)
    assert not near(by_captum(model, images, targets, baseline).sum((1, 2, 3)), expected, 0.05)


class Sum(nn.Module):
    def forward(self, values):
        return values.sum(1, keepdim=True)


@pytest.mark.parametrize("function", [lambda values: values.amax(-1), lambda values: values.cumsum(-1).logsumexp(-1)])
def test_a_step_without_a_rule_is_refused_before_any_job_runs(function):
    model = nn.Sequential(nn.Flatten(), nn.Linear(24, 24), nn.Unflatten(1, (4, 6)), Call(function), nn.Linear(4, 3))
    assert "no rule for" in METHOD.unsuited(model.eval(), (1, 4, 6))


class Call(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, values):
        return self.function(values)


def test_a_model_that_does_something_else_with_its_baseline_is_refused(draw):
    class Fickle(nn.Module):
        def forward(self, images):
            return (images.relu() if images.sum() else images.tanh()).flatten(1)

    with pytest.raises(ValueError, match="calls relu on an image where it calls tanh on its baseline"):
        METHOD.attribute(Fickle(), draw(1, 1, 2, 2), torch.tensor([0]))


def test_probabilities_are_explained_exactly_too(case):
    model, images, targets = case("vit")
    model.register_forward_hook(lambda module, inputs, logits: logits.softmax(1))
    found = METHOD.attribute(model, images, targets)
    assert torch.allclose(found.sum((1, 2, 3)), METHOD.total(model, images, targets), rtol=1e-9, atol=1e-12)


def test_no_more_rows_than_allowed_are_on_the_device(case):
    model, images, targets = case("cnn")
    sizes = []
    handle = model.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    with batching.limited(2):
        found = METHOD.attribute(model, images, targets)
    handle.remove()
    assert sizes == [1] * 6
    assert near(found, METHOD.attribute(model, images, targets))


def test_attention_of_a_module_is_exact(draw):
    class Attending(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.last = nn.MultiheadAttention(6, 2, batch_first=True), nn.Linear(6, 3)

        def forward(self, images):
            tokens = images.flatten(1, 2)
            return self.last(self.attention(tokens, tokens, tokens)[0].mean(1))

    model, targets = drawn(Attending), torch.tensor([0, 2, 1])
    images, baseline = 3 * draw(3, 1, 4, 6).double(), draw(3, 1, 4, 6, seed=1).double()
    found = difference(model, images, targets, baseline)
    assert torch.allclose(found.sum((1, 2, 3)), gain(model, images, targets, baseline), rtol=1e-9)
