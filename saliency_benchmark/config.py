"""The settings of a run: one schema checks them, fills in defaults, and is told as a table for the reader."""

import json
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import jsonschema
import yaml

from saliency_benchmark import design, provenance, registry

SCHEMA = yaml.safe_load(Path(__file__).with_name("config.schema.yaml").read_text())
RESERVED = {"all", "all+controls"}


def complete(config: dict) -> dict:
    """CONFIG with every default filled in. Raises ValueError that lists all that is wrong, before any job starts."""
    config = _spoken(config, SCHEMA)
    problems = _type_problems(config)
    if not problems:
        config = _filled(config, SCHEMA)
        problems = list(_problems(config))
    if problems:
        raise ValueError("the settings cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))
    return config


def settings_table() -> str:
    """Every setting in a line of Markdown: name, values, default, meaning."""
    rows = "".join(f"| `{' | '.join(row)} |\n" for row in _rows(SCHEMA))
    return "| setting | values | default | meaning |\n| --- | --- | --- | --- |\n" + rows


def _type_problems(config: dict) -> list[str]:
    errors = jsonschema.Draft202012Validator(SCHEMA).iter_errors(config)
    problems = [_told(error) for error in sorted(errors, key=lambda error: [str(part) for part in error.absolute_path])]
    known = SCHEMA["$defs"]["training"]["properties"]
    for name, dataset in (config.get("datasets") or {}).items() if not problems else ():
        part = jsonschema.Draft202012Validator({**SCHEMA["$defs"]["training"], "$defs": SCHEMA["$defs"]})
        place = f"datasets.{name}.training"
        problems += [_told(error, place, known) for error in part.iter_errors(dataset.get("training", {}))]
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
    if error.validator == "required":
        return f"{place}: {error.message}; see the table of settings in README.md"
    return f"{place}: {error.message}"


def _spoken(value: object, schema: dict) -> object:
    """VALUE with numbers where SCHEMA wants them: `snakemake --config 'seeds=[0,1]'` hands over lists of texts."""
    schema = _resolved(schema)
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
    schema = _resolved(schema)
    if not isinstance(value, dict):
        return value
    value = {key: _filled(item, _part(schema, key)) for key, item in value.items()}
    for key, part in schema.get("properties", {}).items():
        default = _resolved(part).get("default")
        if key not in value and default is not None:
            value[key] = _filled(default, part)
    return value


def _part(schema: dict, key: str) -> dict:
    more = schema.get("additionalProperties")
    return schema.get("properties", {}).get(key) or (more if isinstance(more, dict) else {})


def _problems(config: dict) -> Iterator[str]:
    """What a schema cannot say."""
    for kind in registry.FUNCTIONS:
        for label, entry in config[kind].items():
            yield from _entry_problems(kind, label, entry)
    yield from _name_problems(config)
    try:
        yield from _folder_problems(config)
        yield from _group_problems(config)
        yield from _metric_problems(config)
    except ValueError:
        pass  # a missing file, named above


def _entry_problems(kind: str, label: str, entry: dict) -> Iterator[str]:
    if "file" in entry and "call" in entry:
        yield f"{kind}.{label}: has both `file` and `call`; keep one"
        return
    try:
        path = registry.files(kind, label, entry)[0]
    except ValueError as error:
        yield f"{kind}.{label}: {error}"
        return
    function = entry["call"].partition(":")[2] if "call" in entry else registry.FUNCTIONS[kind]
    if not provenance.defines(path, function):
        yield f"{kind}.{label}: {path.name} has no function {function!r}; see saliency_benchmark/{kind}/__init__.py"
        return
    options = provenance.options(path, function)
    known = options.keys() - design.PROVIDED
    for option in sorted(known - entry["options"].keys()):
        if not options[option]:
            yield f"{kind}.{label}.options: {path.name} wants {option!r}, which has no default"
    for option in entry["options"].keys() - known:
        near = get_close_matches(option, known, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        takes = ", ".join(sorted(known)) or "none"
        yield f"{kind}.{label}.options: {path.name} takes no {option!r}{hint}; it takes: {takes}"


def _name_problems(config: dict) -> Iterator[str]:
    """Names in one part of the settings that another part must have."""
    choices = [
        (f"datasets.{name}.{kind}", kind, entry.get(kind, []))
        for name, entry in config["datasets"].items()
        for kind in ("recipes", "models")
    ]
    choices += [
        (f"roar.{kind}", kind, config["roar"].get(kind, [])) for kind in ("datasets", "models", "recipes", "methods")
    ]
    choices += [(f"groups.{name}", "methods", members) for name, members in config["groups"].items()]
    for place, kind, chosen in choices:
        for name in chosen:
            if name not in config[kind]:
                near = get_close_matches(name, config[kind], 1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                yield f"{place} names {name!r}{hint}, which is not in `{kind}`: {', '.join(config[kind])}"


def _folder_problems(config: dict) -> Iterator[str]:
    for dataset in config["datasets"]:
        for option, folder in design.folders(config, dataset).items():
            if not Path(folder).is_dir():
                yield f"datasets.{dataset}.options.{option}: there is no folder {str(Path(folder).absolute())!r}"


def _group_problems(config: dict) -> Iterator[str]:
    own = {member for members in config["groups"].values() for member in members}
    for name in RESERVED & config["groups"].keys():
        yield f"groups.{name}: this name is taken; every run has the group {name!r}"
    for label, entry in config["methods"].items():
        group = provenance.constant(registry.file("methods", label, entry), "GROUP")
        if group is None and label not in own:
            yield f'methods.{label} is in no group: put `GROUP = "..."` into its file, or name it under `groups`'


def _metric_problems(config: dict) -> Iterator[str]:
    for label, entry in config["metrics"].items():
        probe = design.probe_of(config, label)
        if probe is not None and probe not in config["probes"]:
            yield f"metrics.{label} reads the probe {probe!r}, which is not in `probes`: {', '.join(config['probes'])}"
        path = registry.file("metrics", label, entry)
        if not isinstance(provenance.constant(path, "HIGHER_IS_BETTER"), bool):
            yield f"metrics.{label}: {path.name} must say `HIGHER_IS_BETTER = True` or `False`"
        if not any(label in design.metrics(config, dataset) for dataset in config["datasets"]):
            yield f"metrics.{label} needs regions, and no data set here has any: add one that has, or leave it out"


def _rows(schema: dict, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    for name, part in schema["properties"].items():
        inner = _resolved(part.get("additionalProperties") if _named(part) else part)
        default = part.get("default")
        shown = "" if default in (None, {}) or "properties" in inner else f"`{json.dumps(default)}`"
        if "description" in part:
            yield f"{prefix}{name}`", _values(part), shown, part["description"]
        if "properties" in inner:
            yield from _rows(inner, f"{prefix}{name}.{'NAME.' if _named(part) else ''}")


def _named(part: dict) -> bool:
    """Is this a collection of entries under names of the user's own?"""
    return isinstance(part.get("additionalProperties"), dict)


def _resolved(part: dict) -> dict:
    found = SCHEMA
    for step in part.get("$ref", "").removeprefix("#/").split("/"):
        found = found[step] if step else part
    return part | found


def _values(part: dict) -> str:
    """What a setting may be, in a few words."""
    part = _resolved(part)
    if _named(part) or "properties" in part:
        return "entries by name" if _named(part) else "section"
    if part["type"] == "array":
        return f"list of: {_values(part['items'])}"
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    return ", ".join([part["type"], *(f"{word} {part[key]}" for key, word in bounds.items() if key in part)])
