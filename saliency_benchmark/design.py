"""The design of the experiment: which combinations of the settings' entries exist."""

from collections.abc import Callable, Iterable
from pathlib import Path

from saliency_benchmark import provenance, registry

# Keyword arguments that the workflow hands over itself; the settings cannot. Those of models, and of the other entries.
TOLD_TO_MODELS = {"shape", "classes", "num_classes"}
PROVIDED = {"regions", "generator", "layer", "background", "black", "white", "output", "given", "classifier", "rngs"}
# Training settings that need validation images.
BY_VALIDATION = {"validation", "selection", "patience", "temperature"}

# What a file of maps holds that a metric may read.
OF_MAPS = {"maps", "sum", "completeness_gap", "prediction"}


def trained(config: dict) -> list[dict]:
    """One row of keys per model that is trained."""
    return [
        {"dataset": dataset, "model": model, "recipe": recipe, "seed": seed}
        for dataset, entry in config["datasets"].items()
        for model in entry.get("models", config["models"])
        for recipe in entry.get("recipes", config["recipes"])
        for seed in config["recipes"][recipe].get("seeds", config["seeds"])
    ]


def training(config: dict, dataset: str, model: str) -> dict:
    """Training settings for MODEL on DATASET: the model's own, then the data set's, then the general ones."""
    return config["training"] | config["datasets"][dataset]["training"] | config["models"][model]["training"]


def taught(config: dict, dataset: str, model: str) -> dict:
    """Those that decide what MODEL becomes: not how often a state is saved."""
    return {key: value for key, value in training(config, dataset, model).items() if key != "checkpoint"}


def recipe(config: dict, label: str) -> dict:
    """What decides how to train: the entry of the recipe LABEL without what says for which seeds."""
    return {key: value for key, value in config["recipes"][label].items() if key != "seeds"}


def reported(config: dict) -> dict:
    """All settings that change a number, which the report tells: not what jobs ask of a cluster."""
    return {key: value for key, value in config.items() if key != "resources"}


def compared(config: dict) -> list[dict]:
    """One row of keys per data set and model that were trained in several ways, one of them the baseline."""
    rows = [{key: row[key] for key in ("dataset", "model")} for row in trained(config)]
    unique = [dict(pairs) for pairs in dict.fromkeys(tuple(row.items()) for row in rows)]
    return [row for row in unique if len(recipes := _recipes(config, row)) > 1 and baseline(config) in recipes]


def runs(config: dict, dataset: str, model: str) -> list[dict]:
    """Keys of all trainings of MODEL on DATASET."""
    return [row for row in trained(config) if (row["dataset"], row["model"]) == (dataset, model)]


def baseline(config: dict) -> str:
    return config["agreement"].get("baseline", next(iter(config["recipes"])))


def _recipes(config: dict, row: dict) -> list[str]:
    return list(dict.fromkeys(each["recipe"] for each in runs(config, row["dataset"], row["model"])))


def methods(config: dict, dataset: str) -> list[str]:
    """Methods that can explain DATASET: those that need regions only where there are some."""
    return [label for label in config["methods"] if _possible(config, "methods", label, dataset)]


def metrics(config: dict, dataset: str) -> list[str]:
    return [label for label in config["metrics"] if _possible(config, "metrics", label, dataset)]


def groups(config: dict, dataset: str) -> dict[str, list[str]]:
    """Members of every group on DATASET: all, all with the controls, each file's own groups, the user's groups.

    A second group of a file (`ALSO`, as the "recent" of arXiv 2311.17876) is told of where it has two members.
    """
    present = methods(config, dataset)
    files = {label: constant(config, "methods", label, "GROUP") for label in present}
    groups = {"all": [label for label in present if files[label] != "controls"], "all+controls": present}
    for label, group in files.items():
        if group is not None:
            groups.setdefault(group, []).append(label)
    more: dict[str, list[str]] = {}
    for label in present:
        if also := constant(config, "methods", label, "ALSO"):
            more.setdefault(also, []).append(label)
    groups |= {name: members for name, members in more.items() if len(members) > 1}
    for name, members in config["groups"].items():
        groups[name] = [label for label in present if label in members]
    return {name: members for name, members in groups.items() if members}


def probe_of(config: dict, metric: str) -> str | None:
    """The probe that METRIC reads, or None where it looks at the maps alone."""
    default = constant(config, "metrics", metric, "PROBE")
    return default and config["metrics"][metric].get("probe", default)


