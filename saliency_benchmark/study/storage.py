"""Answers of a study in one SQLite file: slots given once, events only ever added."""

import hmac
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from saliency_benchmark import files

NAME = "answers.sqlite"
MOST_EVENTS = 5000  # of one participant
_TABLES = """
create table if not exists study (digest text not null);
create table if not exists participants (code text primary key, slot integer not null unique, token text not null);
create table if not exists events (
    participant text not null references participants, sequence integer not null, event text not null,
    primary key (participant, sequence)
);
create trigger if not exists kept before update on events begin select raise(abort, 'events are only added'); end;
create trigger if not exists stays before delete on events begin select raise(abort, 'events are only added'); end;
"""


class Unknown(Exception):
    """No such participant, or not their token."""


class Conflict(Exception):
    """Another event has this sequence already."""


class Storage:
    """Answers in FOLDER, of the study with DIGEST alone; safe for many threads and processes at once."""

    def __init__(self, folder: str | Path, digest: str) -> None:
        self.path = Path(folder) / NAME
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._open() as database:
            database.execute("pragma journal_mode = wal")
            database.executescript(_TABLES)
        with self._change() as database:
            there = database.execute("select digest from study").fetchone()
            if there and there[0] != digest:
                raise ValueError(f"{folder} holds answers to study {there[0]}, not {digest}: name another --data")
            if not there:
                database.execute("insert into study values (?)", (digest,))

    def enter(self, code: str, token: str) -> int:
        """The slot of participant CODE: the next free one at first, the same ever after. Raises Unknown."""
        with self._change() as database:
            row = database.execute("select slot, token from participants where code = ?", (code,)).fetchone()
            if row is None:
                slot = database.execute("select coalesce(max(slot) + 1, 0) from participants").fetchone()[0]
                database.execute("insert into participants values (?, ?, ?)", (code, slot, _digest(token)))
                return slot
            if not hmac.compare_digest(row[1], _digest(token)):
                raise Unknown
            return row[0]

    def slot(self, code: str, token: str) -> int:
        """The slot that CODE was given. Raises Unknown where there is none, or TOKEN is another's."""
        with self._open() as database:
            row = database.execute("select slot, token from participants where code = ?", (code,)).fetchone()
        if row is None or not hmac.compare_digest(row[1], _digest(token)):
            raise Unknown
        return row[0]

    def add(self, code: str, events: Sequence[dict]) -> None:
        """Add EVENTS of CODE, all or none; those that are there already are passed over. Raises Conflict."""
        with self._change() as database:
            count = database.execute("select count(*) from events where participant = ?", (code,)).fetchone()[0]
            if count + len(events) > MOST_EVENTS:
                raise Conflict(f"more than {MOST_EVENTS} events")
            for event in events:
                text, key = json.dumps(event, ensure_ascii=False), (code, event["sequence"])
                there = database.execute(
                    "select event from events where participant = ? and sequence = ?", key
                ).fetchone()
                if there is None:
                    database.execute("insert into events values (?, ?, ?)", (*key, text))
                elif json.loads(there[0]) != event:
                    raise Conflict(f"sequence {event['sequence']} is there with other content")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            # What was acknowledged outlives a power cut.
            database.execute("pragma synchronous = full")
            yield database
        finally:
            database.close()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._open() as database:
            database.execute("begin immediate")
            try:
                yield database
            except BaseException:
                database.execute("rollback")
                raise
            database.execute("commit")


def export(folder: str | Path, output: str | Path) -> dict[str, int]:
    """Write one JSON-lines log per participant into OUTPUT; -> events per participant. The server may run meanwhile."""
    path = Path(folder) / NAME
    if not path.is_file():
        raise ValueError(f"{folder} holds no answers ({NAME}): name the --data folder of `study-serve`")
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
    try:
        rows = database.execute("select participant, event from events order by participant, sequence").fetchall()
    except sqlite3.DatabaseError as error:
        raise ValueError(f"{path} is no file of answers ({error})") from error
    finally:
        database.close()
    logs: dict[str, list[str]] = {}
    for code, event in rows:
        logs.setdefault(code, []).append(event + "\n")
    for code, lines in logs.items():
        new = files.Atomic(Path(output) / f"participant-{code}.jsonl")
        new.part.write_text("".join(lines))
        new.commit()
    return {code: len(lines) for code, lines in logs.items()}


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
