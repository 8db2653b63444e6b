"""Which methods are made of which, told from the settings."""

import pytest

from saliency_benchmark import roar_design


def pairs(**methods):
    filled = {label: {"options": {}, **entry} for label, entry in methods.items()}
    return [tuple(pair.values()) for pair in roar_design.variants({"methods": filled})]


def test_a_variant_is_paired_with_the_entry_that_it_is_made_of():
    found = pairs(
        gradient={},
        ig={"file": "integrated_gradients", "options": {"steps": 5}},
        smoothgrad={},
        sg_ig={"file": "smoothgrad", "options": {"base": "integrated_gradients", "base_options": {"steps": 5}}},
        sg_other={"file": "smoothgrad", "options": {"base": "integrated_gradients", "base_options": {"steps": 9}}},
        blurred={"file": "gaussian_filtered", "options": {"base": "smoothgrad"}},
        random={},
    )
    assert found == [
        ("smoothgrad", "gradient", "smoothgrad"),
        ("sg_ig", "ig", "smoothgrad"),
        ("blurred", "smoothgrad", "gaussian_filtered"),
    ]


@pytest.mark.parametrize("variant", ["smoothgrad_squared", "vargrad", "squared", "maximum_filtered"])
def test_a_variant_without_options_is_one_of_the_gradient(variant):
    assert pairs(**{variant: {}, "gradient": {}}) == [(variant, "gradient", variant)]
    assert pairs(**{variant: {}}) == []
