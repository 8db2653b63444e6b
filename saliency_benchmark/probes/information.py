"""Scores while the most salient pixels appear on a blurred image, and how much these images tell (XRAI: Kapishnikov et
al., 2019, section 4.2): performance information curves.

As in the authors' library, what is not shown is interpolated between what is: of the blurred image, the corners and a
random hundredth of the pixels. Interpolation is `imputation.linear`, without noise, and information the size of the
image without loss, `compression.size`. The network sees what is compressed: whole numbers from 0 to 255.
"""

from collections.abc import Sequence

import numpy as np
import torch

from saliency_benchmark import asking, compression, imputation, levels, masking, seeds, sequences

SHARES = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.13, 0.21, 0.34, 0.5, 0.75)
INTERPOLATED = "interpolated"
# Means of whole numbers often lie halfway between two: this decides, and not the last digit of the solution.
UP = 0.01


def probe(
    asked: asking.Asked,
    maps: torch.Tensor,
    *,
    shares: Sequence[float] = SHARES,
    start: str = INTERPOLATED,
    known: float = 0.01,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Readings of the blurred image, of that with the most salient SHARES of the pixels, and of the image itself, in
    this order, (image, step): `revealed`, scores three ways; `hit`, 1 where the prediction is the class explained, else
    0; `size`, bytes.

    Exactly round(share * pixels) pixels appear; maps count with their sign, channels summed. START: `interpolated`, or
    the fill on which they appear; KNOWN: share of the pixels that `interpolated` always knows. Ties, and these pixels,
    by SEED and the image's index. One pass per share, one for the blurred image, and the clean one.
    """
    pixels, whole = asked.inputs[0, 0].numel(), _bytes(asked, asked.inputs)
    counts = [0, *(masking.count(share, pixels) for share in shares)]
    order = sequences.order(asked, maps, 1, None, seed)
    always = torch.from_numpy(np.stack([_known(asked.inputs.shape[2:], known, seed, image) for image in asked.index]))
    always, sizes = always[:, None].to(whole.device), []

    def make(span: range) -> torch.Tensor:
        shown = torch.cat([order.top(counts[level]) for level in span])
        images = whole.repeat(len(span), 1, 1, 1)
        if start == INTERPOLATED:
            images = imputation.linear(images, ~(shown | always.repeat(len(span), 1, 1, 1)))
            images = (images + UP).round().clamp(0, 255)
        else:
            images = torch.where(shown, images, _bytes(asked, asked.filled(start)).repeat(len(span), 1, 1, 1))
        sizes.append(compression.size(images).unflatten(0, (len(span), -1)))
        return asked.classifier.normalise(images)

    scores, hits = levels.answers(asked, len(counts), make)
    first = (asked.logits.argmax(1) == asked.targets).float()
    return {
        **asking.named("revealed", torch.cat([scores, asked.clean[:, None]], 1)),
        "hit": torch.cat([hits, first[:, None]], 1),
        "size": torch.cat([*sizes, compression.size(whole)[None]]).T.contiguous(),
    }


def _bytes(asked: asking.Asked, images: torch.Tensor) -> torch.Tensor:
    """IMAGES as they are displayed, whole numbers from 0 to 255."""
    mean, deviation = (each[:, None, None] for each in (asked.classifier.mean, asked.classifier.deviation))
    return ((images * deviation + mean) * 255).round().clamp(0, 255)


def _known(shape: Sequence[int], share: float, seed: int, image: int) -> np.ndarray:
    """True at the pixels that are known from the beginning, (row, column)."""
    rng = seeds.rng("information", seed, int(image))
    known = (rng.permutation(shape[0] * shape[1]) < masking.count(share, shape[0] * shape[1])).reshape(shape)
    known[[0, 0, -1, -1], [0, -1, 0, -1]] = True
    return known
