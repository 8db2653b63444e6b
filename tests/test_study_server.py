"""The server of the study: one slot per code, events added once and never given out, whatever is asked of it."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from saliency_benchmark.__main__ import main
from saliency_benchmark.study import building, serving, settings, storage
from saliency_benchmark.study.limits import Limit
from saliency_benchmark.study.storage import Storage
from tests import study_items

TOKEN, OTHER = "0" * 32, "f" * 32
DIGEST = "0123456789ab"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    held = tmp_path_factory.mktemp("served")
    path = study_items.write(held / "items.h5", "model_selection")
    building.build([path], held / "study", settings.complete({"training": 2, "evaluation": 4, "participants": 6}))
    return held / "study"


@pytest.fixture
def server(folder, tmp_path):
    """A client of the server, which keeps answers in tmp_path / "data"."""
    with TestClient(serving.app(folder, tmp_path / "data")) as client:
        yield client


@pytest.fixture
def event(folder):
    """event(sequence, **other) -> what a page of this study would send."""
    study = building.pages.read(folder)
    item, told = next(iter(study["items"].items()))

    def make(sequence=0, **other):
        made = {"study": study["digest"], "participant": "p1", "slot": 0, "condition": "oracle", "task": study["task"],
                "access": "training_evaluation", "phase": "evaluation", "trial": sequence, "sequence": sequence,
                "item": item, "map": f"{item}-oracle", "answer": told["answer"], "correct": True, "confidence": 3,
                "rt_ms": 812.5, "viewport": [1366, 768], "time": "2026-01-02T03:04:05.678Z"}  # fmt: skip
        return made | other

    return make


def enter(server, code="p1", token=TOKEN):
    return server.post("/api/enter", json={"participant": code}, headers={"Authorization": f"Bearer {token}"})


def send(server, *events, code="p1", token=TOKEN):
    body = {"participant": code, "events": events}
    return server.post("/api/events", json=body, headers={"Authorization": f"Bearer {token}"})


def kept(folder):
    with sqlite3.connect(folder / "data" / storage.NAME) as database:
        return [json.loads(row[0]) for row in database.execute("select event from events order by sequence")]


def test_no_two_participants_share_a_slot_though_all_enter_at_once(tmp_path):
    held = [Storage(tmp_path, DIGEST) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        slots = list(pool.map(lambda number: held[number % 4].enter(f"p{number % 40}", TOKEN), range(80)))
    assert slots[:40] == slots[40:]
    assert sorted(slots[:40]) == list(range(40))


def test_a_code_that_comes_back_has_its_slot_and_needs_its_token(server):
    assert [enter(server, code).json()["slot"] for code in ("a", "b", "a", "c", "b")] == [0, 1, 0, 2, 1]
    assert enter(server, "a", OTHER).status_code == 403
    assert enter(server, "d").json()["slot"] == 3


def test_an_event_sent_again_is_one_and_another_in_its_place_is_refused(server, event, tmp_path):
    enter(server)
    assert send(server, event(0), event(1)).json() == {"received": 2}
    assert send(server, event(1), event(2)).json() == {"received": 2}
    assert send(server, event(3), event(1, confidence=1)).status_code == 409
    assert kept(tmp_path) == [event(0), event(1), event(2)]


def test_events_sent_by_many_threads_are_there_once(server, event, tmp_path):
    enter(server)
    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda number: send(server, event(number % 10)).status_code, range(60)))
    assert set(codes) == {200}
    assert kept(tmp_path) == [event(number) for number in range(10)]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"study": DIGEST}, "study"),
        ({"participant": "p2"}, "participant"),
        ({"slot": 4}, "slot"),
        ({"condition": "smoothgrad"}, "condition"),
        ({"access": "training"}, "condition"),
        ({"access": "never"}, "access"),
        ({"task": "counterfactual_simulation"}, "task"),
        ({"phase": "coffee"}, "phase"),
        ({"item": "999"}, "item"),
        ({"item": None}, "a trial has an item"),
        ({"answer": 2}, "wanted: 0 or 1"),
        ({"answer": True}, "answer"),
        ({"correct": False}, "correct"),
        ({"correct": None}, "a trial has"),
        ({"confidence": 5}, "confidence"),
        ({"confidence": "3"}, "confidence"),
        ({"rt_ms": -1}, "rt_ms"),
        ({"rt_ms": "12"}, "rt_ms"),
        ({"sequence": -1}, "sequence"),
        ({"viewport": [1]}, "viewport"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2026-01-02T03:04:05"}, "time"),
        ({"time": "2026-01-02T03:04:05+02:00"}, "not UTC"),
        ({"pilot": True}, "pilot"),
        ({"name": "Ada"}, "name"),
    ],
)
def test_what_is_no_event_of_the_study_is_refused_whole(server, event, tmp_path, wrong, told):
    enter(server)
    answer = send(server, event(0), event(1) | wrong)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert kept(tmp_path) == []


@pytest.mark.parametrize("missing", ["study", "map", "correct", "confidence", "rt_ms", "viewport", "time"])
def test_every_key_of_the_contract_must_be_there(server, event, missing):
    enter(server)
    made = event()
    del made[missing]
    assert missing in send(server, made).json()["detail"]


@pytest.mark.parametrize("other", [{"rt_ms": float("nan")}, {"phase": "description", "answer": "\ud800"}])
def test_what_json_or_utf_8_has_not_is_refused(server, event, other):
    enter(server)
    body = json.dumps({"participant": "p1", "events": [event(**other)]})
    answer = server.post("/api/events", content=body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 422


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b"\xff", b'{"participant": "p1"}'])
def test_a_body_that_is_no_list_of_events_is_refused(server, body):
    enter(server)
    answer = server.post("/api/events", content=body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 422


def test_who_has_not_entered_or_has_not_the_token_adds_nothing(server, event, tmp_path):
    assert send(server, event()).status_code == 403
    enter(server)
    assert send(server, event(), token=OTHER).status_code == 403
    assert send(server, event(), token="secret").status_code == 401
    assert server.post("/api/events", json={}).status_code == 401
    assert kept(tmp_path) == []


@pytest.mark.parametrize("code", ["", "A", "../x", "a b", "a" * 33, "ä"])
def test_a_code_that_could_be_a_name_of_something_is_refused(server, code):
    assert enter(server, code).status_code == 422


def test_nothing_can_be_read_changed_or_deleted(server, event):
    enter(server)
    send(server, event())
    hidden = [
        storage.NAME,
        f"data/{storage.NAME}",
        f"../data/{storage.NAME}",
        f"%2e%2e/data/{storage.NAME}",
        "../items.h5",
    ]
    for path in ("api/events", "api/enter", "api/events/p1", "api/export", "docs", "openapi.json", *hidden):
        path = f"/{path}"
        assert server.get(path).status_code in (404, 405), path
    for method in ("PUT", "PATCH", "DELETE"):
        assert server.request(method, "/api/events").status_code == 405
        assert server.request(method, "/study.js").status_code == 405


def test_the_file_of_answers_lets_nothing_be_changed(server, event, tmp_path):
    enter(server)
    send(server, event())
    for change in ("delete from events", "update events set event = '{}'"):
        with sqlite3.connect(tmp_path / "data" / storage.NAME) as database, pytest.raises(sqlite3.IntegrityError):
            database.execute(change)


def test_large_bodies_and_too_many_requests_are_refused(folder, tmp_path, event):
    with TestClient(serving.app(folder, tmp_path / "data", entries=2, requests=3)) as server:
        assert [enter(server).status_code for _ in range(3)] == [200, 200, 429]
        assert send(server, event(answer="x" * serving.MOST_BYTES)).status_code == 413
        assert send(server, *[event(number) for number in range(51)]).status_code == 422
        assert send(server, event()).status_code == 200
        assert send(server, event()).status_code == 429


def test_a_limit_lets_a_burst_pass_and_then_one_at_a_time():
    now = [0.0]
    limit = Limit(3, seconds=30, clock=lambda: now[0])
    assert [limit.allows("a") for _ in range(4)] == [True, True, True, False]
    assert limit.allows("b")
    now[0] = 9.9
    assert not limit.allows("a")
    now[0] = 10.0
    assert [limit.allows("a"), limit.allows("a")] == [True, False]


def test_every_answer_has_the_headers_that_keep_others_out(server):
    for path in ("/", "/study.js", "/api/study", "/nothing"):
        assert serving.HEADERS.items() <= dict(server.get(path).headers).items() | {
            (name, server.get(path).headers[name]) for name in serving.HEADERS
        }
    assert "<title>" in server.get("/").text


def test_the_log_of_a_participant_is_what_was_sent(server, event, tmp_path, capsys):
    enter(server)
    enter(server, "p2", OTHER)
    send(server, event(1), event(0))
    send(server, event(0, participant="p2", slot=1, phase="description", answer="Ä. “B”"), code="p2", token=OTHER)
    assert main(["study-export", str(tmp_path / "data"), "--output", str(tmp_path / "logs")]) == 0
    assert "2 logs, 3 events" in capsys.readouterr().out
    lines = (tmp_path / "logs" / "participant-p1.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [event(0), event(1)]
    assert "Ä. “B”" in (tmp_path / "logs" / "participant-p2.jsonl").read_text(encoding="utf-8")
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        "participant-p1.jsonl",
        "participant-p2.jsonl",
    ]


def test_neither_address_nor_browser_nor_token_is_stored(server, event, tmp_path):
    enter(server)
    send(server, event())
    held = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    for word in ("testclient", TOKEN, "python-httpx"):
        assert word.encode() not in held


def test_answers_to_another_study_are_not_added_to(tmp_path):
    Storage(tmp_path, DIGEST)
    with pytest.raises(ValueError, match="holds answers to study 0123456789ab, not ba9876543210"):
        Storage(tmp_path, "ba9876543210")


def test_answers_are_not_kept_where_everybody_may_read_them(folder):
    with pytest.raises(ValueError, match="everybody may read"):
        serving.app(folder, folder / "pictures" / "data")
