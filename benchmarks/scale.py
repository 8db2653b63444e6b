"""What a run over 1,281,167 training and 50,000 test images costs the scheduler, and one job in memory.

`PYTHONPATH=. python benchmarks/scale.py [dag] [memory]`. dag: processor time of a dry run against the number of jobs,
beside a workflow of as many jobs that has one trivial rule per kind of job and no settings; medians of three, in turn.
memory: the peak of one process that explains 1,000 to 1,281,167 images of 8 x 8 pixels, above that before it began.
"""

import resource
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

ROOT = Path(__file__).parent.parent
TRAIN, TEST = 1_281_167, 50_000
METHODS = ["gradient", "input_x_gradient", "integrated_gradients", "smoothgrad", "guided_backprop", "grad_cam",
           "lrp_epsilon_plus", "occlusion", "random", "sobel"]  # fmt: skip
JOBS = (0, 500, 1000, 2000, 5000, 10_000)
ROUNDS = 3
TRIVIAL = """\
rule all:
    input: [f"maps/{method}.h5" for method in range(%(methods)d)]
rule images:
    output: "images.h5"
    shell: "touch {output}"
rule model:
    input: "images.h5"
    output: "model.h5"
    shell: "touch {output}"
rule shard:
    input: "model.h5", "images.h5"
    output: "maps/{method}-{shard}.h5"
    log: "logs/{method}-{shard}.log"
    params: method=lambda wildcards: wildcards.method
    shell: "touch {output}"
rule gather:
    input: lambda wildcards: [f"maps/{wildcards.method}-{shard}.h5" for shard in range(%(shards)d)]
    output: "maps/{method}.h5"
    log: "logs/{method}.log"
    wildcard_constraints: method="[0-9]+"
    shell: "touch {output}"
"""


def settings(jobs: int) -> dict:
    """A run over ImageNet's number of images whose dry run lists about JOBS jobs more than without shards."""
    size = -(-(TRAIN + TEST) * len(METHODS) // jobs) if jobs else 10**9
    return {
        "datasets": {
            "large": {"file": "planted", "options": {"train": TRAIN, "test": TEST, "rows": 30, "columns": 30}}
        },
        "models": {"small_cnn": {"options": {"width": 2}}},
        "recipes": {"baseline": {}},
        "methods": {name: {} for name in METHODS},
        "metrics": {"pointing_game": {}},
        "roar": {"fractions": [0.5], "repeats": 1},
        "explain": {"rows": 1},
        "resources": {"images_per_job": size},
    }


def dag() -> None:
    columns = ["jobs", "this workflow, s", "trivial workflow, s", "ratio", "MiB", "ms per further job"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    first = None
    for jobs in JOBS:
        with TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "settings.yaml").write_text(yaml.safe_dump(settings(jobs)))
            ours = [ROOT / "Snakefile", "--configfile", place / "settings.yaml"]
            dry(place, *ours)  # what is tried once for all (suitability) is tried
            number = count(place, *ours)
            trivial = place / "trivial.smk"
            trivial.write_text(TRIVIAL % {"methods": len(METHODS), "shards": max(1, (number - 13) // len(METHODS))})
            pairs = [(dry(place, *ours), dry(place, trivial)) for _ in range(ROUNDS)]
            mine, theirs = (statistics.median(pair[which][0] for pair in pairs) for which in (0, 1))
            first = first or (number, mine)
            each = 1000 * (mine - first[1]) / (number - first[0]) if number > first[0] else float("nan")
            print(
                f"| {number} | {mine:.2f} | {theirs:.2f} | {mine / theirs:.2f} | {pairs[0][0][1]} | {each:.2f} |",
                flush=True,
            )


def dry(folder: Path, snakefile: Path, *words: object) -> tuple[float, int]:
    """Processor seconds, and MiB at the peak, of a dry run."""
    program = [sys.executable, __file__, "dry", "--snakefile", snakefile, "--directory", folder, *words]
    shown = subprocess.run(
        [str(word) for word in program], capture_output=True, text=True, check=True, cwd=folder
    ).stdout
    seconds, peak = shown.split()[-2:]
    return float(seconds), int(peak)


def dry_here(words: list[str]) -> None:
    from snakemake.cli import main

    try:
        main(["--dry-run", "--quiet", "all", "--cores", "1", "--workflow-profile", "none", "--rerun-triggers",
              "software-env", *words])  # fmt: skip
    except SystemExit as end:
        if end.code:
            raise
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)


def count(folder: Path, snakefile: Path, *words: object) -> int:
    program = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        snakefile,
        "--directory",
        folder,
        "--dry-run",
        "--cores",
        1,
    ]
    done = subprocess.run(
        [str(word) for word in (*program, *words, "--quiet", "rules")], capture_output=True, text=True
    )
    return int(next(line.split()[1] for line in (done.stdout + done.stderr).splitlines() if line.startswith("total")))


def memory() -> None:
    print("| images | MiB above the start | images in a second |\n|---|---|---|")
    for number in (1000, 10_000, 100_000, TRAIN):
        words = [sys.executable, __file__, "explain", str(number)]
        print(subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip(), flush=True)


def explain(number: int) -> None:
    import time

    import numpy as np
    import torch

    from saliency_benchmark import artifacts, attribution
    from saliency_benchmark.classifier import Classifier
    from saliency_benchmark.models import small_cnn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = small_cnn.build((1, 8, 8), 10, width=2).eval()
    model = Classifier(network, torch.full((1,), 0.5), torch.full((1,), 0.25), "block3.2")
    rng, size = np.random.default_rng(0), 4096
    with TemporaryDirectory() as folder:
        with artifacts.Writer(Path(folder, "images.h5"), artifacts.IMAGES, {}) as images:
            for start in range(0, number, size):
                places = np.arange(start, min(start + size, number), dtype=np.int32)
                pixels = rng.integers(0, 256, (len(places), 1, 8, 8), dtype=np.uint8)
                images.append(data=pixels, label=places % 10, index=places)
        before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        with (
            artifacts.Reader(Path(folder, "images.h5"), artifacts.IMAGES) as images,
            artifacts.Writer(Path(folder, "maps.h5"), artifacts.MAPS, {}) as maps,
        ):
            methods = {"gradient": attribution.method("gradient", {"options": {}})}
            attribution.explain(methods, model, images, {"gradient": maps}, rows=64)
        peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"| {number:,} | {peak:.0f} | {number / (time.monotonic() - begun):,.0f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["explain"]:
        explain(int(sys.argv[2]))
    elif sys.argv[1:2] == ["dry"]:
        dry_here(sys.argv[2:])
    else:
        for part in sys.argv[1:] or ("dag", "memory"):
            {"dag": dag, "memory": memory}[part]()
