"""A classifier of torchvision by its name there, with random weights."""

from torch import nn

from saliency_benchmark import compat


def build(shape: tuple[int, int, int], classes: int, *, name: str, settings: dict | None = None) -> nn.Module:
    """NAME as torchvision.models has it (resnet18, vgg11_bn, ...); SETTINGS: more keyword arguments of its builder.

    A first convolution for three channels is made anew where SHAPE has another number. Raises ValueError where the name
    is unknown.
    """
    compat.torchvision()
    from torchvision import models

    if name not in (known := models.list_models(models)):
        raise ValueError(f"torchvision has no classifier {name!r}; it has: {', '.join(known)}")
    network = models.get_model(name, weights=None, num_classes=classes, **(settings or {}))
    if shape[0] != 3:
        _take_channels(network, shape[0])
    return network


def _take_channels(network: nn.Module, channels: int) -> None:
    """Replace the first convolution by one for CHANNELS input channels, initialised as torch does."""
    path, first = next((path, module) for path, module in network.named_modules() if isinstance(module, nn.Conv2d))
    parent, _, last = path.rpartition(".")
    setattr(
        network.get_submodule(parent),
        last,
        nn.Conv2d(
            channels,
            first.out_channels,
            first.kernel_size,
            first.stride,
            first.padding,
            bias=first.bias is not None,
        ),
    )
