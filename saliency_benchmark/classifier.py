"""The classifier under explanation: a network, and the normalisation that stands before it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from saliency_benchmark import artifacts, devices, networks


@dataclass
class Classifier:
    """NETWORK takes normalised images (image, channel, row, column) and gives logits (image, class)."""

    network: nn.Module
    mean: torch.Tensor
    deviation: torch.Tensor
    layer: str

    def normalise(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Bytes -> network input, (pixel / 255 - mean) / deviation: 0 is the mean colour of the training images."""
        return self.scaled(images).contiguous(memory_format=torch.channels_last)

    def scaled(self, images: np.ndarray | torch.Tensor) -> torch.Tensor:
        """The numbers of `normalise`, channel after channel in memory: quicker to work on, and not to convolve."""
        pixels = torch.as_tensor(images).to(self.mean.device).float() / 255
        # In place: `pixels` is new, and three passes over memory count beside a small network's step.
        return pixels.sub_(self.mean[:, None, None]).div_(self.deviation[:, None, None])

    def black(self) -> torch.Tensor:
        """The colour black as network input, (channel)."""
        return -self.mean / self.deviation

    def white(self) -> torch.Tensor:
        return (1 - self.mean) / self.deviation


def save(
    path: str | Path,
    classifier: Classifier,
    description: dict,
    curves: artifacts.Arrays,
    origin: dict,
    facts: dict | None = None,
) -> None:
    """DESCRIPTION is what `networks.build` needs to make the network again: entry, label, shape, classes.

    CURVES (epoch) by name, `loss` among them; FACTS of the training: the epoch chosen, a temperature.
    """
    weights = {f"weights.{name}": value.cpu().numpy() for name, value in classifier.network.state_dict().items()}
    arrays = {name: np.atleast_1d(value) for name, value in weights.items()}
    arrays |= {"mean": classifier.mean.cpu().numpy(), "deviation": classifier.deviation.cpu().numpy(), **curves}
    told = {**description, "layer": classifier.layer, **(facts or {})}
    artifacts.write(path, artifacts.MODEL, arrays, origin, facts=told)


def load(path: str | Path) -> Classifier:
    """The classifier in PATH, in evaluation mode, on the best device."""
    device = devices.best()
    arrays = artifacts.read(path, artifacts.MODEL)
    facts = artifacts.facts(path, artifacts.MODEL)
    network = networks.build(facts["entry"], facts["label"], tuple(facts["shape"]), facts["classes"], seed=0)
    state = {
        name: torch.from_numpy(arrays[f"weights.{name}"]).reshape(value.shape)
        for name, value in network.state_dict().items()
    }
    network.load_state_dict(state)
    network = network.to(device).eval().requires_grad_(False)
    mean, deviation = (torch.from_numpy(arrays[name]).to(device) for name in ("mean", "deviation"))
    return Classifier(network, mean, deviation, facts["layer"])
