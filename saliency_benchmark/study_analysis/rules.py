"""The rules by which participants are excluded: what each asks, its default, and what turns it off."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Rule:
    """A participant is excluded whose MEASURE is ABOVE or below the setting; one without the measure is not judged."""

    measure: str
    default: float
    above: bool
    what: str
    strict: bool = True  # at the setting itself a participant stays
    most: float = float("inf")

    def broken(self, measured: pd.Series, setting: float) -> pd.Series:
        """Who is excluded at SETTING: a truth per participant."""
        beyond = measured > setting if self.above else measured < setting
        return beyond if self.strict else beyond | (measured == setting)


# In this order a participant who breaks several is counted under the first.
RULES = {
    "two_contents": Rule("two_contents", 0, True, "places of the log that have two contents: two logs of one person"),
    "pilot": Rule("pilot", 0, True, "logs of a pilot: 0 excludes them, 1 keeps them", most=1),
    "lost_lines": Rule("lost_lines", 0.05, True, "largest share of the log's lines that are lost", most=1),
    "unfinished": Rule("unfinished", 0, True, "logs without an end: 0 excludes them, 1 keeps them", most=1),
    "no_evaluation": Rule(
        "no_evaluation", 0, True, "who answered no evaluation trial (did not agree, failed the check): as above", most=1
    ),
    "impossible_times": Rule("impossible_times", 0, True, "events with a negative response time, or before the last"),
    "missing_maps": Rule("missing_maps", 0.1, True, "largest share of trials without the map they should show", most=1),
    "catch_trials": Rule("catch_share", 0.6, False, "least share of catch trials answered correctly", most=1),
    "reading_seconds": Rule("reading_seconds", 5.0, False, "shortest time on the instructions, in seconds"),
    "shortest_minutes": Rule("total_minutes", 1.0, False, "shortest time from first to last event, in minutes"),
    "longest_minutes": Rule("total_minutes", 180.0, True, "longest time from first to last event, in minutes"),
    "straight_lining": Rule(
        "same_answer", 0.95, True, "share of one and the same answer in evaluation trials that excludes", False, 1
    ),
}
DEFAULTS = {name: rule.default for name, rule in RULES.items()}
COLUMNS = ["rule", "setting", "condition", "participants", "judged", "excluded", "excluded_first"]
ALL = "all"


def completed(given: dict | None) -> dict[str, float | None]:
    """GIVEN settings of the rules with the defaults filled in; null turns a rule off. Raises ValueError."""
    if not isinstance(given, dict | None):
        raise ValueError(f"exclusions are {given!r}; wanted: rules with their settings")
    unknown = [str(name) for name in given or {} if name not in RULES]
    if unknown:
        raise ValueError(f"exclusions: unknown {', '.join(unknown)}; known: {', '.join(RULES)}")
    for name, value in (given or {}).items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and 0 <= value <= RULES[name].most):
            bound = f"0 to {RULES[name].most:g}" if RULES[name].most < float("inf") else "a number from 0"
            raise ValueError(f"exclusions.{name} is {value!r}; wanted: {bound}, or null for no such rule")
    return DEFAULTS | (given or {})


def apply(people: pd.DataFrame, settings: dict[str, float | None]) -> pd.DataFrame:
    """PEOPLE with `excluded`, the rules that each breaks, joined by `;`, and `kept`."""
    broken = _broken(people, settings)
    told = [";".join(broken.columns[row]) for row in broken.to_numpy()]
    return people.assign(excluded=told, kept=[not text for text in told])


def counts(people: pd.DataFrame, settings: dict[str, float | None]) -> pd.DataFrame:
    """exclusions.csv: per rule and condition, who was judged, who broke it, and for whom it was the first broken one.

    `excluded_first` adds up over the rules to all who are excluded; the rule `any` is that sum.
    """
    broken = _broken(people, settings)
    first = broken & (broken.cumsum(axis=1) == 1)
    rows = []
    for condition, part in [(ALL, people), *people.groupby("condition", sort=True)]:
        for name in broken:
            judged = int(part[RULES[name].measure].notna().sum())
            hit = [int(table.loc[part.index, name].sum()) for table in (broken, first)]
            rows.append((name, settings[name], condition, len(part), judged, *hit))
        hit = int(broken.loc[part.index].any(axis=1).sum())
        rows.append(("any", None, condition, len(part), len(part), hit, hit))
    return pd.DataFrame(rows, columns=COLUMNS)


def _broken(people: pd.DataFrame, settings: dict[str, float | None]) -> pd.DataFrame:
    used = {name: rule for name, rule in RULES.items() if settings[name] is not None}
    return pd.DataFrame({name: rule.broken(people[rule.measure], settings[name]) for name, rule in used.items()})
