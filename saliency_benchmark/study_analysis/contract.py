"""What an event of a log must hold: keys, what each may be, and what is wrong with a line that is none."""

import json
import math
from collections.abc import Iterator
from datetime import datetime, timedelta

from saliency_benchmark.study.log_form import ACCESS, ANSWERED, CONFIDENCE, PHASES, TRIALS

KEYS = (
    *("study", "participant", "condition", "access", "task", "phase", "trial", "sequence", "item", "map", "answer"),
    *("correct", "confidence", "rt_ms", "viewport", "time"),
)
NAMES = ("study", "participant", "condition", "access", "task")


def event(line: bytes) -> dict:
    """The event in LINE, a line of a log. Raises ValueError that says what is wrong with it."""
    try:
        found = json.loads(line.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise ValueError("is no text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error.msg} at column {error.colno}; cut in the middle?") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError(f"holds a {type(found).__name__}; wanted: an object")
    missing = [key for key in KEYS if key not in found]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}")
    for problem in _problems(found):
        raise ValueError(problem)
    found["moment"] = moment(found["time"])
    return found


def _problems(event: dict) -> Iterator[str]:
    """What is wrong with EVENT, which has all keys."""
    for name in NAMES:
        if not isinstance(event[name], str) or not event[name].strip():
            yield f"has the {name} {event[name]!r}; wanted: a text"
    if event["access"] not in ACCESS:
        yield f"has the access {event['access']!r}; wanted: {' or '.join(ACCESS)}"
    if event["phase"] not in PHASES:
        yield f"has the phase {event['phase']!r}; wanted: one of {', '.join(PHASES)}"
    for name in ("trial", "sequence"):
        if not _whole(event[name]) or not 0 <= event[name] < 2**31:
            yield f"has the {name} {event[name]!r}; wanted: a whole number from 0"
    if not isinstance(event["item"], str | None) or not isinstance(event["map"], str | None):
        yield f"has the item {event['item']!r} and the map {event['map']!r}; wanted: texts or null"
    answered = event["phase"] in ANSWERED
    if not isinstance(event["correct"], bool | None):
        yield f"has correct {event['correct']!r}; wanted: true, false or null"
    if answered and (event["correct"] is None or (event["item"] is None and event["phase"] in TRIALS)):
        yield f"is of the phase {event['phase']} and has no item or no correct"
    if event["phase"] in TRIALS and not (_whole(event["answer"]) and event["answer"] in (0, 1)):
        yield f"has the answer {event['answer']!r}; wanted: 0 or 1"
    if event["confidence"] is not None and not (_whole(event["confidence"]) and event["confidence"] in CONFIDENCE):
        yield f"has the confidence {event['confidence']!r}; wanted: 1 to 4 or null"
    if not (_number(event["rt_ms"]) or (event["rt_ms"] is None and not answered)):
        yield f"has the rt_ms {event['rt_ms']!r}; wanted: milliseconds"
    if moment(event["time"]) is None:
        yield f"has the time {event['time']!r}; wanted: ISO 8601 in UTC"


def moment(text: object) -> float | None:
    """Seconds since 1970 of TEXT, ISO 8601 in UTC; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found.timestamp() if found.utcoffset() == timedelta(0) else None


def _no_constant(name: str) -> None:
    raise ValueError(f"holds the number {name}, which is no JSON")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False
