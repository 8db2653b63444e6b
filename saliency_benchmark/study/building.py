"""Items -> a folder of pages that runs in any browser, from a server or as files. The same items, the same bytes."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from saliency_benchmark.study import item_files, pages, pictures, plans, texts

SOURCES = Path(__file__).parents[2] / "study"


def build(paths: Sequence[str | Path], folder: str | Path, settings: dict) -> dict:
    """Write the study of the items in PATHS into FOLDER, which it replaces if a study is there; -> what it is.

    SETTINGS: complete. Raises ValueError where the items do not suffice, and where FOLDER holds anything else.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not pages.is_study(folder))):
        raise ValueError(f"{folder} holds something else than a study: name a new folder")
    items = item_files.read(paths, settings["classes"])
    explanations = _explanations(items, settings["conditions"])
    crossed = plans.conditions(explanations, settings["access"])
    made = plans.plans(items.items, settings, crossed)
    names = {trial[1] for blocks in made for block in blocks for trial in block["trials"]}
    content: dict[str, bytes] = {}
    signed = dict.fromkeys(explanations, False)
    told: dict[str, dict] = {}
    for item, arrays in items.drawn(names, explanations):
        _check(item, arrays)
        for name, relevance in arrays["maps"].items():
            signed[name] |= bool((relevance < 0).any())
        told[item.name] = _told(item, arrays, explanations) | {"answer": item.answer}
        content |= {f"pictures/{name}": data for name, data in _drawn(item, arrays, explanations)}
    content |= {"pictures/legend.png": pictures.legend(False), "pictures/legend-signed.png": pictures.legend(True)}
    content |= pages.sources(SOURCES)
    study = _study(items.task, settings, explanations, crossed) | {"signed": signed, "items": told, "plans": made}
    study["digest"] = _digest(content | {"": json.dumps(study, sort_keys=True).encode()})
    content[pages.DATA] = pages.script(study)
    _write(folder, content)
    return study


def _explanations(items: item_files.Items, wanted: Sequence[str]) -> list[str]:
    if missing := [name for name in wanted if name not in items.explanations]:
        there = ", ".join(items.explanations) or "none that all files have"
        raise ValueError(f"conditions: no maps of {', '.join(missing)} in every file of items; there are: {there}")
    if not items.explanations:
        raise ValueError("conditions: the files of items have no explanation in common")
    return list(wanted) or list(items.explanations)


def _check(item: item_files.Item, arrays: dict) -> None:
    for name, relevance in arrays["maps"].items():
        if not np.isfinite(relevance).all():
            raise ValueError(f"the map of item {item.name} by {name} holds entries that are no finite numbers")
        if name == "none" and relevance.any():
            raise ValueError(f"the map of item {item.name} by none is not all zero; wanted: nothing to be seen")


def _told(item: item_files.Item, arrays: dict, explanations: Sequence[str]) -> dict:
    """Predictions and names of pictures; maps are named by number: a file's name shows no participant what made it."""
    maps = {name: list(_map_names(item, place, arrays, name)) for place, name in enumerate(explanations)}
    shifted = f"{item.name}-shifted.png" if "shifted" in arrays else None
    # An oracle may have nothing to show; a reader should not take that for a map that is missing.
    empty = [
        file for name in maps for file, each in zip(maps[name], arrays["maps"][name], strict=False) if not each.any()
    ]
    files = {"image": f"{item.name}.png", "shifted": shifted, "maps": maps, "empty": empty}
    return files | {"predictions": item.predictions}


def _map_names(item: item_files.Item, place: int, arrays: dict, name: str) -> Iterator[str]:
    if name != "none":
        yield from (f"{item.name}-map-{place}-{shown}.png" for shown in range(len(arrays["maps"][name])))


def _drawn(item: item_files.Item, arrays: dict, explanations: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    yield f"{item.name}.png", pictures.image(arrays["image"])
    if "shifted" in arrays:
        yield f"{item.name}-shifted.png", pictures.image(arrays["shifted"])
    for place, name in enumerate(explanations):
        for file, relevance in zip(_map_names(item, place, arrays, name), arrays["maps"][name], strict=False):
            yield file, pictures.overlay(arrays["image"], relevance)


def _study(task: str, settings: dict, explanations: Sequence[str], crossed: Sequence[tuple[str, str]]) -> dict:
    own = settings["comprehension"]["questions"]
    return {
        "task": task,
        "title": settings["title"],
        "contact": settings["contact"],
        "pilot": settings["pilot"],
        "conditions": list(crossed),
        "tries": settings["comprehension"]["tries"],
        "questions": own or texts.questions(task, any(name != "none" for name in explanations)),
        "answers": texts.ANSWERS[task],
        "characters": settings["description"]["characters"],
        "questionnaire": settings["questionnaire"],
        "texts": settings["texts"] | {"task": settings["texts"][f"task_{task}"]},
        "settings": settings,
    }


def _digest(content: dict[str, bytes]) -> str:
    digests = "\n".join(f"{name} {sha256(content[name]).hexdigest()}" for name in sorted(content))
    return sha256(digests.encode()).hexdigest()[:12]


def _write(folder: Path, content: dict[str, bytes]) -> None:
    """All of CONTENT under FOLDER, or nothing: written beside it, then renamed."""
    new, old = (folder.with_name(f".{folder.name}.{what}-{os.getpid()}") for what in ("new", "old"))
    for name, data in content.items():
        path = new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if folder.exists():
        os.replace(folder, old)
    os.replace(new, folder)
    shutil.rmtree(old, ignore_errors=True)
