"""Small networks of torchvision's families, far narrower than its own: to be trained on a laptop."""

from collections import OrderedDict

from torch import nn

from saliency_benchmark import compat
from saliency_benchmark.models import torchvision_model

CHOICES = {"family": ("resnet", "densenet", "vit", "swin")}


def build(shape: tuple[int, int, int], classes: int, *, family: str, width: int = 16, patch: int = 4) -> nn.Module:
    """FAMILY: resnet (three basic blocks), densenet (two blocks of three layers), vit or swin (four layers).

    WIDTH: features of the first layer, a multiple of 4; PATCH: pixels on a side of what is a token for vit (swin: 2).
    Raises ValueError where there is no such family, and where vit or swin cannot take images of SHAPE.
    """
    if family not in CHOICES["family"]:
        raise ValueError(f"no family {family!r}; there are: {', '.join(CHOICES['family'])}")
    compat.torchvision()
    from torchvision import models

    if family == "resnet":
        return _resnet(models.resnet.BasicBlock, shape[0], classes, width)
    if family == "densenet":
        network = models.DenseNet(width // 2, (3, 3), width, bn_size=2, num_classes=classes)
    elif family == "swin":
        network = models.SwinTransformer([2, 2], width, [2, 2], [2, 4], [7, 7], num_classes=classes)
    else:
        if shape[1] != shape[2] or shape[1] % patch:
            told = f"{shape[1]} x {shape[2]} pixels: vit wants squares that patches of {patch} pixels fill"
            raise ValueError(f"{told}; set `size` of the model")
        network = models.VisionTransformer(shape[1], patch, 4, 4, 2 * width, 4 * width, num_classes=classes)
    if shape[0] != 3:
        torchvision_model.take_channels(network, shape[0])
    return network


class _Sequence(nn.Sequential):
    """Flattens by a function, as torchvision's ResNet does."""

    def forward(self, images):
        *features, last = self
        for module in features:
            images = module(images)
        return last(images.flatten(1))


def _resnet(block: type[nn.Module], channels: int, classes: int, width: int) -> nn.Module:
    def wider(inputs: int) -> nn.Module:
        shortcut = nn.Sequential(nn.Conv2d(inputs, 2 * inputs, 1, 2, bias=False), nn.BatchNorm2d(2 * inputs))
        return block(inputs, 2 * inputs, 2, shortcut)

    return _Sequence(
        OrderedDict(
            conv1=nn.Conv2d(channels, width, 3, 2, 1, bias=False),
            bn1=nn.BatchNorm2d(width),
            relu=nn.ReLU(inplace=True),
            layer1=block(width, width),
            layer2=wider(width),
            layer3=wider(2 * width),
            avgpool=nn.AdaptiveAvgPool2d(1),
            fc=nn.Linear(4 * width, classes),
        )
    )
