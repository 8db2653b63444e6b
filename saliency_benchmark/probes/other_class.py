"""Maps of another class of the same image, drawn by chance (random logit: Sixt et al., 2020)."""

import torch

from saliency_benchmark import seeds, similarity
from saliency_benchmark.asking import Asked

EXPLAINS = True


def probe(asked: Asked, maps: torch.Tensor, *, signed: bool = False, seed: int = 0) -> dict[str, torch.Tensor]:
    """`spearman`, `ssim` (image): how alike the maps of the target and of another class are; NaN if there is but one.

    Every other class has the same chance. Maps count by magnitude of the sum over the channels, or SIGNED.
    """
    classes = asked.logits.shape[1]
    if classes == 1:
        none = torch.full((len(maps),), torch.nan)
        return {"spearman": none, "ssim": none}
    # A step of 1 to classes - 1 around the ring of classes never comes back to the target.
    steps = [int(seeds.rng("other class", seed, int(image)).integers(1, classes)) for image in asked.index]
    others = (asked.targets + torch.tensor(steps, device=asked.targets.device)) % classes
    found = asked.explain(asked.inputs, others)
    first, second = similarity.per_pixel(maps, signed), similarity.per_pixel(found, signed)
    return {"spearman": similarity.spearman(first, second), "ssim": similarity.ssim(first, second)}
