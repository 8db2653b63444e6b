"""Attention written out gives what torch's own gives, output and gradient."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark.explaining import attention_forward, rewriting


def written_out(module, *inputs, **options):
    """MODULE's output with its attention written out, and the names of the functions that this calls."""
    seen = []

    def attend(function, *args, **kwargs):
        with rewriting.Rewriting({name: note(name) for name in ("linear", "matmul", "softmax")}):
            return attention_forward.multi_head_attention(*args, **kwargs)

    def note(name):
        return lambda function, *args, **kwargs: seen.append(name) or function(*args, **kwargs)

    with rewriting.Rewriting({"multi_head_attention_forward": attend}):
        return module(*inputs, **options), seen


def attention(**options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.MultiheadAttention(12, 3, dropout=0.5, **options).eval().requires_grad_(False)
        for name, parameter in module.named_parameters():
            if "bias" in name:
                parameter.normal_()
    return module


@pytest.mark.parametrize("batch_first", [True, False])
def test_self_attention_is_torchs(batch_first, draw):
    module, tokens = attention(batch_first=batch_first), draw(5, 4, 12).requires_grad_(True)
    (found, weights), seen = written_out(module, tokens, tokens, tokens, need_weights=False)
    expected = module(tokens, tokens, tokens, need_weights=False)[0]
    assert weights is None
    assert seen == ["linear", "matmul", "softmax", "matmul", "linear"]
    assert torch.allclose(found, expected, atol=1e-6)
    slopes = [torch.autograd.grad(each.square().sum(), tokens)[0] for each in (found, expected)]
    assert torch.allclose(*slopes, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"kdim": 7, "vdim": 9}])
@pytest.mark.parametrize("average", [True, False])
def test_cross_attention_and_its_weights_are_torchs(options, average, draw):
    query, key, value = draw(5, 2, 12), draw(6, 2, options.get("kdim", 12)), draw(6, 2, options.get("vdim", 12), seed=1)
    module, asked = attention(**options), {"average_attn_weights": average}
    (found, weights), _ = written_out(module, query, key, value, **asked)
    expected, expected_weights = module(query, key, value, **asked)
    assert torch.allclose(found, expected, atol=1e-6)
    assert torch.allclose(weights, expected_weights, atol=1e-6)


@pytest.mark.parametrize("mask", [torch.ones(4, 4).triu(1).bool(), torch.linspace(-3, 2, 16).reshape(4, 4)])
def test_masks_are_torchs(mask, draw):
    module, tokens = attention(), draw(4, 2, 12)
    (found, _), _ = written_out(module, tokens, tokens, tokens, attn_mask=mask)
    assert torch.allclose(found, module(tokens, tokens, tokens, attn_mask=mask)[0], atol=1e-6)
    inputs = draw(2, 3, 4, 5), draw(2, 3, 4, 5, seed=1), draw(2, 3, 4, 6)
    seen = ~mask if mask.dtype == torch.bool else mask
    for options in ({"attn_mask": seen}, {"is_causal": True}, {"scale": 0.3}):
        expected = functional.scaled_dot_product_attention(*inputs, **options)
        assert torch.allclose(attention_forward.scaled_dot_product(*inputs, **options), expected, atol=1e-6)


@pytest.mark.parametrize("options", [{"add_bias_kv": True}, {"add_zero_attn": True}])
def test_what_is_not_written_out_is_refused(options, draw):
    tokens = draw(4, 2, 12)
    with pytest.raises(ValueError, match="is not written out"):
        written_out(attention(**options), tokens, tokens, tokens)
    with pytest.raises(ValueError, match="mask per image"):
        written_out(attention(), tokens, tokens, tokens, key_padding_mask=torch.zeros(2, 4, dtype=torch.bool))
    with pytest.raises(ValueError, match="enable_gqa"):
        attention_forward.scaled_dot_product(tokens, tokens, tokens, enable_gqa=True)
