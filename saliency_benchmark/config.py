"""The settings of a run: one schema checks them and fills in defaults."""

import json
from difflib import get_close_matches
from pathlib import Path

import jsonschema
import yaml

from saliency_benchmark import checks, design, utility_design

SCHEMA = yaml.safe_load(Path(__file__).with_name("config.schema.yaml").read_text())


def complete(config: dict) -> dict:
    """CONFIG with every default filled in. Raises ValueError that lists all that is wrong, before any job starts."""
    config = _spoken(config, SCHEMA)
    problems = _type_problems(config)
    if not problems:
        config = utility_design.with_shift(design.with_probes(_filled(config, SCHEMA)))
        problems = list(checks.problems(config))
    if problems:
        raise ValueError("the settings cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))
    return config


def complete_by(schema: dict, settings: object, what: str) -> dict:
    """SETTINGS of WHAT with the defaults of SCHEMA, which has no `$ref`. Raises ValueError: all that is wrong."""
    settings = _spoken({} if settings is None else settings, schema)
    problems = _schema_problems(schema, settings)
    if problems:
        raise ValueError(f"{what} cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))
    return _filled(settings, schema)


def _schema_problems(schema: dict, settings: object) -> list[str]:
    errors = jsonschema.Draft202012Validator(schema).iter_errors(settings)
    return [_told(error) for error in sorted(errors, key=lambda error: [str(part) for part in error.absolute_path])]


def _type_problems(config: dict) -> list[str]:
    problems = _schema_problems(SCHEMA, config)
    known = SCHEMA["$defs"]["training"]["properties"]
    entries = [(kind, *entry) for kind in ("datasets", "models") for entry in (config.get(kind) or {}).items()]
    for kind, name, entry in entries if not problems else ():
        part = jsonschema.Draft202012Validator({**SCHEMA["$defs"]["training"], "$defs": SCHEMA["$defs"]})
        place = f"{kind}.{name}.training"
        problems += [_told(error, place, known) for error in part.iter_errors(entry.get("training", {}))]
    return problems


def _told(error: jsonschema.ValidationError, prefix: str = "", known: dict | None = None) -> str:
    """ERROR as a sentence: where, what was found, what was wanted."""
    place = ".".join(str(part) for part in [*filter(None, [prefix]), *error.absolute_path]) or "settings"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = known or error.schema.get("properties", {})
        unknown = [str(key) for key in error.instance if key not in known]
        near = {name: get_close_matches(name, known, 1) for name in unknown}
        hints = [f"{name!r}" + (f" (did you mean {close[0]!r}?)" if close else "") for name, close in near.items()]
        return f"{place}: unknown {', '.join(hints)}; known: {', '.join(known)}"
    if error.validator in ("exclusiveMinimum", "exclusiveMaximum") and "fractions" in place:
        return f"{place} is {error.instance}; wanted: between 0 and 1, which join by themselves (clean and all removed)"
    if error.validator == "anyOf":
        wanted = [_wanted(resolved(part)) for part in error.validator_value]
        return f"{place} is {error.instance!r}; wanted: {' or '.join(wanted)}"
    if error.validator == "required":
        return f"{place}: {error.message}; see the table of settings in README.md"
    return f"{place}: {error.message}"


def _wanted(part: dict) -> str:
    if part.get("type") == "array":
        return "a list of them, each once"
    return str(part.get("enum") or f"{part['type']} of at least {part['minimum']}")


def _spoken(value: object, schema: dict) -> object:
    """VALUE as it was meant: `gradient:` with nothing behind it is an entry without options, and numbers are numbers.

    Where one or a list may stand, one is a list of one. `snakemake --config 'seeds=[0,1]'` hands over lists of texts.
    """
    schema = resolved(schema)
    if isinstance(value, str) and any(part.get("type") == "array" for part in schema.get("anyOf", [])):
        return [value]
    if value is None and schema.get("type") == "object":
        return {}
    if isinstance(value, dict):
        return {key: _spoken(item, _part(schema, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_spoken(item, schema.get("items", {})) for item in value]
    if isinstance(value, str) and schema.get("type") in ("integer", "number", "boolean"):
        try:
            return json.loads(value.lower())
        except json.JSONDecodeError:
            return value
    return value


def _filled(value: object, schema: dict) -> object:
    """VALUE with the defaults of SCHEMA, at every depth."""
    schema = resolved(schema)
    if not isinstance(value, dict):
        return value
    value = {key: _filled(item, _part(schema, key)) for key, item in value.items()}
    for key, part in schema.get("properties", {}).items():
        default = resolved(part).get("default")
        if key not in value and default is not None:
            value[key] = _filled(default, part)
    return value


def _part(schema: dict, key: str) -> dict:
    more = schema.get("additionalProperties")
    return schema.get("properties", {}).get(key) or (more if isinstance(more, dict) else {})


def resolved(part: dict) -> dict:
    """PART of the schema with what it refers to in its place."""
    found = SCHEMA
    for step in part.get("$ref", "").removeprefix("#/").split("/"):
        found = found[step] if step else part
    return part | found
