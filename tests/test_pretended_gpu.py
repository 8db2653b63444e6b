"""Without a GPU: the work of jobs mixes no devices on one that is pretended, and the pretended one finds who does."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BEGIN = """
import torch
from torch.nn import functional
from tests import pretended_gpu
pretended_gpu.install()
torch.use_deterministic_algorithms(True)
gpu = torch.device("cuda")
layer, images = torch.nn.Conv2d(3, 4, 3).to(gpu), torch.randn(2, 3, 8, 8)
"""


def python(*words):
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)


REFUSED = {
    "layer(images)": "same device",
    "images.to(gpu) + torch.zeros(8)": "same device",
    "images[torch.arange(2, device=gpu)]": "same device",
    "layer(images.to(gpu)).detach().numpy()": "numpy",
    "torch.randn(2, device=gpu, generator=torch.Generator())": "generator",
    "torch.from_numpy(images.numpy()) + images.cuda()": "same device",
    "images.cuda().cumsum(1)": "deterministic",
    "functional.adaptive_avg_pool2d(layer(images.cuda()), 7)": "deterministic",
    "functional.interpolate(layer(images.cuda()), 9, mode='bilinear', antialias=True)": "deterministic",
    "functional.interpolate(layer(images.cuda()), 9, mode='bicubic')": "deterministic",
    "functional.pad(layer(images.cuda()), (1, 1), mode='reflect')": "deterministic",
}


def test_what_a_gpu_refuses_is_found():
    code = """
for code in %s:
    try:
        eval(code)
    except (RuntimeError, TypeError) as error:
        print(error)
    else:
        print("allowed")
"""
    told = python("-c", BEGIN + code % [*REFUSED]).stdout.splitlines()
    assert len(told) == len(REFUSED)
    assert all(word in line for word, line in zip(REFUSED.values(), told, strict=True))


def test_what_a_gpu_allows_is_allowed():
    code = """
from saliency_benchmark import devices
assert devices.best() == gpu
seen = layer(images.to(gpu))
pooled = functional.adaptive_avg_pool2d(seen, 7)
(pooled.sum() + functional.interpolate(seen, 9, mode="bilinear", antialias=True).sum()).backward()
torch.arange(3, device=gpu).cumsum(0), functional.adaptive_avg_pool2d(seen, 1), functional.interpolate(seen, 9)
found = layer(images.to(gpu)) * torch.tensor(2.0)
found[:, torch.arange(2)] = 0
labels = torch.tensor([0, 1], device=gpu)
torch.nn.functional.cross_entropy(found.mean((2, 3)), labels).backward()
assert layer.weight.grad.is_cuda and found.new_zeros(1).is_cuda and torch.cuda.is_available()
held = torch.empty(2, 3, 8, 8).copy_(images.cuda())
assert (held + images).numpy().shape == found.cpu().detach().numpy().shape[:1] + (3, 8, 8)
"""
    done = python("-c", BEGIN + code)
    assert done.returncode == 0, done.stderr


def test_jobs_mix_no_devices(tmp_path):
    done = python("-m", "tests.on_pretended_gpu", str(tmp_path))
    assert done.returncode == 0, done.stderr
