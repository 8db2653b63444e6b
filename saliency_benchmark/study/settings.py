"""The settings of a study with people: one schema checks them and fills in defaults."""

from pathlib import Path

import yaml

from saliency_benchmark import config

SCHEMA = yaml.safe_load(Path(__file__).with_name("settings.schema.yaml").read_text())
PILOT = {"training": 2, "evaluation": 4, "catch_trials": 1}


def complete(settings: dict, pilot: bool = False) -> dict:
    """SETTINGS with every default, shortened for a PILOT. Raises ValueError that lists all that is wrong."""
    settings = config.complete_by(SCHEMA, settings, "the settings of the study")
    wrong = [
        f"  - comprehension.questions.{place}: right is {entry['right']}, of {len(entry['answers'])} answers from 0"
        for place, entry in enumerate(settings["comprehension"]["questions"])
        if entry["right"] >= len(entry["answers"])
    ]
    if wrong:
        raise ValueError("the settings of the study cannot be used:\n" + "\n".join(wrong))
    if pilot or settings["pilot"]:
        settings |= {"pilot": True} | {name: min(most, settings[name]) for name, most in PILOT.items()}
    return settings
