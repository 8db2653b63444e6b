"""New maps of the same class for images that differ by a little noise: one set of draws for all stability metrics.

Uniform in a ball around the image in the largest norm (Yeh et al., 2019), or normal. A method that draws samples of its
own draws others for every neighbour, and is as unstable as its sampling.
"""

from collections.abc import Iterator

import torch
from torch import nn

from saliency_benchmark import distances, noise
from saliency_benchmark.asking import Asked

EXPLAINS = True
DISTRIBUTIONS = ("uniform", "normal")


def probe(
    asked: Asked,
    maps: torch.Tensor,
    *,
    draws: int = 10,
    radius: float = 0.02,
    distribution: str = "uniform",
    layer: str | None = None,
    epsilon: float = 1e-3,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Readings; norms are Euclidean over all entries, maps as the method gives them, with their sign.

    `map_norm` (image), and of each draw, (image, draw): `map_distance`; `input_distance`, of pixels in [0, 1];
    `logit_distance`, over all classes; `relative_map_distance`, `relative_input_distance` (pixels) and
    `relative_representation_distance` (what LAYER gives, the last feature map if not named): relative changes entry by
    entry, see `distances.relative` for EPSILON; `same_prediction`: 1 or 0. RADIUS: largest change of a pixel in [0, 1],
    or deviation of normal noise; no pixel leaves [0, 1]. Raises ValueError for no draw or DISTRIBUTION.
    """
    if draws < 1 or distribution not in DISTRIBUTIONS:
        raise ValueError(f"{draws} draws, {distribution!r}; wanted: at least one, {' or '.join(DISTRIBUTIONS)}")
    network, mean, deviation = asked.classifier.network, *_colours(asked)
    layer = asked.classifier.layer if layer is None else layer
    shown, found = asked.inputs * deviation + mean, []
    logits, known = _passed(network, layer, asked.inputs)
    for copies in _neighbours(shown, asked.index, draws, radius, distribution, seed):
        inputs = ((copies - mean) / deviation).contiguous(memory_format=torch.channels_last)
        answer, features = _passed(network, layer, inputs)
        new = asked.explain(inputs, asked.targets).reshape(maps.shape)
        reading = {
            "map_distance": distances.norm(new - maps),
            "input_distance": distances.norm(copies - shown),
            "logit_distance": distances.norm(answer - logits),
            "relative_map_distance": distances.relative(maps, new, epsilon),
            "relative_input_distance": distances.relative(shown, copies, epsilon),
            "relative_representation_distance": distances.relative(known, features, epsilon),
            "same_prediction": (answer.argmax(1) == logits.argmax(1)).float(),
        }
        found.append(reading)
    stacked = {name: torch.stack([reading[name] for reading in found], 1) for name in found[0]}
    return {"map_norm": distances.norm(maps), **stacked}


def _colours(asked: Asked) -> tuple[torch.Tensor, torch.Tensor]:
    return asked.classifier.mean[:, None, None], asked.classifier.deviation[:, None, None]


def _neighbours(
    shown: torch.Tensor, index: object, draws: int, radius: float, distribution: str, seed: int
) -> Iterator[torch.Tensor]:
    """Noisy copies of the pixels SHOWN, in [0, 1]; each image draws from a generator of its own."""
    generators = [noise.generator("neighbours", seed, int(image)) for image in index]
    for _ in range(draws):
        if distribution == "normal":
            drawn = noise.normal(shown, generators)
        else:
            drawn = torch.stack([torch.rand(shown.shape[1:], generator=each) for each in generators]).to(shown) * 2 - 1
        yield (shown + radius * drawn).clamp(0, 1)


def _passed(network: nn.Module, layer: str, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and what the module LAYER gives, in one pass."""
    heard: list[torch.Tensor] = []
    handle = network.get_submodule(layer).register_forward_hook(lambda module, given, output: heard.append(output))
    try:
        with torch.inference_mode():
            return network(inputs), heard[-1]
    finally:
        handle.remove()
