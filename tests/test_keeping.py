"""What rules made of weights is kept while the weights stay, and no longer."""

import pytest
import torch
from torch import nn

from saliency_benchmark.explaining.keeping import kept
from saliency_benchmark.methods import lrp_epsilon_plus

IMAGES = torch.randn((4, 3, 8, 8), generator=torch.Generator().manual_seed(0))


def network() -> nn.Module:
    torch.manual_seed(1)
    parts = (
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 3),
    )
    return nn.Sequential(*parts).eval().requires_grad_(False)


def relevance(model: nn.Module) -> torch.Tensor:
    return lrp_epsilon_plus.attribute(model, IMAGES, torch.zeros(4, dtype=torch.long))


def test_what_was_made_of_a_weight_is_found_again():
    model = network()
    kept(model).of(model[0].weight, None)["rule"] = 1
    assert kept(model).of(model[0].weight, None) == {"rule": 1}
    assert kept(model).of(model[0].weight, model[0].bias) == {}


def test_nothing_is_kept_for_a_tensor_made_on_the_way():
    model = network()
    kept(model).of(model[0].weight * 2, None)["rule"] = 1
    assert kept(model).of(model[0].weight * 2, None) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model[0].weight.mul_(-1),
        lambda model: model[1].running_var.add_(1),
        lambda model: setattr(model[0].weight, "data", -model[0].weight.data),
        lambda model: setattr(model[3], "weight", nn.Parameter(-model[3].weight, requires_grad=False)),
        lambda model: model.load_state_dict({name: value * 2 for name, value in model.state_dict().items()}),
    ],
)
def test_a_changed_network_is_explained_by_its_own_weights(change):
    used, fresh = network(), network()
    relevance(used)
    for model in (used, fresh):
        change(model)
    torch.testing.assert_close(relevance(used), relevance(fresh), rtol=0, atol=0)


def test_batch_norms_that_share_a_convolution_are_told_apart():
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.base = network()
            self.other = nn.BatchNorm2d(4).eval()
            self.other.running_var.fill_(0.1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            one = self.base(x)
            return one + self.base[4:](self.base[3](self.base[2](self.other(self.base[0](x)))))

    model = Shared().eval().requires_grad_(False)
    first = relevance(model)
    torch.testing.assert_close(relevance(model), first, rtol=0, atol=0)
    swapped = Shared().eval().requires_grad_(False)
    swapped.base[1], swapped.other = swapped.other, swapped.base[1]
    torch.testing.assert_close(relevance(swapped), first)
