"""Maps of mosaics that show the image twice and two images of other classes (Focus: Arias-Duart et al., 2022).

In the paper a mosaic has two images of the class and is four times as large; here it is the image twice, in the size
that the network takes, so that a score is the image's own. The others are training images that the network itself takes
for another class: what they show speaks for something else.
"""

from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from saliency_benchmark import mosaics as making
from saliency_benchmark.asking import Asked

EXPLAINS = True
# The probe looks at training images, `background`, whatever the method asks for.
NEEDS_BACKGROUND = True

_known: WeakKeyDictionary[nn.Module, tuple[torch.Tensor, np.ndarray]] = WeakKeyDictionary()


def probe(asked: Asked, maps: torch.Tensor, *, mosaics: int = 4, seed: int = 0) -> dict[str, torch.Tensor]:
    """`share` (image, mosaic): share of the positive relevance, channels by themselves, in the image's own quadrants.

    NaN where there is no positive relevance, where fewer than two training images are of another class, or where an
    image has but one row or column. MOSAICS: how many of each image. MAPS are not looked at. Raises ValueError where
    there are no training images.
    """
    given = getattr(asked.explain, "given", None) or {}
    if given.get("background") is None:
        raise ValueError("mosaics are made with training images, and the method was given none (`background`)")
    background, shape = given["background"], tuple(asked.inputs.shape[2:])
    allowed = _classes(asked, background)[None] != asked.targets.cpu().numpy()[:, None]
    possible = torch.from_numpy(allowed.sum(1) > 1).to(maps.device)
    if min(shape) < 2 or not possible.any():
        return {"share": torch.full((len(maps), mosaics), torch.nan)}
    found = []
    for number in range(mosaics):
        plan = making.plan(asked.index, allowed, number, seed)
        shown = making.built(asked.inputs, background, plan)
        relevance = _explained(asked, shown, plan, given.get("regions")).clamp_min(0)
        relevance = relevance.sum(1) if relevance.ndim == 4 else relevance
        own = torch.from_numpy(making.spread(plan, shape)).to(relevance.device)
        share = (relevance * own).sum((1, 2)) / relevance.sum((1, 2))
        found.append(torch.where(possible, share, torch.nan))
    return {"share": torch.stack(found, 1)}


def _classes(asked: Asked, background: torch.Tensor) -> np.ndarray:
    """What the network takes the training images for; asked once per network."""
    network = asked.classifier.network
    if network not in _known or _known[network][0] is not background:
        answers = [asked.answer(part).argmax(1) for part in background.split(len(asked.inputs))]
        _known[network] = background, torch.cat(answers).cpu().numpy()
    return _known[network][1]


def _explained(asked: Asked, shown: torch.Tensor, plan: making.Plan, regions: np.ndarray | None) -> torch.Tensor:
    """Maps of the mosaics; methods that are told where the class is are told where it is now."""
    if regions is None:
        return asked.explain(shown, asked.targets)
    there = torch.from_numpy(regions).float()[:, None]
    nowhere = torch.zeros(int(plan.others.max()) + 1, *there.shape[1:])
    return asked.explain.of(making.built(there, nowhere, plan)[:, 0].numpy() > 0.5)(shown, asked.targets)
