"""Small variants of torchvision's families, untrained but not trivial: every method is tried on each."""

from collections import OrderedDict

import torch
from torch import nn

from saliency_benchmark import compat
from saliency_benchmark.models import small_cnn

CLASSES = 4
# Not square where the family allows it.
FAMILIES = ["cnn", "resnet", "densenet", "vgg", "efficientnet", "swin", "vit"]
SHAPES = dict.fromkeys(FAMILIES, (3, 32, 48)) | {"vit": (3, 32, 32)}


def network(family: str, seed: int = 0) -> nn.Module:
    """A network of FAMILY in evaluation mode; its batch norms hold statistics of noise, as after training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = BUILDERS[family]()
        with torch.no_grad():
            for module in made.modules():
                if isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
                    module.weight.uniform_(0.5, 1.5)
                    module.bias.uniform_(-0.2, 0.2)
            norms = [module for module in made.modules() if isinstance(module, nn.BatchNorm2d)]
            for norm in norms:
                norm.momentum = None
            if norms:
                made.train()(torch.randn(16, *SHAPES[family]))
    return made.eval()


def images(family: str, number: int = 3, seed: int = 1) -> torch.Tensor:
    return torch.randn(number, *SHAPES[family], generator=torch.Generator().manual_seed(seed))


def _models():
    compat.torchvision()
    from torchvision import models

    return models


class Residual(nn.Sequential):
    """Flattens before its last layer by a function, as torchvision does."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        for module in list(self)[:-1]:
            images = module(images)
        return self[-1](torch.flatten(images, 1))


def _resnet() -> nn.Module:
    """torchvision's two kinds of blocks, far narrower than its ResNet allows."""
    blocks = _models().resnet
    shortcut = nn.Sequential(nn.Conv2d(16, 32, 1, 2, bias=False), nn.BatchNorm2d(32))
    return Residual(
        OrderedDict(
            conv1=nn.Conv2d(3, 16, 5, 2, 2, bias=False),
            bn1=nn.BatchNorm2d(16),
            relu=nn.ReLU(inplace=True),
            layer1=blocks.BasicBlock(16, 16),
            layer2=blocks.Bottleneck(16, 8, 2, shortcut),
            avgpool=nn.AdaptiveAvgPool2d(1),
            fc=nn.Linear(32, CLASSES),
        )
    )


def _densenet() -> nn.Module:
    return _models().DenseNet(8, (2, 2, 2), 16, bn_size=2, num_classes=CLASSES)


def _vgg() -> nn.Module:
    vgg = _models().vgg
    features = vgg.make_layers([8, "M", 16, "M", 16], batch_norm=True)
    head = nn.Sequential(nn.Linear(16 * 49, 32), nn.ReLU(True), nn.Dropout(), nn.Linear(32, CLASSES))
    made = vgg.VGG.__new__(vgg.VGG)
    nn.Module.__init__(made)
    made.features, made.avgpool, made.classifier = features, nn.AdaptiveAvgPool2d((7, 7)), head
    return made


def _efficientnet() -> nn.Module:
    efficientnet = _models().efficientnet
    blocks = [efficientnet.MBConvConfig(*row, 1.0, 1.0) for row in [(1, 3, 1, 16, 8, 1), (4, 3, 2, 8, 16, 2)]]
    return efficientnet.EfficientNet(blocks, dropout=0.2, num_classes=CLASSES, last_channel=32)


def _vit() -> nn.Module:
    made = _models().VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=CLASSES)
    nn.init.normal_(made.heads.head.weight)  # zero at first: no image would change any logit
    return made


def _swin() -> nn.Module:
    return _models().SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=CLASSES)


BUILDERS = {
    "cnn": lambda: small_cnn.build((3, 32, 48), CLASSES, width=4),
    "resnet": _resnet,
    "densenet": _densenet,
    "vgg": _vgg,
    "efficientnet": _efficientnet,
    "vit": _vit,
    "swin": _swin,
}
