"""Somebody who works while the batches run: holds and settles at a steady pace, and times it."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

from bench.database import connections_forget
from bench.report import milliseconds, percentile
from billing.services.holds import hold_create, hold_settle

_FORK = multiprocessing.get_context("fork")


@dataclass(slots=True)
class Waits:
    """Seconds that each hold took, from when it was due."""

    holds: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        return {
            "bystander_holds": len(self.holds),
            "bystander_ms_p50": milliseconds(percentile(self.holds, 0.5)),
            "bystander_ms_p99": milliseconds(percentile(self.holds, 0.99)),
            "bystander_ms_max": milliseconds(max(self.holds, default=0.0)),
        }


@contextmanager
def bystander(*, first_user: int, last_user: int, now: datetime, every_ms: int) -> Iterator[Waits]:
    """A process that holds and settles for a random user every `every_ms` at the instant `now`.

    Anyone at all: whoever has no allowance yet makes it on the way, beside the batch. The waits
    are there after the block.
    """
    connections_forget()
    waits = Waits()
    ours, theirs = _FORK.Pipe()
    users = range(first_user, last_user + 1)
    process = _FORK.Process(target=_work, args=(users, now, every_ms / 1000, theirs))
    process.start()
    ours.recv()
    try:
        yield waits
    finally:
        ours.send("end")
        waits.holds += ours.recv()
        process.join()


def _work(users: range, now: datetime, pace_seconds: float, pipe: Connection) -> None:
    chance = random.Random()
    waits: list[float] = []
    _pair(chance.choice(users), now)  # the first one pays for the connection
    pipe.send("ready")
    due = time.perf_counter()
    while not pipe.poll():
        due += pace_seconds
        began = time.perf_counter()
        if began < due:
            time.sleep(due - began)
            began = time.perf_counter()
        else:  # whoever came while we were busy has waited since
            began = due
        waits.append(_pair(chance.choice(users), now) - began)
    pipe.send(waits)
    connections_forget()
    os._exit(0)


def _pair(user_id: int, now: datetime) -> float:
    """When the hold was there."""
    hold = hold_create(
        user_id=user_id,
        key=f"bystander:{os.getpid()}:{time.monotonic_ns()}",
        at_least=1,
        at_most=10,
        expires_at=now + timedelta(minutes=15),
        now=now,
    )
    done = time.perf_counter()
    hold_settle(hold_id=hold.pk, amount=5, now=now)
    return done
