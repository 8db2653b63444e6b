"""The design of ROAR: what is removed, retrained and compared."""

from dataclasses import dataclass

from saliency_benchmark import design, provenance, registry


@dataclass(frozen=True)
class Job:
    """The PLACE of a job's logs, METHODS and REPEATS that it does; where there are none, its wildcard tells the one."""

    place: str
    methods: tuple[str, ...]
    repeats: tuple[str, ...]


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


def baselines(config: dict) -> int:
    """Trainings with nothing removed, and with everything: the first ones are the ends of the repeats' curves."""
    return config["roar"].get("baselines", config["roar"]["repeats"])


def jobs(config: dict, stage: str, number: int, bundles: dict[str, list[str]]) -> dict[str, Job]:
    """How STAGE's work, for each method and NUMBER repeats, is cut into jobs, by the names of their rules."""
    found = {}
    for name, some in repeats(config, stage, number).items():
        for bundle, members in bundles.items():
            named = f"{stage}_{bundle}{name.removeprefix(stage)}"
            found[named] = Job(f"{bundle}/{some.place}", tuple(members), some.repeats)
        found[name] = Job(f"{{method}}/{some.place}", (), some.repeats)
    return found


def repeats(config: dict, stage: str, number: int) -> dict[str, Job]:
    """The same for a stage without methods."""
    size = config["roar"]["repeats_per_job"]
    if min(size, number) == 1:
        return {stage: Job("repeat-{repeat}", (), ())}
    found = {}
    for some in (tuple(range(start, min(start + size, number))) for start in range(0, number, size)):
        ends = list(dict.fromkeys([str(some[0]), str(some[-1])]))
        found[f"{stage}_repeat_{'_to_'.join(ends)}"] = Job(f"repeat-{'-to-'.join(ends)}", (), tuple(map(str, some)))
    return found


def recursive_bundles(config: dict) -> dict[str, list[str]]:
    """Bundles of methods, as far as steps are made for them."""
    roar = config["roar"]
    chosen = roar.get("recursive", {}).get("methods", config["methods"])
    found = {name: [label for label in members if label in chosen] for name, members in roar["bundles"].items()}
    return {name: members for name, members in found.items() if members}


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
