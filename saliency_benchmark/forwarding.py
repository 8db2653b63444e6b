"""The fastest exact form of a network's forward pass: batch norms and ReLUs merged into convolutions, or OpenVINO.

Every form is held against the network itself before it is used; one that gives something else is not. `bfloat16` is the
one form that is not exact: its error is measured and told.
"""

import warnings
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import nn
from torch.nn.utils import fusion

from saliency_benchmark import fusing
from saliency_benchmark.graphs import BEFORE, Recorded
from saliency_benchmark.progress import LOGGER

BACKENDS = ("torch", "openvino", "bfloat16", "cuda_graphs")
# Largest difference of a logit, as a share of the largest logit: what rounding explains, in float32 and in bfloat16.
ROUNDING, COARSE = 1e-4, 0.05
GRAPHS = 8  # shapes of batches that are captured at most; each keeps its activations
LAYERS = {nn.Conv1d: nn.BatchNorm1d, nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}

Forward = Callable[[torch.Tensor], torch.Tensor]


def fastest(network: nn.Module, shape: tuple[int, int, int], backend: str = "torch") -> Forward:
    """What gives the logits of NETWORK, in evaluation mode, for images of SHAPE. The network stays as it is.

    Raises ValueError where BACKEND is not there, or gives other logits than the network.
    """
    if backend == "openvino":
        return _checked("OpenVINO", _openvino(network, shape), network, shape)
    found = _folded(network, shape, backend == "torch")
    if backend == "bfloat16":
        return _checked("bfloat16", _coarse(found), network, shape, COARSE)
    if backend == "cuda_graphs":
        if not torch.cuda.is_available():
            raise ValueError("scoring.backend: cuda_graphs needs a GPU, and there is none; set torch")
        return _checked("a CUDA graph", Graphs(found), network, shape, calls=BEFORE + 2)
    return found


def _folded(network: nn.Module, shape: tuple[int, int, int], fused: bool) -> nn.Module:
    """NETWORK with folded batch norms, on a processor with FUSED convolutions too; or as much of it as can be had."""
    steps = {"folded batch norms": fold}
    if fused and next(network.parameters()).device.type == "cpu":
        steps["fused convolutions"] = lambda folded: fusing.fuse(deepcopy(folded), noise(shape))
    found = network
    for name, step in steps.items():
        try:
            further = step(found)
            found = further if difference(further, network, shape) <= ROUNDING else found
        except Exception as error:  # a network that torch.fx cannot follow may fail in any way
            LOGGER.info(f"forward passes without {name}: {type(error).__name__} on the way through the network")
            break
    return found


def _checked(
    name: str,
    forward: Forward,
    network: nn.Module,
    shape: tuple[int, int, int],
    bound: float = ROUNDING,
    calls: int = 1,
) -> Forward:
    """FORWARD, if it gives the logits of NETWORK to BOUND in each of so many CALLS; raises ValueError if not."""
    gap = max(difference(forward, network, shape) for _ in range(calls))
    if not gap <= bound:
        raise ValueError(f"{name} gives other logits than the network (by {gap:.1e}): set scoring.backend: torch")
    LOGGER.info(f"forward passes by {name}: logits differ by at most {gap:.1e} of the largest, on noise")
    return forward


def _coarse(network: nn.Module) -> Forward:
    def forward(images: torch.Tensor) -> torch.Tensor:
        with torch.autocast(images.device.type, torch.bfloat16):
            return network(images).float()

    return forward


class Graphs:
    """FORWARD as CUDA graphs, one for each shape of a batch: one launch instead of one per operation.

    The first GRAPHS shapes are captured, others run as they are. It was written without a GPU at hand: what it gives is
    held against the network before it is used.
    """

    def __init__(self, forward: Forward) -> None:
        self._forward = forward
        self._graphs: dict[torch.Size, Recorded] = {}

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        if images.shape not in self._graphs:
            if len(self._graphs) == GRAPHS:
                return self._forward(images)
            self._graphs[images.shape] = Recorded(self._forward, images.device)
        return self._graphs[images.shape](images).clone()


def noise(shape: tuple[int, int, int]) -> torch.Tensor:
    """A few images of noise, always the same, on the processor."""
    images = torch.randn((4, *shape), generator=torch.Generator().manual_seed(0))
    return images.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def difference(forward: Forward, network: nn.Module, shape: tuple[int, int, int]) -> float:
    """Largest difference of a logit between FORWARD and NETWORK on noise, as a share of the largest logit."""
    images = noise(shape).to(next(network.parameters()))
    return gap(forward(images), network(images))


def gap(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Largest difference of a logit, FOUND from WANTED (image, class), as a share of the largest logit."""
    return float((found - wanted).abs().max() / wanted.abs().max().clamp_min(1e-12))


def fold(network: nn.Module) -> nn.Module:
    """NETWORK with every batch norm merged into the convolution before it, if nothing else reads what that gives.

    Raises what torch.fx raises where it cannot follow the network.
    """
    traced = torch.fx.symbolic_trace(deepcopy(network).eval())
    modules = dict(traced.named_modules())
    for before, node in _foldable(traced):
        traced.set_submodule(before.target, fusion.fuse_conv_bn_eval(modules[before.target], modules[node.target]))
        node.replace_all_uses_with(before)
        traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced.to(memory_format=torch.channels_last)


def pairs(network: nn.Module) -> list[tuple[str, str]]:
    """Names of the convolutions of NETWORK and of the batch norms after them, where nothing else reads what they give.

    Raises what torch.fx raises where it cannot follow the network.
    """
    traced = torch.fx.symbolic_trace(deepcopy(network).eval())
    return [(before.target, node.target) for before, node in _foldable(traced)]


def _foldable(traced: torch.fx.GraphModule) -> list[tuple[torch.fx.Node, torch.fx.Node]]:
    """Calls of a convolution and of the batch norm that alone reads it, each called once."""
    modules, found = dict(traced.named_modules()), []
    calls = [node.target for node in traced.graph.nodes if node.op == "call_module"]
    for node in traced.graph.nodes:
        if node.op != "call_module" or not node.args or getattr(node.args[0], "op", "") != "call_module":
            continue
        before = node.args[0]
        layer, norm = modules[before.target], modules[node.target]
        alone = len(before.users) == 1 and calls.count(before.target) == calls.count(node.target) == 1
        if alone and type(norm) is LAYERS.get(type(layer)) and norm.track_running_stats:
            found.append((before, node))
    return found


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
