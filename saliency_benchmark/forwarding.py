"""The fastest exact form of a network's forward pass: batch norm folded into what stands before it, or OpenVINO.

Every form is held against the network itself before it is used; one that gives something else is not.
"""

import warnings
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import nn
from torch.nn.utils import fusion

from saliency_benchmark.progress import LOGGER

BACKENDS = ("torch", "openvino")
# Largest difference of a logit, as a share of the largest logit: what rounding explains.
ROUNDING = 1e-4
LAYERS = {nn.Conv1d: nn.BatchNorm1d, nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}

Forward = Callable[[torch.Tensor], torch.Tensor]


def fastest(network: nn.Module, shape: tuple[int, int, int], backend: str = "torch") -> Forward:
    """What gives the logits of NETWORK, in evaluation mode, for images of SHAPE. The network stays as it is.

    Raises ValueError where BACKEND is not installed, or gives other logits than the network.
    """
    if backend == "openvino":
        found = _openvino(network, shape)
        if (gap := difference(found, network, shape)) > ROUNDING:
            raise ValueError(f"OpenVINO gives other logits than the network (by {gap:.1e}): set scoring.backend: torch")
        return found
    try:
        folded = fold(network)
        if difference(folded, network, shape) <= ROUNDING:
            return folded
    except Exception as error:  # a network that torch.fx cannot follow may fail in any way
        LOGGER.info(f"batch norms stay as they are: {type(error).__name__} on the way through the network")
    return network


@torch.no_grad()
def difference(forward: Forward, network: nn.Module, shape: tuple[int, int, int]) -> float:
    """Largest difference of a logit between FORWARD and NETWORK on noise, as a share of the largest logit."""
    images = torch.randn((4, *shape), generator=torch.Generator().manual_seed(0)).to(next(network.parameters()))
    images = images.contiguous(memory_format=torch.channels_last)
    wanted = network(images)
    return float((forward(images) - wanted).abs().max() / wanted.abs().max().clamp_min(1e-12))


def fold(network: nn.Module) -> nn.Module:
    """NETWORK with every batch norm merged into the convolution before it, if nothing else reads what that gives.

    Raises what torch.fx raises where it cannot follow the network.
    """
    traced = torch.fx.symbolic_trace(deepcopy(network).eval())
    modules = dict(traced.named_modules())
    calls = [node.target for node in traced.graph.nodes if node.op == "call_module"]
    for node in list(traced.graph.nodes):
        if node.op != "call_module" or not node.args or getattr(node.args[0], "op", "") != "call_module":
            continue
        before = node.args[0]
        layer, norm = modules[before.target], modules[node.target]
        alone = len(before.users) == 1 and calls.count(before.target) == calls.count(node.target) == 1
        if alone and type(norm) is LAYERS.get(type(layer)) and norm.track_running_stats:
            traced.set_submodule(before.target, fusion.fuse_conv_bn_eval(layer, norm))
            node.replace_all_uses_with(before)
            traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced.to(memory_format=torch.channels_last)


def _openvino(network: nn.Module, shape: tuple[int, int, int]) -> Forward:
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise ValueError("scoring.backend: openvino is not installed; pip install openvino, or set torch") from error
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of every branch
        model = openvino.convert_model(deepcopy(network).cpu().eval(), example_input=torch.zeros(2, *shape))
    options = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.compile_model(model, "CPU", options)
    # The result lives in the engine's own memory, which the next call overwrites: a copy.
    return lambda images: torch.from_numpy(compiled(images.cpu().contiguous().numpy())[0].copy()).to(images.device)
