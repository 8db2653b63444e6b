"""Recipes that belong together: they lead from one loss to another by the weight of masked images alone."""

import json

from saliency_benchmark import design


def interpolations(config: dict) -> list[dict]:
    """Keys of the trained models whose recipes differ in the `interpolation` of `composed` alone, and what it is.

    `series` is the first recipe of those that belong together: of one model on one data set, with two values or more.
    """
    found: dict[tuple, list[dict]] = {}
    for row in design.trained(config):
        if step := _interpolation(config, row["recipe"]):
            others, value = step
            found.setdefault((row["dataset"], row["model"], others), []).append({**row, "interpolation": value})
    several = [rows for rows in found.values() if len({row["interpolation"] for row in rows}) > 1]
    return [{**row, "series": rows[0]["recipe"]} for rows in several for row in rows]


def _interpolation(config: dict, recipe: str) -> tuple[str, float] | None:
    """The other options of a composed recipe, and its interpolation, or None where it has none.

    With fp and without weights of their own, the clean and the masked images weigh the same: that is 1.
    """
    entry = config["recipes"][recipe]
    options = {key: value for key, value in entry["options"].items() if value is not None}
    value = options.pop("interpolation", 1)
    composed = "call" not in entry and entry.get("file", recipe) == "composed"
    if not composed or "fp" not in options.get("parts", []) or options.get("weights"):
        return None
    return json.dumps(options, sort_keys=True), float(value)
