"""Peak memory of explaining, against the number of images and of steps: it should not grow with either.

`python benchmarks/memory.py`, the project on PYTHONPATH. Each line is a process of its own: resident memory at its peak
above that of the same process before it explained, in MiB, for 64, 512 and 4096 images of 32 x 32 pixels, and for 512
images with 4 and 64 steps.
"""

import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

METHODS = ["gradient", "integrated_gradients", "smoothgrad", "grad_cam", "lrp_epsilon_plus", "deeplift", "occlusion"]
STEPS = {"integrated_gradients": "steps", "smoothgrad": "samples"}


def main() -> None:
    print("| method | 64 images | 512 images | 4096 images | 512, 4 steps | 512, 64 steps |\n|---|---|---|---|---|---|")
    for name in METHODS:
        shown = [asked(name, number, 4) for number in (64, 512, 4096)]
        shown += [asked(name, 512, steps) if name in STEPS else "" for steps in (4, 64)]
        print(f"| {name} | {' | '.join(shown)} |", flush=True)


def asked(name: str, images: int, steps: int) -> str:
    words = [sys.executable, __file__, name, str(images), str(steps)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def explain(name: str, number: int, steps: int) -> None:
    import torch

    from saliency_benchmark import artifacts, attribution, layers
    from saliency_benchmark.classifier import Classifier
    from saliency_benchmark.models import small_cnn

    torch.manual_seed(0)
    network = small_cnn.build((3, 32, 32), 10, width=32).eval().to(memory_format=torch.channels_last)
    layer = layers.feature_layer(network, (3, 32, 32))
    classifier = Classifier(network, torch.full((3,), 0.5), torch.full((3,), 0.25), layer)
    options = {STEPS[name]: steps} if name in STEPS else {}
    methods = {name: attribution.method(name, {"options": options})}
    with TemporaryDirectory() as folder:
        path = Path(folder, "images.h5")
        about = {key: np.arange(number, dtype=np.int32) for key in ("label", "index")}
        pixels = np.random.default_rng(0).integers(0, 256, (number, 3, 32, 32), dtype=np.uint8)
        artifacts.write(path, artifacts.IMAGES, {"data": pixels, **about}, {})
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with (
            artifacts.Reader(path, artifacts.IMAGES) as images,
            artifacts.Writer(Path(folder, "maps.h5"), artifacts.MAPS, {}) as maps,
        ):
            attribution.explain(methods, classifier, images, {name: maps})
    print(round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))


if __name__ == "__main__":
    main() if len(sys.argv) == 1 else explain(sys.argv[1], *map(int, sys.argv[2:]))
