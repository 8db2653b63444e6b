"""What a job asks of a cluster: memory, time and GPUs, from the settings and from which attempt it is."""

from saliency_benchmark import sizes

# MB of a job that imports torch and of one that does not, with the two Snakemakes that start it on a cluster.
TORCH, PLAIN = 3000, 1200
# Copies of their images that jobs hold in memory (bytes): by stage, of which split. Others go block by block.
HELD = {
    "train": {"train": 3},
    "assess": {"test": 6},
    "retrain": {"train": 5, "test": 5},
    "retrain_ends": {"train": 4, "test": 4},
    "leak": {"train": 5, "test": 5},
    "recurse": {"train": 12, "test": 12},
    "degrade": {"test": 8},
    "bend": {"test": 6},
    "pose": {"test": 8},
    "simulate": {"test": 8},
}
# Stages that ask a network for much. The others read and write numbers.
ON_GPU = {"train", "assess", "attribute", "retrain", "retrain_ends", "leak", "recurse", "degrade", "align", "bend",
          "probe", "pose", "explain_items"}  # fmt: skip
# Minutes that each job gets beside its work: start, first look at its files, a slow disk.
BESIDE = 15
# Numbers of images that go through a network in a minute: a tenth of what ResNet-50 does on one GPU, or one processor.
RATE = {True: 1e8, False: 2e6}
LONGEST = 7 * 24 * 60


def on_gpu(config: dict, stage: str) -> bool:
    return stage in ON_GPU and config["resources"]["gpus"] > 0


def memory(config: dict, stage: str, names: dict, attempt: int = 1) -> int:
    """MB of host memory; doubled by every further attempt."""
    value = sizes.values(config, names["dataset"]) if "dataset" in names else 0
    held = sum(
        copies * value * sizes.images(config, names["dataset"], split) for split, copies in HELD.get(stage, {}).items()
    )
    base = TORCH if stage in ON_GPU or stage in ("prepare_images", "simulate") else PLAIN
    return round((base + held / 1e6) * config["resources"]["memory"] * 2 ** (attempt - 1))


def minutes(config: dict, stage: str, names: dict, labels: tuple[str, ...] = (), attempt: int = 1) -> int:
    """Minutes after which the cluster may end the job; doubled by every further attempt, at most a week."""
    done = 0.0
    if "dataset" in names:
        value = max(sizes.values(config, names["dataset"]), 1024)
        done = sizes.work(config, stage, names, labels) * value / RATE[on_gpu(config, stage)]
    wanted = (BESIDE + done) * config["resources"]["time"] * 2 ** (attempt - 1)
    return max(1, min(round(wanted), LONGEST))


def site(config: dict, stage: str) -> dict[str, object]:
    """What the settings say of the cluster, in the words of Snakemake's SLURM executor."""
    told, gpu = config["resources"], on_gpu(config, stage)
    partition = told.get("gpu_partition", told.get("partition")) if gpu else told.get("partition")
    found = {"slurm_partition": partition, "slurm_account": told.get("account"), "slurm_extra": told.get("extra")}
    if gpu and told["gpu_request"] == "gres":
        found["gres"] = ":".join(["gpu", *([told["gpu_type"]] if "gpu_type" in told else []), str(told["gpus"])])
    elif gpu:
        found |= {"gpu": told["gpus"], "gpu_model": told.get("gpu_type")}
    return {name: value for name, value in found.items() if value is not None}
