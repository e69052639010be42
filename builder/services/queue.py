"""Whose run is next when more are queued than workers have room for.

A message of Celery is only a doorbell: the worker that hears it takes the run whose turn it is,
and one that answers at once takes the run it was rung for. A run's turn comes by a time: when it
was asked for, later by a share for each run its owner has before it, earlier for a subscriber.
Later arrivals have later times, so everybody's turn comes: nobody starves, whoever pays.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from billing.entitlement import entitled_among
from builder.models import Run
from config.prepared import PreparedUpdate, slot

# A message heard within this time did not wait, so there is no queue to be just about.
FRESH_SECONDS = 1.0
# The order is good for as long; taking a run is by compare-and-set, so an old order does no harm.
ORDER_SECONDS = 1.0

_TAKE = PreparedUpdate(
    lambda: Run.objects.filter(pk=slot(Run, "id"), state=Run.State.QUEUED),
    state=Run.State.RUNNING,
    fence=F("fence") + 1,
    started_at=slot(Run, "started_at"),
    lease_until=slot(Run, "lease_until"),
)


@dataclass(frozen=True, slots=True)
class Active:
    """A run that is queued or running."""

    run_id: UUID
    owner_id: int
    running: bool
    created_at: datetime


def turns(active: Iterable[Active], *, subscribers: Collection[int]) -> list[UUID]:
    """The queued runs in the order of their turns. Pure."""
    share = timedelta(seconds=settings.RUN_QUEUE_SHARE_SECONDS)
    premium = timedelta(seconds=settings.RUN_QUEUE_PREMIUM_SECONDS)
    before: Counter[int] = Counter()
    order = []
    # Running ones first: they are before every queued one of the same owner.
    for run in sorted(active, key=lambda run: (not run.running, run.created_at, run.run_id)):
        if not run.running:
            turn = run.created_at + before[run.owner_id] * share
            order.append((turn - premium if run.owner_id in subscribers else turn, run.run_id))
        before[run.owner_id] += 1
    return [run_id for _turn, run_id in sorted(order)]


class Turns:
    """The order of turns, shared by the threads of a worker process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._order: deque[UUID] = deque()
        self._made_at = float("-inf")

    def next(self) -> UUID | None:
        """The run whose turn it is, given to one thread of this process; None if none waits."""
        with self._lock:
            stale = time.monotonic() - self._made_at > ORDER_SECONDS
            if stale or not self._order:
                self._order = deque(_order_now())
                self._made_at = time.monotonic()
            return self._order.popleft() if self._order else None


_turns = Turns()


def run_take(run_id: str | UUID, *, rung_at: float | None = None) -> str | UUID | None:
    """Take the run whose turn it is, for the doorbell of `run_id`. None if there is none to take.

    rung_at: seconds since the epoch at which the doorbell was rung; None takes `run_id` or
    nothing. Each doorbell answered takes a run or finds none waiting, so none is left behind.
    """
    if (rung_at is None or time.time() - rung_at < FRESH_SECONDS) and _take(run_id):
        return run_id
    while rung_at is not None and (due := _turns.next()) is not None:
        if _take(due):
            return due
    return None


def _take(run_id: str | UUID) -> bool:
    """Take a queued run by compare-and-set; False if somebody else has it or it is over."""
    now = timezone.now()
    lease_until = now + timedelta(seconds=settings.RUN_LEASE_SECONDS)
    return bool(_TAKE.run(id=run_id, started_at=now, lease_until=lease_until))


def _order_now() -> list[UUID]:
    rows = Run.objects.filter(state__in=[Run.State.QUEUED, Run.State.RUNNING]).values_list(
        "pk", "owner_id", "state", "created_at"
    )
    active = [
        Active(run_id, owner_id, state == Run.State.RUNNING, created_at)
        for run_id, owner_id, state, created_at in rows
    ]
    owners = {run.owner_id for run in active if not run.running}
    subscribers = entitled_among(user_ids=owners, day=timezone.now().date()) if owners else set()
    return turns(active, subscribers=subscribers)
