"""The folder of a built study: its files, and the data that its pages and its server read."""

import json
from pathlib import Path

DATA, PREFIX = "study.js", "window.STUDY = "


def sources(folder: Path) -> dict[str, bytes]:
    """Pages, scripts and the bundled library with its licences, from FOLDER of the project."""
    found = sorted([*(folder / "pages").iterdir(), *(folder / "vendor").iterdir()])
    return {path.name: path.read_bytes() for path in found}


def script(study: dict) -> bytes:
    # A script, because pages opened as files may not read other files.
    return f"{PREFIX}{json.dumps(study, sort_keys=True, ensure_ascii=False)};\n".encode()


def is_study(folder: Path) -> bool:
    path = folder / DATA
    return path.is_file() and path.read_text().startswith(PREFIX)


def read(folder: str | Path) -> dict:
    """What `study-build` wrote into FOLDER. Raises ValueError where that is no built study."""
    folder = Path(folder)
    try:
        if is_study(folder):
            return json.loads((folder / DATA).read_text().removeprefix(PREFIX).rstrip(";\n"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        pass
    raise ValueError(f"{folder} holds no built study ({DATA}): make it with `study-build`")
