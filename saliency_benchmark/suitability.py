"""Can each method explain each model? Tried on random weights in a process of its own, before any job starts.

Importing torch and building models takes seconds: what was found is kept, and asked again only when settings or code
that it depends on changed.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from saliency_benchmark import design, files, masking, provenance, registry, roar_design

CLASSES = 10  # of a model whose number of outputs is not known yet
PARTS = ("models", "methods")


def problems(config: dict, notes: Path) -> list[str]:
    """A sentence for each model that takes none of a data set's images, and each method that cannot explain a model.

    Also for fractions that remove as many pixels as others. Data sets whose image size is not known before their images
    are read are passed over: there the jobs tell. NOTES remembers the last answer.
    """
    asked = {"models": config["models"], "methods": config["methods"], "output": config["explain"]["output"]}
    asked["pairs"] = sorted({(row["dataset"], row["model"]) for row in design.trained(config)})
    asked["datasets"] = {name: _sized(entry) for name, entry in config["datasets"].items()}
    asked["fractions"] = _fractions(config)
    asked["possible"] = {name: design.methods(config, name) for name in config["datasets"]}
    key = sha256(repr((json.dumps(asked, sort_keys=True, default=str), _code(config))).encode()).hexdigest()
    try:
        noted = json.loads(notes.read_text())
    except (OSError, json.JSONDecodeError):
        noted = {}
    if noted.get("key") != key:
        noted = {"key": key, "problems": _tried(asked)}
        notes.parent.mkdir(parents=True, exist_ok=True)
        new = files.Atomic(notes)
        new.part.write_text(json.dumps(noted))
        new.commit()
    return noted["problems"]


def _sized(entry: dict) -> dict:
    """What may decide the size of a data set's images."""
    return {key: entry[key] for key in ("file", "call", "options") if key in entry}


def _code(config: dict) -> str:
    entries = [(kind, label, entry) for kind in PARTS for label, entry in config[kind].items()]
    found = [file for one in entries for file in registry.files(*one)]
    return provenance.code_digest("attribute.py", *found, Path(__file__))


def _tried(asked: dict) -> list[str]:
    """ASKED of a new process, which imports torch instead of this one."""
    words = [sys.executable, "-W", "ignore", "-m", "saliency_benchmark.suitability"]
    paths = [str(provenance.ROOT), *(path or str(Path.cwd()) for path in sys.path)]
    done = subprocess.run(words, input=json.dumps([asked, paths], default=str), capture_output=True, text=True,
                          cwd=provenance.ROOT)  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"methods and models could not be tried:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def found(asked: dict) -> list[str]:
    """What is wrong with the pairs of models and methods in ASKED."""
    told = []
    for dataset, model in asked["pairs"]:
        shape = _shape(dataset, asked["datasets"][dataset])
        if shape is not None:
            methods = {label: asked["methods"][label] for label in asked["possible"][dataset]}
            told += _of_model(model, asked["models"][model], shape, methods, asked["output"])
    for dataset, places in asked["fractions"].items():
        shape = _shape(dataset, asked["datasets"][dataset])
        if shape is not None:
            told += [each for place, some in places.items() for each in _of_fractions(place, some, dataset, shape)]
    return list(dict.fromkeys(told))


def _fractions(config: dict) -> dict[str, dict[str, list[float]]]:
    """Shares of pixels that are removed, by data set and by their place in the settings."""
    roar = config["roar"]
    places = {"roar.fractions": roar["fractions"], "roar.leakage": roar["leakage"]}
    places["roar.recursive.fractions"] = roar_design.recursive_fractions(config)
    return {row["dataset"]: places for row in roar_design.retrained(config)}


def _of_fractions(place: str, fractions: list[float], dataset: str, shape: tuple[int, int, int]) -> Iterator[str]:
    """Fractions that remove no pixel, all of them, or as many as another one."""
    pixels = shape[1] * shape[2]
    seen: dict[int, float] = {0: 0, pixels: 1}
    for fraction in sorted(fractions):
        number = masking.count(fraction, pixels)
        if number in seen:
            same = f"{place}: {fraction} of the {pixels} pixels of {dataset} are {number}, as {seen[number]} of them"
            yield f"{same}: the same images twice; wanted: fractions that remove different numbers of pixels"
        seen.setdefault(number, fraction)


def _shape(label: str, entry: dict) -> tuple[int, int, int] | None:
    """(channel, row, column) of a data set's images, where its file tells (`shape`)."""
    told = getattr(registry.load("datasets", label, entry), "shape", None)
    return told(**entry["options"]) if told else None


def _of_model(label: str, entry: dict, shape: tuple[int, int, int], methods: dict, output: str) -> list[str]:
    import torch

    from saliency_benchmark import attribution, classifier, layers, networks

    classes = entry.get("classes", CLASSES)
    try:
        network = networks.build(entry, label, shape, classes, seed=0).eval()
        with torch.no_grad():
            network(torch.zeros(2, *shape))
        layer = layers.checked(network, shape, entry["layer"]) if "layer" in entry else None
        layer = layer or layers.feature_layer(network, shape)
    except (RuntimeError, ValueError, AssertionError, IndexError, TypeError) as error:
        return [f"models.{label} on images of (channel, row, column) = {tuple(shape)}: {error}"]
    model = classifier.Classifier(network, torch.zeros(shape[0]), torch.ones(shape[0]), layer)
    given, told = attribution.provided(model, output), []
    with attribution.explained(model, output):
        for name, method in attribution.methods(methods).items():
            try:
                attribution.refuse_unsuited({name: method}, network, shape, given)
            except ValueError as error:
                told.append(f"methods.{error} (models.{label}); leave it out, or give the data set other `models`")
    return told


if __name__ == "__main__":
    asked, sys.path[:] = json.load(sys.stdin)
    print(json.dumps(found(asked)))
