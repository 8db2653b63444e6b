"""What becomes of batch norms while a trained network is fine-tuned, by batches too small for statistics of their own.

`frozen`: their statistics stay, scale and shift are trained; the network is in evaluation mode all the time, so nothing
is dropped either. `batch`: the classification pass runs in training mode, by the batch's own statistics, which go into
the running ones; the explanation sees the running ones. `merged`: scale and statistics are merged into the convolution
before a norm, which stays in its place as a shift; a norm after no convolution (DenseNet's) is as if frozen.
"""

import torch
from torch import nn

from saliency_benchmark import forwarding

MODES = ("frozen", "batch", "merged")


def prepare(network: nn.Module, mode: str) -> list[nn.Parameter]:
    """The parameters of NETWORK that are fine-tuned by MODE; the network, now in evaluation mode, gives what it gave.

    Raises ValueError where its norms cannot be merged.
    """
    network.eval().requires_grad_(True)
    if mode == "merged":
        for layer, norm in _pairs(network):
            _merge(network.get_submodule(layer), network.get_submodule(norm))
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _pairs(network: nn.Module) -> list[tuple[str, str]]:
    try:
        return forwarding.pairs(network)
    except Exception as error:  # a network that torch.fx cannot follow may fail in any way
        told = f"its batch norms cannot be merged, since torch.fx cannot follow it ({type(error).__name__}: {error})"
        raise ValueError(f"{told}: set alignment.batch_norm to frozen") from error


@torch.no_grad()
def _merge(layer: nn.Module, norm: nn.Module) -> None:
    if norm.weight is None:
        return
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    layer.weight.mul_(scale.reshape(-1, *[1] * (layer.weight.ndim - 1)))
    if layer.bias is not None:
        layer.bias.mul_(scale)
    norm.bias.sub_(norm.running_mean * scale)
    norm.weight.fill_(1).requires_grad_(False)
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
