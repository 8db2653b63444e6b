"""Three convolutions, batch norm and global average pooling: small enough to retrain hundreds of times on a laptop."""

from collections import OrderedDict

from torch import nn


def build(shape: tuple[int, int, int], classes: int, *, width: int = 16) -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            block1=_block(shape[0], width, kernel=5, stride=2),
            block2=_block(width, 2 * width, kernel=3, stride=2),
            block3=_block(2 * width, 4 * width, kernel=3, stride=1),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            classify=nn.Linear(4 * width, classes),
        )
    )


def _block(inputs: int, outputs: int, *, kernel: int, stride: int) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())
