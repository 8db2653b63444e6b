"""ROAD: scores while the most, and the least, salient pixels are removed and imputed (Rong et al., 2022).

A removed pixel is the mean of its neighbours plus noise (`imputation`), so that it tells neither its own value nor that
it was removed. The noise at a pixel is the same at every level.
"""

from collections.abc import Sequence

import torch

from saliency_benchmark import asking, imputation, levels, masking, sequences

TENTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def probe(
    asked: asking.Asked,
    maps: torch.Tensor,
    *,
    fractions: Sequence[float] = TENTHS,
    noise: float = 0.01,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Readings, scores three ways: `clean` (image); `road_morf`, `road_lerf` (image, fraction), after the most, and the
    least, salient FRACTIONS of the pixels have gone; and `road_morf_hit`, `road_lerf_hit` (image, fraction), 1 where
    the prediction is still the class explained, else 0.

    Whole pixels, exactly round(fraction * pixels) of them; maps count with their sign, channels summed; ties fall by
    SEED. NOISE: its deviation in network input. One pass per fraction and order, and the clean one.
    """
    pixels = asked.inputs[0, 0].numel()
    counts = [masking.count(fraction, pixels) for fraction in fractions]
    order = sequences.order(asked, maps, 1, None, seed)
    drawn = imputation.draw(asked.inputs, asked.index, noise, seed)
    readings = asking.named("clean", asked.clean)
    for name, first in (("road_morf", "most"), ("road_lerf", "least")):

        def make(span: range, first: str = first) -> torch.Tensor:
            gone = torch.cat([order.top(counts[level], first) for level in span])
            images, added = (each.repeat(len(span), 1, 1, 1) for each in (asked.inputs, drawn))
            return torch.where(gone, imputation.linear(images, gone) + added, images)

        scores, hits = levels.answers(asked, len(counts), make)
        readings |= {**asking.named(name, scores), f"{name}_hit": hits}
    return readings
