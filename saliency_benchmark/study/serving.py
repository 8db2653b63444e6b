"""A server for a built study: its pages, one slot per participant, events that are added and never given out."""

import json
import re
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from saliency_benchmark.study import pages
from saliency_benchmark.study.events import CODE, Event, problems
from saliency_benchmark.study.limits import Limit
from saliency_benchmark.study.storage import Conflict, Storage, Unknown

MOST_BYTES = 256 * 1024  # of one request
TOKEN = r"^[0-9a-f]{32}$"
# No scripts, pictures or connections but the study's own; it can be shown in no other page.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Entry(BaseModel):
    participant: str = Field(pattern=CODE)


class Sent(Entry):
    events: list[Event] = Field(min_length=1, max_length=50)


def app(folder: str | Path, data: str | Path, entries: int = 240, requests: int = 6000) -> FastAPI:
    """The server of the study in FOLDER, which keeps answers in DATA.

    ENTRIES, REQUESTS: most codes that are entered, and requests with events, in a minute from one address (a laboratory
    may share one); a participant may send 240 of these. Raises ValueError where FOLDER is no study, or would show DATA.
    """
    folder, data = Path(folder), Path(data)
    study = pages.read(folder)
    if data.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{data} lies in {folder}, which everybody may read: name another --data")
    made = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    made.middleware("http")(_with_headers)
    _add_interface(made, study, Storage(data, study["digest"]), Limit(entries), Limit(requests))
    made.mount("/", StaticFiles(directory=folder, html=True))
    return made


async def _with_headers(request: Request, onward: object) -> Response:
    response = await onward(request)
    response.headers.update(HEADERS)
    return response


def _add_interface(made: FastAPI, study: dict, storage: Storage, entries: Limit, requests: Limit) -> None:
    own = Limit(240)

    @made.get("/api/study")
    async def told() -> dict:
        return {"study": study["digest"]}

    @made.post("/api/enter")
    async def enter(request: Request) -> dict:
        _limit(entries, request.client.host)
        token, entry = _token(request), await _body(request, Entry)
        try:
            return {"slot": await run_in_threadpool(storage.enter, entry["participant"], token)}
        except Unknown:
            raise HTTPException(403, "This code is in use already. Please check it, or ask for another.") from None

    @made.post("/api/events")
    async def add(request: Request) -> dict:
        _limit(requests, request.client.host)
        token = _token(request)
        _limit(own, token)
        sent = await _body(request, Sent)
        code, added = sent["participant"], sent["events"]
        try:
            slot = await run_in_threadpool(storage.slot, code, token)
            for event in added:
                _check(study, code, slot, event)
            await run_in_threadpool(storage.add, code, added)
        except Unknown:
            raise HTTPException(403, "This code has not been entered, or by another browser.") from None
        except Conflict as error:
            raise HTTPException(409, str(error)) from None
        return {"received": len(added)}

    @made.api_route("/api/{rest:path}", methods=["GET", "PUT", "PATCH", "DELETE", "POST"])
    async def nothing(rest: str) -> None:
        raise HTTPException(404 if rest not in ("enter", "events", "study") else 405)


def _limit(limit: Limit, sender: str) -> None:
    if not limit.allows(sender):
        raise HTTPException(429, "Too many requests: wait a little.")


def _token(request: Request) -> str:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not re.fullmatch(TOKEN, token):
        raise HTTPException(401, "A participant's token is missing.")
    return token


async def _body(request: Request, model: type[BaseModel]) -> dict:
    """The body as it was sent, once it is no larger than allowed and MODEL finds nothing wrong with it."""
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) > MOST_BYTES:
            raise HTTPException(413, f"More than {MOST_BYTES} bytes.")
    try:
        model.model_validate_json(bytes(held))
        return json.loads(held)
    except ValidationError as error:
        raise HTTPException(422, problems(error)) from None
    except ValueError:
        raise HTTPException(422, "The body is no JSON.") from None


def _check(study: dict, code: str, slot: int, event: dict) -> None:
    """What a log of this study can hold: its own digest, participant, conditions, items and truth."""
    wanted = {"study": study["digest"], "participant": code, "task": study["task"], "slot": slot}
    wrong = [name for name, value in wanted.items() if event.get(name, value) != value]
    if event.get("pilot", False) != study["pilot"]:
        wrong.append("pilot")
    if [event["condition"], event["access"]] not in study["conditions"]:
        wrong.append("condition")
    if event["item"] is not None and event["item"] not in study["items"]:
        wrong.append("item")
    elif event["phase"] in ("training", "evaluation"):
        right = event["answer"] == study["items"][event["item"]]["answer"]
        wrong += ["correct"] * (event["correct"] != right)
    if wrong:
        raise HTTPException(422, f"Event {event['sequence']} does not fit this study: {', '.join(wrong)}.")
