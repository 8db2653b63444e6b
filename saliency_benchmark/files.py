"""Files that are there whole or not at all, and the note beside each file that cannot carry one itself."""

import json
import os
import socket
from hashlib import file_digest, sha256
from pathlib import Path


class Atomic:
    """A file under construction: write to `part`, then `commit` gives it its name, or `discard` removes it."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._sweep()
        self.part = self.path.with_name(f".{self.path.name}.{_host()}-{os.getpid()}.part")

    def commit(self) -> None:
        with self.part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(self.part, self.path)

    def discard(self) -> None:
        self.part.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what killed processes of this machine left; the part of a living one stays."""
        for part in self.path.parent.glob(f".{self.path.name}.{_host()}-*.part"):
            process = part.name.removesuffix(".part").rpartition("-")[2]
            if not _alive(int(process)):
                part.unlink(missing_ok=True)


def write_text(path: str | Path, text: str, kind: str, origin: dict) -> None:
    """TEXT in PATH, and beside it `PATH.origin.json`: its kind, content (digest of its bytes) and origin."""
    note = {"kind": kind, "content": sha256(text.encode()).hexdigest(), "origin": origin}
    texts = {note_path(path): json.dumps(note, indent=1, sort_keys=True), Path(path): text}
    made = [Atomic(target) for target in texts]
    try:
        for new in made:
            new.part.write_bytes(texts[new.path].encode())
    except OSError:  # a full disk: what was there before stays, and agrees
        for new in made:
            new.discard()
        raise
    # The note first: a text without its note would look like a stranger's file.
    for new in made:
        new.commit()


def note_path(path: str | Path) -> Path:
    return Path(f"{path}.origin.json")


def record(path: str | Path) -> dict | None:
    try:
        return json.loads(note_path(path).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def content(path: str | Path) -> str:
    """Digest of what the file PATH holds."""
    with Path(path).open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def listing(folder: str | Path) -> str:
    """Digest of the names and sizes of all files below FOLDER: what a look at it tells without reading it.

    Where it is no folder but a file, as a table of boxes is, digest of what it holds.
    """
    if Path(folder).is_file():
        return content(folder)[:16]
    found = sorted((path.relative_to(folder).as_posix(), path.stat().st_size) for path in Path(folder).rglob("*.*"))
    return sha256(repr(found).encode()).hexdigest()[:16]


def listed(paths: object) -> list[str]:
    return [paths] if isinstance(paths, str) else list(paths)


def plain(value: object) -> object:
    """VALUE as JSON gives it back: what a file's origin is compared with."""
    return json.loads(json.dumps(value, sort_keys=True, default=str))


def _host() -> str:
    return socket.gethostname().split(".")[0]


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
