"""What the settings would tell a job now: held against the settings that an artifact says it was made with."""

from collections.abc import Callable, Iterator

from saliency_benchmark import (
    alignment_design,
    design,
    files,
    freshness,
    initialisation,
    roar_design,
    sizes,
    utility_design,
)

Told = Callable[[dict, dict], object]
# In the place of what is held against nothing.
UNTOLD = "(untold)"


def _entry(kind: str) -> Told:
    return lambda config, names: config[f"{kind}s"].get(names[kind])


def _section(name: str) -> Told:
    return lambda config, names: config[name]


def _setting(section: str, key: str) -> Told:
    return lambda config, names: config[section].get(key)


def _model(config: dict, names: dict) -> dict:
    """Without a file of weights, which counts by its contents."""
    told = initialisation.entry(config, names["dataset"], names["model"])
    return {key: value for key, value in told.items() if key != "weights"}


def _dataset(config: dict, names: dict) -> dict:
    """Of the user's folders, for which what lies in them stands in the artifact, nothing."""
    entry, folders = config["datasets"][names["dataset"]], design.folders(config, names["dataset"])
    options = design.with_folders(entry["options"], lambda path, options: UNTOLD, folders)
    return {key: entry[key] for key in ("file", "call") if key in entry} | {"options": options}


def _removal(config: dict, names: dict) -> dict:
    roar = config["roar"]
    told = {"fractions": sorted(roar["fractions"]), "control": roar["control"]}
    return told | {key: names[key] for key in ("order", "fill")}


def _tuning(config: dict, names: dict) -> dict:
    direction = names.get("direction", "control")
    return {"direction": direction, **alignment_design.tuning(config, control=direction == "control")}


def _scoring(config: dict, names: dict) -> dict:
    """Of a shard: up to the last image that is scored."""
    told = config["scoring"] | {"target": config["explain"].get("target")}
    if "shard" in names:
        told["images"] = sizes.scored_part(config, int(names["shard"]))
    return told


# By param of a rule, or RULE.param where a name means several things: what it would be now. Others are not looked at:
# rows that tables get, and what follows from wildcards alone.
TOLD: dict[str, Told] = {
    "dataset": _dataset,
    "model": _model,
    "recipe": lambda config, names: design.recipe(config, names["recipe"]),
    "training": lambda config, names: design.taught(config, names["dataset"], names["model"]),
    "methods": _section("methods"),
    "method": _section("methods"),
    "probes": _section("probes"),
    "metrics": _section("metrics"),
    "metric": _entry("metric"),
    "explain": _section("explain"),
    "scoring": _scoring,
    "part": lambda config, names: sizes.part(config, int(names["shard"]), int(names["shards"])),
    "agreement": _section("agreement"),
    "probability": _setting("agreement", "probability"),
    "agree.images": _setting("scoring", "images"),
    "agree.methods": lambda config, names: design.methods(config, names["dataset"]),
    "groups": lambda config, names: design.groups(config, names["dataset"]),
    "agree_protocols.groups": lambda config, names: roar_design.protocol_groups(config),
    "baseline": lambda config, names: design.baseline(config),
    "runs": lambda config, names: design.runs(config, names["dataset"], names["model"]),
    "control": lambda config, names: design.control(config),
    "rank.seed": _setting("roar", "seed"),
    "recurse.ties": _setting("roar", "seed"),
    "levels": lambda config, names: roar_design.levels(config),
    "removal": _removal,
    "units": _setting("roar", "unit"),
    "removals": lambda config, names: roar_design.removals(config),
    "contrast_roar.pairs": lambda config, names: roar_design.contrasts(config),
    "leak.fractions": lambda config, names: sorted(config["roar"]["leakage"]),
    "regions": lambda config, names: config["alignment"] | {key: names.get(key) for key in ("masks", "tuned")},
    "tuning": _tuning,
    "align.images": _setting("alignment", "images"),
    "align_control.images": _setting("alignment", "images"),
    "bend.images": _setting("alignment", "test_images"),
    "bend.rows": _setting("explain", "rows"),
    "cue": lambda config, names: utility_design.cue(config),
    "drawn": lambda config, names: utility_design.drawn(config),
    "users": lambda config, names: utility_design.users(config),
    "shift": lambda config, names: utility_design.shift(config),
    "cells": _setting("utility", "grid"),
    "exact": _setting("utility", "exact"),
    "pose_selection.pairs": lambda config, names: utility_design.pairs(config),
    "control_items.seed": _setting("utility", "seed"),
    "join_items.explanations": lambda config, names: utility_design.explanations(config),
    "report.settings": lambda config, names: design.reported(config),
}


def changes(origin: dict, config: dict) -> Iterator[str]:
    """What the complete settings CONFIG say otherwise than ORIGIN, a sentence each: `training.epochs was 1, is 2`."""
    rule, names = origin.get("rule", ""), origin.get("wildcards", {})
    for param, was in origin.get("settings", {}).items():
        tell = TOLD.get(f"{rule}.{param}", TOLD.get(param))
        if tell is None:
            continue
        try:
            now = files.plain(tell(config, names))
        except (KeyError, AttributeError, TypeError):
            yield f"{_names(names)} is in these settings no more"
            return
        yield from _differences(was, now, param)


def _differences(was: object, now: object, place: str) -> Iterator[str]:
    """Where NOW is not WAS, as far as WAS tells: an artifact is told only the part of the settings that it needs."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(was.keys() | _counting(now, place), key=str):
            if (place, key) != ("model", "weights"):
                yield from _differences(was.get(key), now.get(key), f"{place}.{key}")
    elif was != now and now != UNTOLD:
        yield f"{place.removeprefix('settings.')} was {freshness.short(was)}, is {freshness.short(now)}"


def _counting(now: dict, place: str) -> set[str]:
    """The keys of NOW that change something where they were added: all, in options and where all settings are told."""
    first, _, last = place.partition(".")[0], *place.rpartition(".")[1:]
    if first == "settings" or last.endswith("options"):
        return set(now)
    entry = place in ("dataset", "model", "metric", "recipe") or place.count(".") == 1
    return now.keys() & {"file", "call"} if entry else set()


def _names(names: dict) -> str:
    return ", ".join(f"{key} {value}" for key, value in names.items()) or "what it is made for"
