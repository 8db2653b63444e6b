"""The design of ROAR: what is removed, retrained and compared."""

from saliency_benchmark import design, provenance, registry


def retrained(config: dict) -> list[dict]:
    """One row of keys per trained model that ROAR is done with."""
    roar = config["roar"]
    keys = {"dataset": "datasets", "model": "models", "recipe": "recipes"}
    return [
        row
        for row in design.trained(config)
        if all(row[one] in roar.get(many, [row[one]]) for one, many in keys.items())
    ]


def methods(config: dict, dataset: str) -> list[str]:
    return [label for label in design.methods(config, dataset) if label in config["roar"].get("methods", [label])]


def jobs(config: dict, number: int) -> dict[str, tuple[str, list[str], list[int]]]:
    """Jobs that do more than one (method, repeat) of NUMBER repeats, by name: place of their logs, methods, repeats.

    Where methods or repeats are empty, a job does one, which its wildcard tells: methods that are in no bundle.
    """
    found = {}
    for some, (name, logs) in repeats(config, number).items():
        for bundle, members in config["roar"]["bundles"].items():
            found[f"{bundle}_{name}".strip("_")] = f"{bundle}/{logs}", members, [*some]
        if some:
            found[name] = f"{{method}}/{logs}", [], [*some]
    return found


def repeats(config: dict, number: int) -> dict[tuple[int, ...], tuple[str, str]]:
    """Which of NUMBER repeats one job does: what it and its logs are called. One, (), where a job does one repeat."""
    size = config["roar"]["repeats_per_job"]
    if min(size, number) == 1:
        return {(): ("", "repeat-{repeat}")}
    chunks = [tuple(range(start, min(start + size, number))) for start in range(0, number, size)]
    ends = {some: list(dict.fromkeys([str(some[0]), str(some[-1])])) for some in chunks}
    return {some: ("repeat_" + "_to_".join(ends[some]), "repeat-" + "-to-".join(ends[some])) for some in chunks}


def removals(config: dict) -> dict:
    """All removals of a run, that a method's ranks serve."""
    roar = config["roar"]
    return {"orders": roar["orders"], "fills": roar["fill"], "fractions": sorted(roar["fractions"])}


def levels(config: dict) -> str | list[float]:
    """What ROAR's masks must tell: `percent` where all its fractions are whole ones, so that more of them may join."""
    fractions = sorted({*config["roar"]["fractions"], *config["roar"]["leakage"], *recursive_fractions(config)})
    whole = all(round(100 * fraction) / 100 == fraction for fraction in fractions)
    return "percent" if whole else fractions


def recursive_methods(config: dict, dataset: str) -> list[str]:
    """Methods whose maps are made anew after every step of ROAR; those of ROAR itself where none are named."""
    recursive = config["roar"].get("recursive")
    if recursive is None:
        return []
    chosen = recursive.get("methods", methods(config, dataset))
    return [label for label in design.methods(config, dataset) if label in chosen]


def recursive_fractions(config: dict) -> list[float]:
    """Shares removed after each step, in their order."""
    return sorted(config["roar"].get("recursive", {}).get("fractions", []))


def protocols(config: dict) -> list[str]:
    """Metrics that rank the methods by removing pixels in their order, as ROAR does, without retraining: ROAD."""
    return [label for label in config["metrics"] if design.constant(config, "metrics", label, "PROBE") == "road"]


def protocol_groups(config: dict) -> dict[str, dict[str, list[str]]]:
    """By data set, the groups for which protocols are compared: methods of ROAR with and without the controls."""
    found = {}
    for dataset in dict.fromkeys(row["dataset"] for row in retrained(config)):
        known, asked = design.groups(config, dataset), methods(config, dataset)
        found[dataset] = {
            name: [label for label in known.get(name, []) if label in asked] for name in ("all", "all+controls")
        }
    return found


def variants(config: dict) -> list[dict]:
    """Methods made of another one that is in CONFIG too: method, base, and the kind, the variant's file.

    The base is the entry of the same file and options as those that the variant takes.
    """
    found = []
    for label, entry in config["methods"].items():
        defaults = (
            provenance.defaults(registry.file("methods", label, entry), "attribute") if "call" not in entry else {}
        )
        told = defaults | entry["options"]
        wanted = (told.get("base"), told.get("base_options") or {})
        same = [name for name, each in config["methods"].items() if (each.get("file", name), each["options"]) == wanted]
        kind = entry.get("file", label)
        found += [{"method": label, "base": base, "kind": kind} for base in same if base != label][:1]
    return found


def contrasts(config: dict) -> list[dict]:
    """The variants that are retrained on, as their bases are."""
    kept = {method for row in retrained(config) for method in methods(config, row["dataset"])}
    return [pair for pair in variants(config) if {pair["method"], pair["base"]} <= kept]
