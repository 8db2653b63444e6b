"""A preregistration filled in from the settings of a study; what they do not tell is marked, nothing is invented."""

from pathlib import Path

import jinja2

from saliency_benchmark.study_analysis import rules, study_settings

TEMPLATE = Path(__file__).with_name("preregistration.md.j2")
OPEN = "**[to be filled in: {}]**"
DESIGN = (
    "tasks",
    "conditions",
    "access",
    "assignment",
    "items",
    "training_items",
    "catch_trials",
    "measures",
)
POWER = ("effect", "base", "items", "participant_sd", "item_sd", "correlation", "design", "power", "people")


def text(settings: dict) -> str:
    """The preregistration in Markdown; SETTINGS as `study_settings.read` gives them. Raises ValueError.

    Settings of exclusions and analysis that are not given are those that `study` uses, and said to be its defaults.
    """
    for part, known in (("design", DESIGN), ("power", POWER)):
        unknown = [str(name) for name in settings.get(part) or {} if name not in known]
        if unknown:
            raise ValueError(f"{part}: unknown {', '.join(unknown)}; known: {', '.join(known)}")
    exclusions = rules.completed(settings.get("exclusions"))
    analysis = study_settings.analysis(settings.get("analysis"))
    options = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATE.parent), **options)
    return environment.get_template(TEMPLATE.name).render(
        told=lambda name: _told(settings.get(name), name),
        design={name: _told((settings.get("design") or {}).get(name), name) for name in DESIGN},
        power={name: _told((settings.get("power") or {}).get(name), name) for name in POWER},
        hypotheses=_listed(settings.get("hypotheses")),
        exclusions=[
            (name, rule.what, exclusions[name], name in (settings.get("exclusions") or {}))
            for name, rule in rules.RULES.items()
        ],
        analysis=analysis,
        chosen=set(settings.get("analysis") or {}),
    )


def _told(value: object, name: str) -> str:
    """VALUE as text; a mark where there is none."""
    if value is None or value == "" or value == []:
        return OPEN.format(name.replace("_", " "))
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_told(each, str(key))}" for key, each in value.items())
    return str(value).strip()


def _listed(value: object) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [_told(each, "hypotheses") for each in found] or [OPEN.format("hypotheses")]
