"""Peak memory of explaining, and of asking for metrics, against the number of images and of steps: it should not grow.

`PYTHONPATH=. python benchmarks/memory.py [methods] [probes]`. Each figure is a process of its own, in MiB: resident
memory at its peak above that of the same process with the network, before it opened the images. 64, 512 and 4096 images
of 32 x 32 pixels, with few steps; 512 images with few and with 64 steps. Probes are asked of maps of noise, on 8 x 8
cells; few steps are 4 for methods, 16 for probes. glibc's allocator is told to give freed blocks back at once: left to
itself it keeps tens of MiB of them, more where blocks are of many sizes, which is no growth of what is held.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

SIDE, CLASSES, MANY = 32, 10, 64
METHODS = ["gradient", "integrated_gradients", "smoothgrad", "grad_cam", "lrp_epsilon_plus", "deeplift", "occlusion"]
PROBES = ["perturbation", "pixels", "cells", "subsets", "road"]
STEPS = {"integrated_gradients": "steps", "smoothgrad": "samples", "perturbation": "steps", "pixels": "steps",
         "subsets": "draws"}  # fmt: skip
CELLS = ("perturbation", "cells", "subsets")
OF_THE_MODEL = ("cells", "subsets")
FEW = {"methods": 4, "probes": 16}
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}  # bytes


def main(parts: list[str]) -> None:
    with TemporaryDirectory() as folder:
        for number in (64, 512, 4096):
            make(Path(folder, str(number)), number)
        for part in parts or FEW:
            few = FEW[part]
            columns = ["64 images", "512 images", "4096 images", f"512, {few} steps", f"512, {MANY} steps"]
            print(f"\n| {part} | {' | '.join(columns)} |\n|---|---|---|---|---|---|")
            for name in METHODS if part == "methods" else PROBES:
                shown = [measured(part, name, Path(folder, str(number)), few) for number in (64, 512, 4096)]
                shown += [measured(part, name, Path(folder, "512"), steps) if name in STEPS else ""
                          for steps in (few, MANY)]  # fmt: skip
                print(f"| {name} | {' | '.join(shown)} |", flush=True)


def make(folder: Path, number: int) -> None:
    """NUMBER images and their maps, of noise."""
    from saliency_benchmark import artifacts

    folder.mkdir()
    rng, about = np.random.default_rng(0), {key: np.arange(number, dtype=np.int32) for key in ("label", "index")}
    pixels = rng.integers(0, 256, (number, 3, SIDE, SIDE), dtype=np.uint8)
    artifacts.write(folder / "images.h5", artifacts.IMAGES, {"data": pixels, **about}, {})
    told = {"target": np.zeros(number, np.int32), "prediction": np.zeros((number, CLASSES))}
    maps = rng.random((number, 1, SIDE, SIDE), dtype=np.float32)
    artifacts.write(folder / "maps.h5", artifacts.MAPS, {"attribution": maps, **about, **told}, {})


def measured(part: str, name: str, folder: Path, steps: int) -> str:
    words = [sys.executable, __file__, "one", part, name, str(folder), str(steps)]
    return subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ | ALLOCATOR).stdout.strip()


def one(part: str, name: str, folder: str, steps: str) -> None:
    import torch

    from saliency_benchmark import artifacts, layers
    from saliency_benchmark.classifier import Classifier
    from saliency_benchmark.models import small_cnn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = small_cnn.build((3, SIDE, SIDE), CLASSES, width=32).eval().to(memory_format=torch.channels_last)
    layer = layers.feature_layer(network, (3, SIDE, SIDE))
    classifier = Classifier(network, torch.full((3,), 0.5), torch.full((3,), 0.25), layer)
    options = {STEPS[name]: int(steps)} if name in STEPS else {}
    work = {"methods": explain, "probes": ask}[part]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with artifacts.Reader(Path(folder, "images.h5"), artifacts.IMAGES) as images:
        work(name, options, classifier, images, Path(folder))
    print(round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))


def explain(name: str, options: dict, classifier: object, images: object, folder: Path) -> None:
    from saliency_benchmark import artifacts, attribution

    with artifacts.Writer(folder / f"{name}.h5", artifacts.MAPS, {}) as maps:
        methods = {name: attribution.method(name, {"options": options})}
        attribution.explain(methods, classifier, images, {name: maps})


def ask(name: str, options: dict, classifier: object, images: object, folder: Path) -> None:
    from saliency_benchmark import artifacts, probing

    options |= {"cell": SIDE // 8} if name in CELLS else {}
    with (
        artifacts.Reader(folder / "maps.h5", artifacts.MAPS) as maps,
        artifacts.Writer(folder / f"{name}.h5", artifacts.READINGS, {}) as writer,
    ):
        asked = probing.probes({name: {"options": options}})
        probing.ask(asked, classifier, images, None if name in OF_THE_MODEL else maps, {name: writer}, stop=len(images))


if __name__ == "__main__":
    one(*sys.argv[2:]) if sys.argv[1:2] == ["one"] else main(sys.argv[1:])
