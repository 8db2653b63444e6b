"""Which models are fine-tuned by which maps, and what of the settings `alignment` cannot work."""

from collections.abc import Iterator

from saliency_benchmark import design, initialisation, provenance, registry

# By measure, the metric of localisation behind it, with its defaults.
MEASURES = {
    "mass": "relevance_mass",
    "rank": "relevance_rank",
    "pointing_game": "pointing_game",
    "localisation_auc": "localisation_auc",
}
KEYS = ("dataset", "model", "initialisation", "recipe", "seed", "masks", "tuned", "method")
# What decides the steps of a copy; the control's do not depend on maps.
STEPS = ("epochs", "batch_size", "accumulation", "learning_rate", "weight_decay", "clip", "batch_norm")
OF_MAPS = ("weight", "softplus")
ALL = "all"
# What a variant of the masks depends on.
DECIDING = {
    "exact": (),
    "dilated": ("pixels",),
    "eroded": ("pixels",),
    "shifted": ("pixels", "seed"),
    "noisy": ("pixels", "seed"),
    "box": (),
}


def pairs(config: dict) -> list[dict]:
    """One row of keys per pair of copies, aligned and misaligned: KEYS."""
    alignment = config["alignment"]
    return [
        {**row, "initialisation": initialisation.name(config, row["dataset"], row["model"]),
         "masks": masks, "tuned": str(tuned), "method": method}
        for row in fine_tuned(config)
        for masks in alignment["masks"]
        for tuned in alignment.get("labels", [ALL])
        for method in alignment["methods"]
    ]  # fmt: skip


def fine_tuned(config: dict) -> list[dict]:
    """One row of keys per trained model that copies are made of."""
    alignment = config["alignment"]
    if not alignment["methods"]:
        return []
    chosen = alignment.get("datasets", [name for name in config["datasets"] if design.has_regions(config, name)])
    return [
        row
        for row in design.trained(config)
        if row["dataset"] in chosen
        and row["model"] in alignment.get("models", [row["model"]])
        and row["recipe"] in alignment.get("recipes", [row["recipe"]])
    ]


def tuning(config: dict, *, control: bool = False) -> dict:
    """What decides the steps of a copy: arguments of `aligning.Tuning` but for its direction."""
    settings = config["alignment"] | {key: config["explain"][key] for key in ("rows",) if key in config["explain"]}
    names = (*STEPS, "seed") if control else (*STEPS, "seed", *OF_MAPS, "rows")
    return {name: settings[name] for name in names if name in settings}


def problems(config: dict) -> Iterator[str]:
    """A sentence for each thing in the settings `alignment` that cannot work."""
    alignment = config["alignment"]
    for label in alignment["methods"]:
        if label in config["methods"]:
            yield from _method_problems(config, label)
    for dataset in alignment.get("datasets", []):
        if dataset in config["datasets"] and not design.has_regions(config, dataset):
            yield f"alignment.datasets: {dataset} has no regions to align maps with; leave it out"
    if alignment["methods"] and not any(design.has_regions(config, name) for name in config["datasets"]):
        yield "alignment needs regions, and no data set here has any: add one that has, or leave it out"
    elif alignment["methods"] and not fine_tuned(config):
        yield "alignment.datasets, models and recipes leave no model that is trained: name others"


def _method_problems(config: dict, label: str) -> Iterator[str]:
    entry = config["methods"][label]
    path = registry.file("methods", label, entry)
    if not provenance.defines(path, "live"):
        files = {name: registry.file("methods", name, {}) for name in registry.names("methods")}
        known = ", ".join(name for name, file in files.items() if provenance.defines(file, "live"))
        yield f"alignment.methods: {label} has no map whose gradient by the weights is known; there are: {known}"
        return
    known = provenance.options(path, "live")
    for option in sorted(entry["options"].keys() - known) if known is not None else ():
        yield f"alignment.methods: with the option {option!r}, {label} has no map whose gradient is known; leave it out"
    if "softplus" in config["alignment"] and not provenance.constant(path, "SOFT"):
        yield f"alignment.softplus: {label} is no method of plain gradients, and follows ReLUs by rules; leave it out"
