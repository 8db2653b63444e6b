"""What a schema cannot say of the settings: names that must exist elsewhere, entries that must have their function."""

from collections.abc import Iterator
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from saliency_benchmark import alignment_design, design, provenance, registry, roar_design, utility_design

RESERVED = {"all", "all+controls"}


def problems(config: dict) -> Iterator[str]:
    """A sentence for each thing in the complete settings CONFIG that cannot work, before any job starts."""
    for kind in registry.FUNCTIONS:
        for label, entry in config[kind].items():
            yield from _entry_problems(kind, label, entry)
    yield from _name_problems(config)
    if config["scoring"]["backend"] == "openvino" and not find_spec("openvino"):
        yield "scoring.backend is openvino, which is not installed: pip install openvino, or set torch"
    try:
        yield from _dataset_problems(config)
        yield from _model_problems(config)
        yield from _training_problems(config)
        yield from _group_problems(config)
        yield from _retraining_problems(config)
        yield from _bundle_problems(config)
        yield from _metric_problems(config)
        yield from alignment_design.problems(config)
        yield from utility_design.problems(config)
    except ValueError:
        pass  # a missing file, named above


def _entry_problems(kind: str, label: str, entry: dict) -> Iterator[str]:
    if "file" in entry and "call" in entry:
        yield f"{kind}.{label}: has both `file` and `call`; keep one"
        return
    try:
        path = registry.files(kind, label, entry)[0]
    except ValueError as error:
        yield f"{kind}.{label}: {error}"
        return
    function = entry["call"].partition(":")[2] if "call" in entry else registry.FUNCTIONS[kind]
    if not provenance.defines(path, function.partition(".")[0]):
        yield f"{kind}.{label}: {path.name} has no function {function!r}; see saliency_benchmark/{kind}/__init__.py"
        return
    yield from _option_problems(f"{kind}.{label}.options", kind, entry, path, function)


