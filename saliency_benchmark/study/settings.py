"""The settings of a study with people: one schema checks them and fills in defaults."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from saliency_benchmark import config

SCHEMA = yaml.safe_load(Path(__file__).with_name("settings.schema.yaml").read_text())
# What the analysis reads: pages of the same settings are the same study whatever it says.
OF_ANALYSIS = ("exclusions", "analysis", "preregistration")
PILOT = {"training": 2, "evaluation": 4, "catch_trials": 1}


def complete(settings: dict, pilot: bool = False) -> dict:
    """SETTINGS of the pages with every default, shortened for a PILOT. Raises ValueError for all that is wrong."""
    settings = config.complete_by(SCHEMA, settings, "the settings of the study")
    settings = {name: value for name, value in settings.items() if name not in OF_ANALYSIS}
    if wrong := list(_problems(settings)):
        raise ValueError("the settings of the study cannot be used:\n" + "\n".join(f"  - {each}" for each in wrong))
    if pilot or settings["pilot"]:
        settings |= {"pilot": True} | {name: min(most, settings[name]) for name, most in PILOT.items()}
    return settings


def _problems(settings: dict) -> Iterator[str]:
    for place, entry in enumerate(settings["comprehension"]["questions"]):
        if entry["right"] >= len(entry["answers"]):
            told = f"right is {entry['right']}, of {len(entry['answers'])} answers from 0"
            yield f"comprehension.questions.{place}: {told}"
    asked = [entry["question"] for entry in settings["comprehension"]["questions"]]
    statements = settings["questionnaire"]["statements"] + settings["questionnaire"]["map_statements"]
    for name, texts in (("comprehension.questions", asked), ("questionnaire", statements)):
        for text in sorted({text for text in texts if texts.count(text) > 1}):
            yield f"{name}: {text!r} is there twice; answers are stored by their text"
    trials = settings["training"] + settings["evaluation"]
    if settings["catch_trials"] >= trials:
        yield f"catch_trials is {settings['catch_trials']}; wanted: fewer than the {trials} other trials of a condition"
    if not settings["training"] and "training" in settings["access"]:
        yield "access: maps are to be shown in training alone, and `training` is 0: set it, or leave that access out"
