"""Many runs at once while one of two providers fails at random moments: what became of them.

The runs are real: queued, claimed and executed by threads, over HTTP to the emulator, with Redis
and the database. Needs Django and a seeded catalogue; the tests use it too.
"""

from __future__ import annotations

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import connections
from django.utils import timezone

from accounts.models import User
from billing.models import Hold
from billing.services.grants import grant_create
from billing.services.reconcile import reconcile
from builder.models import Attempt, Outage, Run
from builder.services.execution import run_execute
from builder.services.runs import run_start
from builder.services.sites import site_create
from builder.streaming.log import log_key
from builder.tasks import run_execute as doorbell
from emulators.ai.testing import EmulatorClient
from models_catalog.models import Provider
from models_catalog.pricing import charge, price_of

MODEL = "claude-3-haiku"
ANSWER_CHARS = 10_500  # of the emulator's answer, about
CHUNK_CHARS = 35
FIRST, SECOND = "openrouter", "anthropic"
# A provider that is down, as callers see it. Not silence: that costs the route's time limit.
FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 503},
    {"status": 502, "html": True},
    {"hang_up": True},
    {"status": 500},
    {"error": {"after_chars": 0, "status": 502}},
)


@dataclass(slots=True)
class Weather:
    """Turns the first provider off and on. Seconds at random within (least, most)."""

    ai: EmulatorClient
    seed: int
    down_seconds: tuple[float, float]
    up_seconds: tuple[float, float]
    spells: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        self._thread = threading.Thread(target=self._blow, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.ai.clear_rules()

    def _blow(self) -> None:
        chance = random.Random(self.seed)
        while not self._over.is_set():
            self.ai.rule(chance.choice(FAULTS), provider=FIRST)
            self.spells += 1
            self._over.wait(chance.uniform(*self.down_seconds))
            self.ai.clear_rules()
            self._over.wait(chance.uniform(*self.up_seconds))


def answers_lasting(seconds: float) -> str:
    """What to put into a request so that its answer comes in 300 chunks over that many seconds."""
    each_second = round(ANSWER_CHARS / CHUNK_CHARS / seconds, 2)
    return f"[emulate: chunk_chars={CHUNK_CHARS} chunks_per_second={each_second}]"


@dataclass(frozen=True, slots=True)
class Fate:
    """One run, in seconds. waited: from its claim to its first content. decided: from its claim to
    its first call. lost: what the attempts took that failed. skipped: its first provider was not
    asked, being open."""

    state: str
    waited: float | None
    decided: float
    lost: float
    skipped: bool
    failed_attempts: int


@dataclass(frozen=True, slots=True)
class Aftermath:
    fates: list[Fate]
    doubled_or_lost_bytes: int
    wrong_charges: int
    differences: list[str]
    outages: int
    # At the fullest moment: runs between their claim and their end, and of those the ones whose
    # text was flowing.
    runs_at_once: int
    streams_at_once: int

    @property
    def succeeded(self) -> int:
        return sum(fate.state == Run.State.SUCCEEDED for fate in self.fates)


def people_ready(count: int, *, each: int = 2_000_000) -> list[User]:
    """People with tokens, and the model's second provider in use."""
    Provider.objects.filter(slug=SECOND).update(enabled=True, disabled_reason="")
    people = []
    for number in range(count):
        user = User.objects.create_user(f"storm{number}-{time.monotonic_ns()}@example.com")
        grant_create(
            user_id=user.pk,
            kind="purchased",
            amount=each,
            source=f"storm:{user.pk}",
            effective_at=timezone.now(),
        )
        people.append(user)
    return people


def storm(
    people: list[User], *, rounds: int, spread_seconds: float, seed: int, answers: str = ""
) -> Aftermath:
    """Each person starts `rounds` runs, one after the other, all people at once; their first
    ones within `spread_seconds`. answers: see `answers_lasting`."""
    chance = random.Random(seed)
    delays = [chance.uniform(0, spread_seconds) for _person in people]

    def live(person: User, delay: float) -> list[str]:
        time.sleep(delay)
        ids = []
        try:
            for number in range(rounds):
                site = site_create(owner=person, name=f"Bakery {person.pk}-{number}")
                run = run_start(
                    user=person,
                    site=site,
                    prompt=f"A site for the bakery number {person.pk} in round {number} {answers}",
                    model_slug=MODEL,
                )
                ids.append(str(run.pk))
                run_execute(run.pk)
        finally:
            connections.close_all()
        return ids

    with ThreadPoolExecutor(len(people)) as pool:
        made = [run_id for ids in pool.map(live, people, delays) for run_id in ids]
    return _aftermath(made)


def nobody_rings() -> None:
    """The threads here do the runs themselves: no message goes to a broker."""
    doorbell.apply_async = lambda *_args, **_options: None


def _aftermath(ids: list[str]) -> Aftermath:
    runs = list(
        Run.objects.filter(pk__in=ids).select_related("text", "hold").prefetch_related("attempts")
    )
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        broken = sum(_streamed(client, run) != run.text.text for run in runs)
    return Aftermath(
        fates=[_fate(run) for run in runs],
        doubled_or_lost_bytes=broken,
        wrong_charges=sum(not _rightly_charged(run) for run in runs),
        differences=[str(difference) for difference in reconcile()],
        outages=Outage.objects.count(),
        runs_at_once=most_at_once([(run.started_at, run.finished_at) for run in runs]),
        streams_at_once=most_at_once([(run.first_content_at, run.finished_at) for run in runs]),
    )


def most_at_once(spans: list[tuple[datetime | None, datetime | None]]) -> int:
    """How many of these (from, to) were under way at the fullest moment; what has no beginning
    or no end is left out. One that ends at the instant another begins is over."""
    steps = [
        step
        for begun, ended in spans
        if begun is not None and ended is not None
        for step in ((begun, 1), (ended, -1))
    ]
    most = now = 0
    for _at, change in sorted(steps):
        now += change
        most = max(most, now)
    return most


def _streamed(client: redis.Redis, run: Run) -> str | None:
    """The text as the run's log has it; None where a piece is missing, doubled or out of place,
    or more than one page begins in it."""
    text = ""
    entries: Any = client.xrange(log_key(run.pk))
    for _id, fields in entries:
        lines = fields[b"f"].decode().split("\n")
        if not any(line == "event: delta" for line in lines):
            continue
        data = next(line.removeprefix("data: ") for line in lines if line.startswith("data: "))
        piece = json.loads(data)
        if piece["offset"] != len(text):
            return None
        text += piece["text"]
    begun = text.lower().count("<!doctype html")
    return text if begun == 1 or run.state != Run.State.SUCCEEDED else None


def _rightly_charged(run: Run) -> bool:
    """By the published table: a success costs its reported usage, everything else nothing."""
    attempts: list[Attempt] = list(run.attempts.all())
    due = 0
    if run.state == Run.State.SUCCEEDED:
        usage = {"input_tokens": run.input_tokens or 0, "output_tokens": run.output_tokens or 0}
        due = min(charge(price_of(run), **usage), run.ceiling)
    return (
        run.charged == due == sum(attempt.charged for attempt in attempts)
        and all(a.charged == 0 for a in attempts if a.outcome != "succeeded")
        and run.hold.state != Hold.State.OPEN
        and (run.hold.settled_amount or 0) == due
    )


def _fate(run: Run) -> Fate:
    attempts = sorted(run.attempts.all(), key=lambda attempt: attempt.number)
    failed = [attempt for attempt in attempts if attempt.outcome != "succeeded"]
    waited, decided, lost = None, 0.0, 0.0
    if run.first_content_at and run.started_at:
        waited = (run.first_content_at - run.started_at).total_seconds()
    if attempts and run.started_at:
        decided = (attempts[0].started_at - run.started_at).total_seconds()
        lost = (attempts[-1].started_at - attempts[0].started_at).total_seconds()
    return Fate(
        state=run.state,
        waited=waited,
        decided=decided,
        lost=lost,
        skipped=bool(attempts) and attempts[0].provider_slug != FIRST,
        failed_attempts=len(failed),
    )
