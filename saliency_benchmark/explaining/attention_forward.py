"""Attention written out in single steps, so that rules for linear maps, products and softmax reach what is inside.

torch computes attention in one call, which no rule can look into. The functions here take the arguments of
`functional.multi_head_attention_forward` and `functional.scaled_dot_product_attention` and give the same numbers by
`linear`, `mul`, `matmul`, `add`, `masked_fill` and `softmax`. Call them within a `rewriting` mode to have these seen.
Dropout is left out: models are explained in evaluation mode.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch.nn import functional

REFUSED = ("bias_k", "bias_v", "static_k", "static_v", "add_zero_attn")


def multi_head_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: torch.Tensor | None,
    in_proj_bias: torch.Tensor | None,
    bias_k: torch.Tensor | None,
    bias_v: torch.Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: torch.Tensor,
    out_proj_bias: torch.Tensor | None,
    training: bool = False,
    key_padding_mask: torch.Tensor | None = None,
    need_weights: bool = True,
    attn_mask: torch.Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: torch.Tensor | None = None,
    k_proj_weight: torch.Tensor | None = None,
    v_proj_weight: torch.Tensor | None = None,
    static_k: torch.Tensor | None = None,
    static_v: torch.Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Output (token, image, feature) of inputs of this shape, and the weights where they are asked for, else None.

    Raises ValueError for the parts of torch's attention that no classifier of torchvision uses: `REFUSED`, a mask per
    image, inputs without an axis of images.
    """
    given = (bias_k, bias_v, static_k, static_v, add_zero_attn or None)
    named = [name for name, one in zip(REFUSED, given, strict=True) if one is not None]
    if named or query.ndim != 3 or key_padding_mask is not None or (attn_mask is not None and attn_mask.ndim != 2):
        found = ", ".join(named) or "a mask per image, or inputs without an axis of images"
        raise ValueError(f"attention with {found} is not written out: explain this model by a gradient method")
    weights = (q_proj_weight, k_proj_weight, v_proj_weight)
    if not use_separate_proj_weight:
        weights = in_proj_weight.chunk(3)
    if query is key and key is value and not use_separate_proj_weight:
        projected = functional.linear(query.contiguous(), in_proj_weight, in_proj_bias).chunk(3, -1)
    else:
        biases = (None, None, None) if in_proj_bias is None else in_proj_bias.chunk(3)
        pairs = zip((query, key, value), weights, biases, strict=True)
        projected = [functional.linear(*each) for each in pairs]
    # (token, image, head x feature) -> (image, head, token, feature)
    heads = [each.reshape(*each.shape[:2], num_heads, -1).permute(1, 2, 0, 3) for each in projected]
    mixed, shares = _attend(*heads, attn_mask, heads[0].shape[-1] ** -0.5)
    joined = mixed.permute(2, 0, 1, 3).reshape(query.shape[0], query.shape[1], -1)
    output = functional.linear(joined, out_proj_weight, out_proj_bias)
    if not need_weights:
        return output, None
    return output, shares.mean(1) if average_attn_weights else shares


def scaled_dot_product(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """softmax(query key^T scale + mask) value; (..., token, feature). Raises ValueError for grouped queries."""
    if enable_gqa:
        raise ValueError("attention with enable_gqa=True is not written out: explain this model by a gradient method")
    if is_causal:
        shape = (query.shape[-2], key.shape[-2])
        attn_mask = torch.ones(shape, dtype=torch.bool, device=query.device).tril()
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    return _attend(query, key, value, None if attn_mask is None else _allowed(attn_mask), scale)[0]


def _allowed(mask: torch.Tensor) -> torch.Tensor:
    """scaled_dot_product_attention's boolean mask says what may be seen, multi_head_attention's what may not."""
    return ~mask if mask.dtype == torch.bool else mask


def _attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """MASK: added where it holds numbers, hidden where it is True."""
    scores = torch.matmul(query * scale, key.transpose(-2, -1))
    if mask is not None and mask.dtype == torch.bool:
        # Finite, so that the difference of two hidden scores is 0 and not NaN.
        scores = scores.masked_fill(mask, torch.finfo(scores.dtype).min)
    elif mask is not None:
        scores = scores + mask
    shares = scores.softmax(-1)
    return torch.matmul(shares, value), shares


def written_out(mode: Callable[[], AbstractContextManager]) -> dict[str, Callable]:
    """Rules for `rewriting` by the names of torch's functions: attention in single steps, seen by MODE()."""

    def rule(written: Callable) -> Callable:
        def answer(function: Callable, *args: object, **more: object) -> object:
            with mode():
                return written(*args, **more)

        return answer

    return {
        "multi_head_attention_forward": rule(multi_head_attention),
        "scaled_dot_product_attention": rule(scaled_dot_product),
    }
