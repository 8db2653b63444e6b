"""Which questions are asked about which models, with which explanations, and what of the settings cannot work."""

from collections.abc import Iterator

from saliency_benchmark import design, provenance, registry

SELECTION, SIMULATION = "model_selection", "counterfactual_simulation"
TASKS = (SELECTION, SIMULATION)
NONE, ORACLE, RANDOM, OTHER_IMAGE = "none", "oracle", "random", "other_image"
# Explanations that every study has; those without a model's knowledge are placebos.
CONTROLS = (NONE, ORACLE, RANDOM, OTHER_IMAGE)
PLACEBOS = (RANDOM, OTHER_IMAGE)
LABELLINGS = ("clean", "flipped")
KEYS = ("dataset", "model", "recipe", "seed", "task")
# What decides which items there are, beside the data and the models.
DRAWN = ("images", "training_items", "evaluation_items", "strata", "seed")
# What decides who answers the questions, and how often.
USERS = ("agents", "sizes", "reader_sizes", "repeats", "lapse", "seed")


def asked(config: dict) -> list[dict]:
    """One row of KEYS per set of items: a trained model and a task."""
    utility = config["utility"]
    kinds = {"dataset": "datasets", "model": "models", "recipe": "recipes"}
    return [
        {**row, "task": task}
        for row in design.trained(config)
        if all(row[one] in utility.get(many, [row[one]]) for one, many in kinds.items())
        for task in utility["tasks"]
    ]


def methods(config: dict) -> list[str]:
    """Methods whose maps are shown: those named, or all that need no regions and are no control."""
    if "methods" in config["utility"]:
        return config["utility"]["methods"]
    return [label for label in config["methods"] if not _unsuited(config, label)]


def explanations(config: dict) -> list[str]:
    return [*CONTROLS, *methods(config)]


def pairs(config: dict) -> list[str]:
    """Names of the pairs of classes whose labels are flipped: "0-6"."""
    return ["-".join(map(str, pair)) for pair in config["utility"]["pairs"]]


def cue(config: dict) -> dict:
    """The cue; `share` of the training images carry it, and all images that are asked about."""
    return config["utility"]["cue"] | {"seed": config["utility"]["seed"]}


def shift(config: dict) -> dict:
    """The shift that is shown, its entry by name."""
    name = config["utility"]["shift"]
    return {name: config["shifts"][name]} if name in config["shifts"] else {}


def drawn(config: dict) -> dict:
    return {name: config["utility"][name] for name in DRAWN}


def users(config: dict) -> dict:
    return {name: config["utility"][name] for name in USERS}


def with_shift(config: dict) -> dict:
    """CONFIG, and in `shifts` the one that `utility` names, with default options, if it is a file of that name."""
    name = config["utility"]["shift"]
    wanted = config["utility"]["tasks"] and name in registry.names("shifts") and name not in config["shifts"]
    return config | {"shifts": config["shifts"] | {name: {"options": {}}}} if wanted else config


def problems(config: dict) -> Iterator[str]:
    """A sentence for each thing in the settings `utility` that cannot work."""
    utility = config["utility"]
    if not utility["tasks"]:
        return
    rows = asked(config)
    if not rows:
        yield "utility.datasets, models and recipes leave no model that is trained: name others"
    if not methods(config):
        yield "utility.methods: no method here can be shown; add one that looks at the model, or name some"
    for label in set(methods(config)) & config["methods"].keys():
        if reason := _unsuited(config, label):
            yield f"utility.methods: {label} {reason}; leave it out"
    for recipe in dict.fromkeys(row["recipe"] for row in rows):
        path = registry.file("recipes", recipe, config["recipes"][recipe])
        if provenance.constant(path, "MULTI_LABEL", False):
            yield f"utility.recipes: {recipe} is for images with several labels, and a question has one true answer"
    if SIMULATION in utility["tasks"]:
        yield from _shift_problems(config, rows)
    if SELECTION in utility["tasks"]:
        yield from _pair_problems(config, rows)


def _unsuited(config: dict, label: str) -> str:
    """Why the maps of the method LABEL cannot be shown, or nothing."""
    path = registry.file("methods", label, config["methods"][label])
    if label in CONTROLS:
        return "has the name of a control that is there by itself"
    if provenance.constant(path, "NEEDS_REGIONS", False):
        return "needs regions, which items do not have"
    return "is a control, and there are others here" if provenance.constant(path, "GROUP") == "controls" else ""


def _shift_problems(config: dict, rows: list[dict]) -> Iterator[str]:
    name = config["utility"]["shift"]
    if name not in config["shifts"]:
        known = ", ".join(dict.fromkeys([*config["shifts"], *registry.names("shifts")]))
        yield f"utility.shift names {name!r}, which is not in `shifts`; there are: {known}"
        return
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        if design.needs_regions(config, "shifts", name) and not design.has_regions(config, dataset):
            yield f"utility.shift: {name} needs regions, and {dataset} has none; name another"


def _pair_problems(config: dict, rows: list[dict]) -> Iterator[str]:
    seen: set[frozenset] = set()
    for pair in config["utility"]["pairs"]:
        if frozenset(pair) in seen:
            yield f"utility.pairs: {pair} is there twice"
        seen.add(frozenset(pair))
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        if config["utility"]["cue"]["kind"] == "own" and not design.has_regions(config, dataset):
            yield f"utility.cue.kind is own, and {dataset} has no regions to show its cue; wanted: patch, stripe, frame"
    for model in dict.fromkeys(row["model"] for row in rows):
        if not config["models"][model]["train"]:
            yield f"utility.tasks: {SELECTION} trains a mislabelled model, and models.{model} is not to be trained"
