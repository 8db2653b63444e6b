"""Where the weights of a training begin: at random, in a file, or with those of a training on another data set."""

from collections.abc import Sequence

from saliency_benchmark import files

SCRATCH, FILE = "scratch", "weights"


def entry(config: dict, dataset: str, model: str) -> dict:
    """The entry of MODEL as it is meant on DATASET: where others begin with what is learned here, it is learned."""
    told = config["models"][model]
    if told.get("pretrained", {}).get("dataset") != dataset:
        return told
    return _without_pretrained(told)


def source(config: dict, dataset: str, model: str) -> dict[str, str] | None:
    """The data set and model of the training whose weights MODEL begins with on DATASET, or None.

    The model is an entry that is the same but for `pretrained`, if there is one, so that nothing is trained twice.
    """
    told = entry(config, dataset, model)
    if "pretrained" not in told:
        return None
    plain = _network(model, _without_pretrained(told))
    same = [label for label, each in config["models"].items() if _network(label, each) == plain]
    return {"dataset": told["pretrained"]["dataset"], "model": [*same, model][0]}


def name(config: dict, dataset: str, model: str) -> str:
    """`scratch`, the data set learned before, or `weights`, the entry's own name for those of a file or a factory.

    A model that takes the weights of another data set as they are was initialised as it was there.
    """
    told, before = entry(config, dataset, model), source(config, dataset, model)
    if before is not None:
        return before["dataset"] if told["train"] else name(config, **before)
    return told.get("initialisation", FILE) if "weights" in told or not told["train"] else SCRATCH


def architecture(config: dict, dataset: str, model: str) -> str:
    """The entry that is the same network but for where it begins, at random first; MODEL where that is not enough.

    So models of one architecture that begin differently have one name, as a comparison of both wants it.
    """
    alike = [label for label in config["models"] if _bare(config, label) == _bare(config, model)]
    names = [name(config, dataset, label) for label in alike]
    plainest = min(alike, key=lambda label: len(config["models"][label].keys() & ("pretrained", "weights")))
    return plainest if len(set(names)) == len(names) else model


def beginning(config: dict, dataset: str, model: str, pretrained: str | Sequence[str]) -> dict:
    """Arguments of `fitting.obtain`: the file that the training begins with, PRETRAINED if given, and `train`."""
    told = entry(config, dataset, model)
    return {"path": next(iter(files.listed(pretrained)), told.get("weights")), "train": told["train"]}


def _without_pretrained(told: dict) -> dict:
    return {key: value for key, value in told.items() if key != "pretrained"} | {"train": True}


def _bare(config: dict, label: str) -> dict:
    told = _network(label, config["models"][label])
    return {
        key: value for key, value in told.items() if key not in ("pretrained", "weights", "train", "initialisation")
    }


def _network(label: str, told: dict) -> dict:
    return told | ({} if "call" in told else {"file": told.get("file", label)})