def _option_problems(place: str, kind: str, entry: dict, path: Path, function: str) -> Iterator[str]:
    """Options of ENTRY at PLACE that FUNCTION in PATH does not take, or wants; the same of what it is based on."""
    options = provenance.options(path, function, every=kind == "models")
    if options is None:
        return
    handed = design.TOLD_TO_MODELS if kind == "models" else design.PROVIDED
    # A method may look at another layer than the model's last feature map.
    known = options.keys() - (handed - {"layer"} if kind == "methods" else handed)
    for option in sorted(options.keys() - handed - entry["options"].keys()):
        if not options[option]:
            yield f"{place}: {path.name} wants {option!r}, which has no default"
    for option in entry["options"].keys() - known:
        near = get_close_matches(option, known, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        takes = ", ".join(sorted(known)) or "none"
        yield f"{place}: {path.name} takes no {option!r}{hint}; it takes: {takes}"
    yield from _choice_problems(place, entry["options"], provenance.constant(path, "CHOICES", {}))
    if below := registry.base(kind, entry):
        inner, place = registry.file(*below), f"{place}.{registry.BASES[kind][2]}"
        yield from _option_problems(place, below[0], below[2], inner, registry.FUNCTIONS[below[0]])


def _choice_problems(place: str, options: dict, choices: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Words among OPTIONS, in their lists or as their keys, that the file's CHOICES do not have."""
    for option in choices.keys() & options.keys():
        value, known = options[option], choices[option]
        for word in value if isinstance(value, list | dict) else [value]:
            if word is not None and word not in known:
                near = get_close_matches(str(word), known, 1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                yield f"{place}.{option}: no {word!r}{hint}; there are: {', '.join(known)}"


def _name_problems(config: dict) -> Iterator[str]:
    """Names in one part of the settings that another part must have."""
    choices = [
        (f"datasets.{name}.{kind}", kind, entry.get(kind, []))
        for name, entry in config["datasets"].items()
        for kind in ("recipes", "models")
    ]
    choices += [
        (f"roar.{kind}", kind, config["roar"].get(kind, [])) for kind in ("datasets", "models", "recipes", "methods")
    ]
    choices += [
        (f"{section}.{kind}", kind, config[section].get(kind, []))
        for section in ("alignment", "utility")
        for kind in ("datasets", "models", "recipes", "methods")
    ]
    choices += [
        (f"models.{name}.pretrained.dataset", "datasets", [entry["pretrained"]["dataset"]])
        for name, entry in config["models"].items()
        if "pretrained" in entry
    ]
    choices.append(("roar.recursive.methods", "methods", config["roar"].get("recursive", {}).get("methods", [])))
    bundles = {"explain.together": config["explain"]["together"], "roar.bundles": config["roar"]["bundles"]}
    sets = {"groups": config["groups"]} | bundles
    choices += [(f"{place}.{name}", "methods", members) for place in sets for name, members in sets[place].items()]
    bundles = config["scoring"]["together"]
    choices += [(f"scoring.together.{name}", "probes", members) for name, members in bundles.items()]
    choices.append(("agreement.baseline", "recipes", [design.baseline(config)]))
    for place, kind, chosen in choices:
        for name in chosen:
            if name not in config[kind]:
                near = get_close_matches(name, config[kind], 1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                yield f"{place} names {name!r}{hint}, which is not in `{kind}`: {', '.join(config[kind])}"


def _dataset_problems(config: dict) -> Iterator[str]:
    """Folders that are not there; where all are, what a data set's own file says of its options (`problems`)."""
    for label, entry in config["datasets"].items():
        missing = list(_folder_problems(config, label))
        yield from missing
        told = missing or list(_entry_problems("datasets", label, entry))
        if not told and provenance.defines(registry.file("datasets", label, entry), "problems"):
            found = registry.load("datasets", label, entry).problems(**entry["options"])
            yield from (f"datasets.{label}.options: {problem}" for problem in found)


def _folder_problems(config: dict, dataset: str) -> Iterator[str]:
    for option, name in design.folders(config, dataset, downloaded=False).items():
        path = Path(name)
        kind = "table" if path.suffix == ".csv" else "folder"
        if not (path.is_file() if kind == "table" else path.is_dir()):
            yield f"datasets.{dataset}.options.{option}: there is no {kind} {str(path.absolute())!r}"


def _model_problems(config: dict) -> Iterator[str]:
    for label, entry in config["models"].items():
        path = entry.get("weights")
        if path and not Path(path).is_file():
            yield f"models.{label}.weights: there is no file {str(Path(path).absolute())!r}"
        if not entry["train"] and not path and not {"call", "pretrained"} & entry.keys():
            yield f"models.{label}: `train: false` wants `weights`, or it would be a network of random ones"


def _training_problems(config: dict) -> Iterator[str]:
    for dataset, settings in _trainings(config).items():
        asked = {name for name in design.BY_VALIDATION if settings.get(name) not in (None, False, 0, "last")}
        for name in sorted(asked) if not settings["validation"] else ():
            told = f"training.{name} is {settings[name]}, and no images of {dataset} are set aside for validation"
            yield f"{told}: set training.validation, for instance to 0.1"
        yield from _schedule_problems(dataset, settings)
    for label, entry in config["recipes"].items():
        method = entry["options"].get("saliency")
        if method and provenance.constant(registry.file("methods", method, {}), "NEEDS_REGIONS"):
            yield f"recipes.{label}.options.saliency: {method} needs regions, which training does not have"


def _trainings(config: dict) -> dict[str, dict]:
    """Training settings by what has them: a data set, or a model of settings of its own on it."""
    return {
        f"{model} on {dataset}" if config["models"][model]["training"] else dataset: design.training(
            config, dataset, model
        )
        for dataset, entry in config["datasets"].items()
        for model in entry.get("models", config["models"])
    }


def _schedule_problems(dataset: str, settings: dict) -> Iterator[str]:
    milestones, schedule = settings.get("milestones"), settings["schedule"]
    if milestones is None and schedule == "steps":
        yield f"training.schedule of {dataset} is steps, without training.milestones: set them, say to [30, 60, 80]"
    if milestones is not None and schedule != "steps":
        yield f"training.milestones of {dataset} are {milestones}, and training.schedule is {schedule}; wanted: steps"
    if schedule == "steps" and milestones and max(milestones) >= settings["epochs"]:
        told = f"training.milestones of {dataset} are {milestones}, and it is trained for {settings['epochs']} epochs"
        yield f"{told}; wanted: each below"


def _group_problems(config: dict) -> Iterator[str]:
    own = {member for members in config["groups"].values() for member in members}
    for name in RESERVED & config["groups"].keys():
        yield f"groups.{name}: this name is taken; every run has the group {name!r}"
    for label, entry in config["methods"].items():
        group = provenance.constant(registry.file("methods", label, entry), "GROUP")
        if group is None and label not in own:
            yield f'methods.{label} is in no group: put `GROUP = "..."` into its file, or name it under `groups`'


def _retraining_problems(config: dict) -> Iterator[str]:
    repeats, baselines = config["roar"]["repeats"], roar_design.baselines(config)
    if baselines < repeats:
        yield f"roar.baselines is {baselines}; wanted: at least {repeats}, as the curves of each repeat end in its own"


def _bundle_problems(config: dict) -> Iterator[str]:
    yield from _shared_members("explain.together", config["explain"]["together"], "method")
    yield from _shared_members("scoring.together", config["scoring"]["together"], "probe")
    yield from _shared_members("roar.bundles", config["roar"]["bundles"], "method")
    for name in config["roar"]["bundles"]:
        if name.partition("_")[0] in ("ends", "repeat"):
            yield f"roar.bundles.{name}: rules of other retrainings are called so; take another name"
    for dataset in config["datasets"].keys() & config["roar"].get("datasets", config["datasets"]):
        asked = roar_design.methods(config, dataset)
        for name, members in config["roar"]["bundles"].items():
            for label in members:
                if label in config["methods"] and label not in asked:
                    yield f"roar.bundles.{name}: {label} is not retrained for on {dataset}; leave it out"
    for name, members in config["explain"]["together"].items():
        for label in members:
            if label in config["methods"] and design.needs_regions(config, "methods", label):
                yield f"explain.together.{name}: {label} needs regions, which not every data set has; leave it out"
    for name, members in config["scoring"]["together"].items():
        for label in members:
            if label in config["probes"] and design.of_model(config, label):
                yield f"scoring.together.{name}: {label} is asked once per model, whatever the method; leave it out"


def _shared_members(place: str, bundles: dict[str, list[str]], what: str) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name, members in bundles.items():
        for label in members:
            if seen.setdefault(label, name) != name:
                yield f"{place}.{name}: {label} is in {seen[label]} already; a {what} is in one bundle"


def _metric_problems(config: dict) -> Iterator[str]:
    for label, entry in config["metrics"].items():
        probe = design.probe_of(config, label)
        if probe is not None and probe not in config["probes"]:
            yield f"metrics.{label} reads the probe {probe!r}, which is not in `probes`: {', '.join(config['probes'])}"
        path = registry.file("metrics", label, entry)
        if not isinstance(provenance.constant(path, "HIGHER_IS_BETTER"), bool):
            yield f"metrics.{label}: {path.name} must say `HIGHER_IS_BETTER = True` or `False`"
        if not any(label in design.metrics(config, dataset) for dataset in config["datasets"]):
            yield f"metrics.{label} needs regions, and no data set here has any: add one that has, or leave it out"
