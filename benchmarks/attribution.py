"""What explaining costs, as a share of the bare model's passes: ours and the libraries', side by side in one process.

`python benchmarks/attribution.py [cnn32] [resnet18_64] [resnet18_224] [--rounds 5] [--only ROW]`, the project on
PYTHONPATH. One thread, processor time. One unit is a bare forward and backward pass to the image (FB) or a bare forward
pass (F) of one image, at the bare model's best: eager, channels last or not, whichever is faster, weights frozen, at
the same batch. In each round bare, ours and the library's run in turn; told is the median over the rounds of time /
(units x bare). Ours run through the workflow's engine, checks of the model, prediction and what is told of each map
included; libraries are called as they document.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn

from saliency_benchmark import artifacts, attribution, batching, compat, layers
from saliency_benchmark.classifier import Classifier

compat.torchvision()
warnings.filterwarnings("ignore")

from captum import attr  # noqa: E402
from pytorch_grad_cam import EigenCAM, GradCAM, ScoreCAM  # noqa: E402
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # noqa: E402
from torchvision.models import resnet18  # noqa: E402
from zennit import attribution as zennit_attribution  # noqa: E402
from zennit import composites  # noqa: E402
from zennit.canonizers import SequentialMergeBatchNorm  # noqa: E402
from zennit.torchvision import ResNetCanonizer  # noqa: E402

BLOCKS = 4  # of images, for methods of one pass: what a job does once is no pass
CAMS = ["cam", "grad_cam", "grad_cam_plus_plus", "xgrad_cam", "layer_cam", "hires_cam", "eigen_cam", "eigen_grad_cam"]


def cnn32() -> nn.Module:
    """Six convolutions, 32 to 128 channels, 0.077 GFLOP at 32 x 32."""
    modules, width = [], 3
    for channels, stride in [(32, 1), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1)]:
        convolution = nn.Conv2d(width, channels, 3, stride, 1, bias=False)
        modules += [convolution, nn.BatchNorm2d(channels), nn.ReLU()]
        width = channels
    return nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10))


def small_resnet() -> nn.Module:
    return resnet18(num_classes=10)


# Network, side of the image, images per batch.
CASES = {"cnn32": (cnn32, 32, 64), "resnet18_64": (small_resnet, 64, 32), "resnet18_224": (small_resnet, 224, 4)}


class Nowhere:
    """A writer of maps that forgets them."""

    def append(self, **arrays: np.ndarray) -> None:
        pass


class Case:
    def __init__(self, name: str, folder: str, blocks: int) -> None:
        build, side, self.batch = CASES[name]
        self.blocks = blocks
        torch.manual_seed(0)
        self.network = build().eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.plain, self.trainable = (build().eval() for _ in range(2))
        self.plain.requires_grad_(False)
        self.pixels = np.random.default_rng(0).integers(0, 256, (blocks * self.batch, 3, side, side), dtype=np.uint8)
        layer = layers.feature_layer(self.network, (3, side, side))
        self.classifier = Classifier(self.network, torch.full((3,), 0.5), torch.full((3,), 0.25), layer)
        self.images = self.classifier.normalise(self.pixels[: self.batch]).contiguous()
        self.targets = self.network(self.images).argmax(1)
        self.path = Path(folder, f"{name}-{blocks}.h5")
        about = {name: np.arange(len(self.pixels), dtype=np.int32) for name in ("label", "index")}
        artifacts.write(self.path, artifacts.IMAGES, {"data": self.pixels, **about}, {})
        self.layer = self.network.get_submodule(layer)

    def bare(self, backward: bool) -> Callable:
        """The bare passes of all blocks, in the memory layout that is the faster one here."""
        last = self.images.contiguous(memory_format=torch.channels_last)
        pairs = [(self.plain, self.images), (self.network, last)]
        works = [partial(bare, *pair, self.targets, backward) for pair in pairs]
        times = [np.median([seconds(work) for _ in range(5)]) for work in works]
        return self.repeated(works[int(np.argmin(times))])

    def repeated(self, work: Callable) -> Callable:
        def run() -> None:
            for _ in range(self.blocks):
                work()

        return run

    def ours(self, *names: str, **options: object) -> Callable:
        methods = {name: attribution.method(name, {"options": options}) for name in names}
        writers = {name: Nowhere() for name in names}

        def run() -> None:
            with artifacts.Reader(self.path, artifacts.IMAGES) as reader:
                background = self.pixels[: batching.LARGEST["cpu"]]
                attribution.explain(methods, self.classifier, reader, writers, rows=self.batch, background=background)

        return run

    def zennit(self, name: str) -> Callable:
        canonizer = ResNetCanonizer() if hasattr(self.network, "layer4") else SequentialMergeBatchNorm()

        def run() -> None:
            rules = getattr(composites, name)(canonizers=[canonizer])
            with zennit_attribution.Gradient(self.plain, rules) as attributor:
                attributor(self.images.clone(), torch.eye(10)[self.targets])

        return self.repeated(run)

    def cam(self, peer: type) -> Callable:
        layer = self.trainable.get_submodule(self.classifier.layer)  # it asks for the gradients of the weights
        classes = [ClassifierOutputTarget(int(one)) for one in self.targets]

        def run() -> None:
            with peer(self.trainable, [layer]) as method:
                method.batch_size = self.batch
                method(self.images.clone(), classes)

        return self.repeated(run)


def bare(network: nn.Module, images: torch.Tensor, targets: torch.Tensor, backward: bool) -> None:
    if not backward:
        with torch.inference_mode():
            network(images)
        return
    images = images.detach().requires_grad_(True)
    torch.autograd.grad(network(images).gather(1, targets[:, None]).sum(), images)


def seconds(work: Callable) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


# Title, units per image, whether they are FB, ours, a library's, target.
Entry = tuple[str, int, bool, Callable, Callable | None, float | None]


def entries(case: Case) -> list[Entry]:
    images, targets, side = case.images, case.targets, case.images.shape[2]
    windows = (side // 4, side // 4)

    def captum(kind: type, **options: object) -> Callable:
        method = kind(case.plain)
        return case.repeated(lambda: method.attribute(images.clone().requires_grad_(True), target=targets, **options))

    def noisy() -> None:
        options = {"nt_type": "smoothgrad", "nt_samples": 15, "nt_samples_batch_size": 1, "stdevs": 0.15, "abs": False}
        attr.NoiseTunnel(attr.Saliency(case.plain)).attribute(images.clone(), target=targets, **options)

    steps = {"n_steps": 32, "internal_batch_size": case.batch}
    window = {"sliding_window_shapes": (3, *windows), "strides": (3, *windows), "perturbations_per_eval": 1}
    found = [
        ("gradient", 1, True, case.ours("gradient"), captum(attr.Saliency, abs=False), 1.15),
        ("input_x_gradient", 1, True, case.ours("input_x_gradient"), captum(attr.InputXGradient), 1.15),
        ("guided_backprop", 1, True, case.ours("guided_backprop"), captum(attr.GuidedBackprop), 1.15),
        ("deconvnet", 1, True, case.ours("deconvnet"), captum(attr.Deconvolution), 1.15),
        ("integrated_gradients, 32 steps", 32, True, case.ours("integrated_gradients"),
         captum(attr.IntegratedGradients, **steps), 1.15),
        ("smoothgrad, 15 samples", 15, True, case.ours("smoothgrad"), case.repeated(noisy), 1.15),
        ("smoothgrad, its square, vargrad", 15, True,
         case.ours("smoothgrad", "smoothgrad_squared", "vargrad"), None, 1.15),
        ("lrp_epsilon_plus", 1, True, case.ours("lrp_epsilon_plus"), case.zennit("EpsilonPlus"), 1.8),
        ("lrp_epsilon_alpha2_beta1", 1, True, case.ours("lrp_epsilon_alpha2_beta1"),
         case.zennit("EpsilonAlpha2Beta1"), None),
        ("deeplift", 1, True, case.ours("deeplift"), None, None),
        ("fullgrad", 1, True, case.ours("fullgrad"), None, None),
        ("grad_cam", 1, True, case.ours("grad_cam"), case.cam(GradCAM), None),
        ("eigen_cam", 1, True, case.ours("eigen_cam"), case.cam(EigenCAM), None),
        ("eight CAMs in one job", 1, True, case.ours(*CAMS), None, 1.0),
        ("occlusion, 16 windows", 17, False, case.ours("occlusion", window=side // 4),
         captum(attr.Occlusion, **window), 1.1),
        ("rise, 64 masks", 64, False, case.ours("rise", masks=64), None, 1.1),
    ]  # fmt: skip
    if isinstance(case.network, nn.Sequential):  # a ResNet has 512 feature maps: the same, for a quarter of an hour
        found.append(("score_cam", 128, False, case.ours("score_cam"), case.cam(ScoreCAM), 1.1))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=["cnn32", "resnet18_64"], help=f"of {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose title begins so")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        for name in given.cases:
            print(f"\n{name}, {CASES[name][2]} images per batch, median of {given.rounds} rounds\n")
            print("| method | units per image | ours | library | target |\n|---|---|---|---|---|")
            cases = [Case(name, folder, blocks) for blocks in (BLOCKS, 1)]
            for single, several in zip(*map(entries, cases), strict=True):
                if not single[0].startswith(given.only):
                    continue
                measure(*((cases[0], single) if single[1] == 1 else (cases[1], several)), given.rounds)


def measure(case: Case, entry: Entry, rounds: int) -> None:
    title, units, backward, ours, theirs, target = entry
    ratios, passes = [], case.bare(backward)
    for _ in range(rounds + 1):
        unit = units * seconds(passes)
        ratios.append([seconds(work) / unit if work else np.nan for work in (ours, theirs)])
    ratio, other = np.median(ratios[1:], axis=0)  # the first round warms up
    shown, unit = "" if np.isnan(other) else f"{other:.2f}", "FB" if backward else "F"
    print(f"| {title} | {units} {unit} | {ratio:.2f} | {shown} | {target or ''} |", flush=True)


if __name__ == "__main__":
    main()
