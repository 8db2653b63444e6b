"""Our kernels for gradients on a GPU, registered for the processor here, against torch's own there."""

import subprocess
import sys

CODE = """
import torch
from torch.nn import functional
from saliency_benchmark import deterministic

draw = torch.Generator().manual_seed(0)
resize = lambda images, cells, **more: functional.interpolate(images, cells, mode="bilinear", antialias=True, **more)
cases = [
    (call, cells)
    for cells in [(14, 40), (20, 28), (47, 9), (7, 7), (1, 3)]
    for call in (resize, functional.adaptive_avg_pool2d)
]
cases += [
    (lambda images, cells: resize(images, None, scale_factor=(0.55, 1.7)), (11, 47)),
    (lambda images, cells: resize(images, cells, align_corners=True), (9, 31)),
    (lambda images, cells: functional.adaptive_avg_pool2d(images[0], cells)[None], (3, 5)),
]
given = []
for _, cells in cases:
    sizes = (20, 28), cells
    given.append([torch.randn(2, 3, *size, generator=draw, dtype=torch.double, requires_grad=True) for size in sizes])

def slopes(call, images, cells):
    found = call(images, cells.shape[-2:])
    first, = torch.autograd.grad(found, images, cells[:len(found)], create_graph=True)
    return found, first, *torch.autograd.grad((first ** 2).sum(), cells)

wanted = [slopes(call, *each) for (call, _), each in zip(cases, given, strict=True)]
deterministic.register("CPU")
deterministic.register("CPU")
for (call, _), each, before in zip(cases, given, wanted, strict=True):
    for one, other in zip(before, slopes(call, *each), strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-12)
assert deterministic._shares.cache_info().misses and deterministic._weights.cache_info().misses
"""


def test_the_gradients_of_a_resize_and_of_an_adaptive_pooling_are_torch_s():
    done = subprocess.run([sys.executable, "-W", "error", "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