def folders(config: dict, dataset: str, *, downloaded: bool = True) -> dict[str, str]:
    """Folders and tables of the user's that DATASET reads: option -> path; DOWNLOADED: also those that are filled so.

    Those of the data set that it is made of are called `of_options.root` and the like.
    """
    return _folders(dataset, config["datasets"][dataset], downloaded)


def _folders(label: str, entry: dict, downloaded: bool) -> dict[str, str]:
    options, below = entry["options"], registry.base("datasets", entry)
    names = provenance.constant(registry.file("datasets", label, entry), "FILES", ())
    found = {name: options[name] for name in names if options.get(name) and (downloaded or not options.get("download"))}
    inner = _folders(*below[1:], downloaded) if below else {}
    return found | {f"{registry.BASES['datasets'][2]}.{name}": path for name, path in inner.items()}


def with_folders(options: dict, tell: Callable[[str, dict], object], names: Iterable[str]) -> dict:
    """OPTIONS of a data set with what TELL(path, the options beside it) says in the place of the folders NAMES."""
    found = dict(options)
    for name in names:
        first, _, rest = name.partition(".")
        found[first] = with_folders(found[first], tell, [rest]) if rest else tell(found[first], options)
    return found


def asks(config: dict, label: str, parameter: str) -> bool:
    """Does the method LABEL, or the one that it is based on, have PARAMETER?"""
    bases = registry.files("methods", label, config["methods"][label])[1:]
    found = [_parameters(config, "methods", label), *(provenance.options(path, "attribute") for path in bases)]
    return any(parameter in (options or {}) for options in found)


def reads_maps(config: dict, metric: str) -> bool:
    """Does METRIC look at the maps themselves, or at what is told of them?"""
    known = _parameters(config, "metrics", metric)
    return probe_of(config, metric) is None or known is None or bool(OF_MAPS & known.keys())


def of_model(config: dict, probe: str) -> bool:
    """Does PROBE ask the model what no method changes, once for all methods?"""
    known = _parameters(config, "probes", probe)
    return known is not None and "maps" not in known


def explains(config: dict, probe: str) -> bool:
    """Does PROBE want new maps of the method?"""
    return bool(constant(config, "probes", probe, "EXPLAINS", default=False))


def looks_at_training(config: dict, probe: str) -> bool:
    """Does PROBE look at training images, whatever the method asks for?"""
    return bool(constant(config, "probes", probe, "NEEDS_BACKGROUND", default=False))


def _parameters(config: dict, kind: str, label: str) -> dict | None:
    """Parameters of the entry's function, or None where they cannot be told."""
    entry = config[kind][label]
    function = entry["call"].partition(":")[2] if "call" in entry else registry.FUNCTIONS[kind]
    return provenance.options(registry.file(kind, label, entry), function, every=True)


def with_probes(config: dict) -> dict:
    """CONFIG, and in `probes` those that metrics name in their files, with default options."""
    named = {constant(config, "metrics", label, "PROBE") for label in _known(config, "metrics")}
    missing = named & set(registry.names("probes")) - config["probes"].keys()
    return config | {"probes": config["probes"] | {name: {"options": {}} for name in sorted(missing)}}


def _known(config: dict, kind: str) -> list[str]:
    """Labels of the entries that have a file."""
    found = []
    for label, entry in config[kind].items():
        try:
            registry.file(kind, label, entry)
        except ValueError:
            continue
        found.append(label)
    return found


def has_regions(config: dict, dataset: str) -> bool:
    regions = constant(config, "datasets", dataset, "REGIONS", default=False)
    if isinstance(regions, bool):
        return regions
    names = [regions] if isinstance(regions, str) else regions
    return any(config["datasets"][dataset]["options"].get(name) for name in names)


def needs_regions(config: dict, kind: str, label: str) -> bool:
    return bool(constant(config, kind, label, "NEEDS_REGIONS", default=False))


def control(config: dict) -> str:
    """The method that knows nothing, which others are measured against: the entry made by `random`, or "" if none."""
    return next((label for label, entry in config["methods"].items() if entry.get("file", label) == "random"), "")


def _possible(config: dict, kind: str, label: str, dataset: str) -> bool:
    return has_regions(config, dataset) or not needs_regions(config, kind, label)


def constant(config: dict, kind: str, label: str, name: str, default: object = None) -> object:
    """What the entry's file says that NAME is; the file is read and not run."""
    path: Path = registry.file(kind, label, config[kind][label])
    return provenance.constant(path, name, default)
