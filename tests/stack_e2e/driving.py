"""Driving the running stack as its clients do: HTTP, event streams, and its own database."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests

from tests.stack import ApiUser, Stack

T = TypeVar("T")
#: Every wait has an end; nothing here is a promise of speed.
PATIENCE_SECONDS = 90.0
TERMINAL = ("succeeded", "failed", "cancelled")
GRANT = """
from accounts.models import User
from billing.services.grants import grant_create
from django.utils import timezone
for user in User.objects.filter(email__in={emails!r}):
    grant_create(user_id=user.pk, kind="adjustment", amount={amount}, source=f"tests:{{user.pk}}",
                 effective_at=timezone.now())
"""


def wait_for(what: str, look: Callable[[], T | None], *, seconds: float = PATIENCE_SECONDS) -> T:
    """Looks again and again until there is something; its value."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.1)
    return found


def give_tokens(stack: Stack, people: list[ApiUser], amount: int = 1_000_000) -> None:
    """As staff would, in the ledger itself: enough that no answer is cut by the balance."""
    emails = [person.email for person in people]
    stack.manage("shell", "-c", GRANT.format(emails=emails, amount=amount))


def new_site(person: ApiUser, name: str = "A site") -> str:
    answer = person.post("/api/sites", json={"name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def start_run(
    person: ApiUser, prompt: str, *, model: str = "claude-3-haiku", site: str = ""
) -> dict[str, Any]:
    """Posts a request for a site (a new one unless told); the run as it was accepted."""
    site = site or new_site(person)
    answer = person.post(f"/api/sites/{site}/runs", json={"prompt": prompt, "model": model})
    assert answer.status_code == 202, answer.text
    run: dict[str, Any] = answer.json()["run"]
    return run


def get_run(person: ApiUser, run: dict[str, Any]) -> dict[str, Any]:
    answer = person.get(run["url"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def wait_for_state(
    person: ApiUser, run: dict[str, Any], *states: str, seconds: float = PATIENCE_SECONDS
) -> dict[str, Any]:
    """The run once it is in one of these states (any final one if none is named)."""

    def look() -> dict[str, Any] | None:
        found = get_run(person, run)
        return found if found["state"] in (states or TERMINAL) else None

    return wait_for(f"run {run['id']} to be {states or TERMINAL}", look, seconds=seconds)


def open_events(
    person: ApiUser, run: dict[str, Any], *, last_event_id: int | None = None, query: str = ""
) -> requests.Response:
    """The event stream's response, not read yet. The read time-out is above the heartbeat's."""
    headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    return person.get(run["eventsUrl"] + query, headers=headers, stream=True, timeout=(10, 40))


@dataclass
class Events:
    """What the bytes of an event stream have told so far. `offset` is the last id seen."""

    text: str = ""
    offset: int = 0
    names: list[str] = field(default_factory=list)
    done: dict[str, Any] | None = None
    receipt: dict[str, Any] | None = None
    farewell: bool = False
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """Takes whole frames; an unfinished one waits for more. Text must join without a seam."""
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        for frame in frames:
            self._frame(frame)

    def cut(self) -> None:
        """The connection is gone: so is the frame that was under way."""
        self._rest = b""

    def _frame(self, frame: bytes) -> None:
        fields = dict(
            line.split(b": ", 1) for line in frame.split(b"\n") if not line.startswith(b":")
        )
        name = fields.get(b"event", b"").decode()
        if not name:
            return
        data = json.loads(fields.get(b"data", b"{}"))
        self.names.append(name)
        if name == "delta":
            assert data["offset"] == self.offset, "text was lost or came twice"
            self.text += data["text"]
            self.offset = int(fields[b"id"])
            assert self.offset == len(self.text), "the id is not the offset after the text"
        elif name == "done":
            self.done = data
        elif name == "receipt":
            self.receipt = data
        elif name == "farewell":
            self.farewell = True


def read_events(person: ApiUser, run: dict[str, Any], events: Events | None = None) -> Events:
    """One connection from where `events` stands until the server ends it or it breaks."""
    events = events or Events()
    events.cut()
    try:
        with open_events(person, run, last_event_id=events.offset or None) as answer:
            assert answer.status_code == 200, answer.text
            for data in pieces(answer):
                events.feed(data)
    except requests.RequestException:
        events.cut()
    return events


def follow(
    person: ApiUser, run: dict[str, Any], events: Events | None = None, *, seconds: float = 120
) -> Events:
    """As a browser: reconnects with Last-Event-ID until the run is done."""
    events = events or Events()
    deadline = time.monotonic() + seconds
    while events.done is None:
        assert time.monotonic() < deadline, f"no end of run {run['id']}: {events.names[-5:]}"
        read_events(person, run, events)
        if events.done is None:
            time.sleep(0.3)
    return events


def pieces(answer: requests.Response) -> Iterator[bytes]:
    """The body as it arrives."""
    while data := answer.raw.read1():
        yield data


STORED = """
import json
from builder.models import RunText
rows = RunText.objects.filter(pk__in={ids!r}).values_list("pk", "text")
print(json.dumps({{str(pk): text for pk, text in rows}}))
"""


def stored_texts(stack: Stack, runs: list[dict[str, Any]]) -> dict[str, str]:
    """The text that the database keeps of each run, by its id."""
    ids = [run["id"] for run in runs]
    texts: dict[str, str] = json.loads(
        stack.manage("shell", "-v", "0", "-c", STORED.format(ids=ids))
    )
    return texts


LEDGER = """
import json
from billing.models import Hold, Movement
from billing.services.reconcile import reconcile
from builder.models import Run, Version
def facts(run):
    moved = Movement.objects.filter(hold=run.hold)
    return {{
        "state": run.state, "charged": run.charged, "error": run.error_code,
        "hold": run.hold.state, "settled": run.hold.settled_amount,
        "spent": [m.amount for m in moved.filter(to_state="spent")],
        "left_held": sum(m.amount for m in moved.filter(to_state="held"))
                   - sum(m.amount for m in moved.filter(from_state="held")),
        "hold_seconds": (run.hold.resolved_at - run.created_at).total_seconds()
                        if run.hold.resolved_at else None,
        "finished": run.finished_at.timestamp() if run.finished_at else None,
        "attempts": run.attempts.count(), "versions": Version.objects.filter(site=run.site).count(),
        "claims": run.fence, "characters": len(run.text.text) if hasattr(run, "text") else 0,
    }}
rows = Run.objects.filter(pk__in={ids!r}).select_related("hold", "site")
print(json.dumps({{
    "runs": {{str(run.pk): facts(run) for run in rows}},
    "open_holds": Hold.objects.filter(state="open").count(),
    "differences": [str(difference) for difference in reconcile()],
}}))
"""


def ledger(stack: Stack, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What the database says of these runs, their holds and versions, and of the whole ledger.

    {"runs": {id: facts}, "open_holds": of everybody, "differences": what reconcile() found}
    """
    ids = [run["id"] for run in runs]
    found: dict[str, Any] = json.loads(
        stack.manage("shell", "-v", "0", "-c", LEDGER.format(ids=ids))
    )
    return found
