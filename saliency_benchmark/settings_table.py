"""The settings told as a table for the reader, from the schema that checks them."""

import json
from collections.abc import Iterator

from saliency_benchmark.config import SCHEMA, resolved


def settings_table(schema: dict = SCHEMA) -> str:
    """Every setting of SCHEMA in a line of Markdown: name, values, default, meaning."""
    rows = "".join(f"| `{' | '.join(row)} |\n" for row in _rows(schema))
    return "| setting | values | default | meaning |\n| --- | --- | --- | --- |\n" + rows


def _rows(schema: dict, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    for name, part in schema["properties"].items():
        inner = resolved(part.get("additionalProperties") if _named(part) else part)
        default = part.get("default")
        shown = "" if default in (None, {}) or "properties" in inner else f"`{json.dumps(default)}`"
        if "description" in part:
            yield f"{prefix}{name}`", _values(part), shown, part["description"]
        if "properties" in inner:
            yield from _rows(inner, f"{prefix}{name}.{'NAME.' if _named(part) else ''}")


def _named(part: dict) -> bool:
    """Is this a collection of entries under names of the user's own?"""
    return isinstance(part.get("additionalProperties"), dict)


def _values(part: dict) -> str:
    """What a setting may be, in a few words."""
    part = resolved(part)
    if _named(part) or "properties" in part:
        return "entries by name" if _named(part) else "section"
    if part.get("type") == "array":
        return f"list of: {_values(part['items'])}"
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if "anyOf" in part:
        shown = (_values(one) if one.get("type") != "array" else "or a list of them" for one in part["anyOf"])
        return ", ".join(shown)
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    return ", ".join([part["type"], *(f"{word} {part[key]}" for key, word in bounds.items() if key in part)])
