"""Every entry of methods/ on a small network of every family: it works, or it says why not and what to do."""

import pytest
import torch

from saliency_benchmark import attribution, batching, calling, classifier, layers, registry
from tests import small

# Fewer steps than their defaults: the contract is the same.
QUICK = {
    "rise": {"masks": 20},
    "kernel_shap": {"samples": 40},
    "lime": {"samples": 40},
    "integrated_gradients": {"steps": 4},
}


@pytest.fixture(scope="module", params=small.FAMILIES)
def family(request):
    """A network, three images, what the workflow hands over; what each method gives is asked once."""
    name = request.param
    network, images = small.network(name), small.images(name)
    shape = small.SHAPES[name]
    model = classifier.Classifier(network, torch.zeros(3), torch.ones(3), layers.feature_layer(network, shape))
    regions = images.mean(1).numpy() > 0
    return model, images, {"regions": regions, "background": small.images(name, 4, seed=7)}, shape


def maps(name, family, block=slice(None)):
    model, images, given, _ = family
    attribute, targets = registry.load("methods", name, {}).attribute, torch.tensor([0, 1, 3])
    given = given | {"regions": given["regions"][block]}
    return attribution.maps_of(attribute, model, images[block], targets[block], given=given, **QUICK.get(name, {}))


@pytest.mark.parametrize("name", registry.names("methods"))
def test_a_method_keeps_its_contract_or_says_why_it_cannot(name, family):
    model, images, given, shape = family
    method = attribution.method(name, {})
    given = attribution.provided(model, "logit") | given
    reason = method.unsuited and calling.part(method.unsuited, model.network, shape, given=given, options={})
    if reason:
        assert len(reason) > 20
        return
    together = maps(name, family)
    assert together.shape in [images.shape, (3, *shape[1:])]
    assert together.isfinite().all()
    assert torch.equal(together, maps(name, family))
    with batching.limited(2):
        alone = torch.cat([maps(name, family, slice(place, place + 1)) for place in range(3)])
    scale = together.flatten(1).abs().amax(1).clamp(min=1e-12)
    assert ((together - alone).flatten(1).abs().amax(1) <= 5e-3 * scale).all()
