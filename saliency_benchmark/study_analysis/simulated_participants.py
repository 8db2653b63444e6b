"""Simulated people who take part in a study: logs in the form of the study pages, of which the truth is known."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from scipy import special

from saliency_benchmark import files, seeds
from saliency_benchmark.study_analysis import latent

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Study(latent.People):
    """A study and its truth: EFFECTS, marginal probability correct less that of `none`, by condition.

    Between subjects PEOPLE are per condition and access and see `items` items; within subjects (`within`) they are all
    people per access, who see `items` items under each condition, the items rotated over the conditions (Latin square).
    """

    effects: dict[str, float] = field(default_factory=lambda: {"none": 0.0, "oracle": 0.0})
    people: int = 30
    access: tuple[str, ...] = ("training_evaluation",)
    task: str = "model_selection"
    training_items: int = 8
    catch_trials: int = 4
    study: str = "0123456789ab"


def write(folder: str | Path, study: Study, seed: int = 0) -> list[Path]:
    """The logs of STUDY in FOLDER, `CODE.jsonl` per participant; their paths."""
    paths = []
    for code, events in logs(study, seed):
        paths.append(Path(folder) / f"{code}.jsonl")
        new = files.Atomic(paths[-1])
        new.part.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
        new.commit()
    return paths


def logs(study: Study, seed: int = 0) -> Iterator[tuple[str, list[dict]]]:
    """Code and events of each participant."""
    rng = seeds.rng("simulated participants", seed)
    conditions = list(study.effects)
    levels = study.levels(study.effects.values())
    items = Items.drawn(rng, study, len(conditions))
    number = 0
    for access in study.access:
        for group in range(1 if study.within else len(conditions)):
            for place in range(study.people):
                own = latent.own_levels(rng, (), len(conditions), study.participant_sd, study.correlation)
                plan = items.plan(place if study.within else group, study)
                person = _Person(rng, study, conditions, access, f"p{number:04d}", levels + own)
                yield person.code, list(person.events(plan, items))
                number += 1


@dataclass(frozen=True)
class Items:
    """Their ease (logits) and true answers; training items follow the others."""

    ease: np.ndarray
    answer: np.ndarray
    evaluation: int

    @classmethod
    def drawn(cls, rng: np.random.Generator, study: Study, conditions: int) -> "Items":
        evaluation = study.items * (conditions if study.within else 1)
        number = evaluation + study.training_items
        return cls(study.item_sd * rng.standard_normal(number), rng.permutation(np.arange(number) % 2), evaluation)

    def plan(self, group: int, study: Study) -> np.ndarray:
        """(item) -> condition by number: GROUP's, or within subjects a set of items each, rotated by GROUP."""
        if not study.within:
            return np.full(self.evaluation, group)
        sets = self.evaluation // study.items
        return (np.arange(self.evaluation) // study.items + group) % sets


@dataclass
class _Person:
    rng: np.random.Generator
    study: Study
    conditions: list[str]
    access: str
    code: str
    level: np.ndarray  # (condition), logits

    def events(self, plan: np.ndarray, items: Items) -> Iterator[dict]:
        """All that this person does, with PLAN (evaluation item) -> condition."""
        clock, first = START, int(plan[0])
        for sequence, (phase, trial, condition, item) in enumerate(self._order(plan, items, first)):
            more = self._trial(phase, condition, item, items)
            clock += timedelta(milliseconds=more["rt_ms"])
            yield {
                "study": self.study.study,
                "participant": self.code,
                "condition": self.conditions[condition],
                "access": self.access,
                "task": self.study.task,
                "phase": phase,
                "trial": trial,
                "sequence": sequence,
                "item": None if item is None else str(item),
                "viewport": [1280, 720],
                "time": clock.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                **more,
            }

    def _order(self, plan: np.ndarray, items: Items, first: int) -> Iterator[tuple[str, int, int, int | None]]:
        """Phase, trial, condition, item; the catch trials lie spread among the evaluation trials."""
        yield from ((phase, 0, first, None) for phase in ("consent", "instructions", "comprehension"))
        training = np.arange(items.evaluation, items.evaluation + self.study.training_items)
        yield from (("training", trial, first, int(item)) for trial, item in enumerate(training))
        caught, every = 0, max(1, len(plan) // max(1, self.study.catch_trials))
        for trial, item in enumerate(self.rng.permutation(len(plan))):
            yield "evaluation", trial, int(plan[item]), int(item)
            if (trial + 1) % every == 0 and caught < self.study.catch_trials:
                yield "attention", caught, int(plan[item]), int(item)
                caught += 1
        yield from ((phase, 0, first, None) for phase in ("description", "questionnaire", "end"))

    def _trial(self, phase: str, condition: int, item: int | None, items: Items) -> dict:
        """What is shown and answered, with its time."""
        told = {"map": None, "answer": None, "correct": None, "confidence": None}
        if phase in ("training", "evaluation"):
            chance = special.expit(self.level[condition] + items.ease[item])
            right = bool(self.rng.random() < chance)
            shown = phase == "training" or self.access == "training_evaluation"
            name = self.conditions[condition]
            told["map"] = f"{item}-{name}" if shown and name != "none" else None
            told["answer"] = int(items.answer[item]) if right else 1 - int(items.answer[item])
            # Surer where the answer is right more often.
            told |= {
                "correct": right,
                "confidence": int(np.clip(round(1 + 3 * chance + self.rng.normal(0, 0.5)), 1, 4)),
            }
        elif phase == "attention":
            told |= {"answer": 1, "correct": True, "confidence": 4}
        elif phase == "comprehension":
            told |= {"answer": "1", "correct": True}
        elif phase == "description":
            told["answer"] = "It looks at the corner."
        elif phase == "questionnaire":
            told["answer"] = {"useful": int(self.rng.integers(1, 6))}
        scale = 20_000 if phase == "instructions" else 4_000
        return told | {"rt_ms": round(float(scale * np.exp(0.4 * self.rng.standard_normal())), 1)}
