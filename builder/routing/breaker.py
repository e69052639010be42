"""Breakers: what keeps failing is not asked for a while, then by one run first.

Closed → open after 5 failures in 60 s → for 30 s nobody asks → one probe → closed, or open again.
The state is in Redis, shared by all workers. While Redis is away each process goes on by itself.

On the way of a run that goes well this costs no round trip but one look a second per process.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeVar

import redis

from builder.routing.stores import OPEN_SECONDS, Change, Failure, LocalStore, Opened, Store

logger = logging.getLogger(__name__)
T = TypeVar("T")

LOOK_EVERY_SECONDS: Final = 1.0
# Redis that did not answer is left alone this long, so that runs do not each wait for it.
AWAY_SECONDS: Final = 5.0


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """All breakers, by name. Thread-safe. `clock`: seconds since the epoch, the same on all
    machines; `ticks`: a clock of this process that never goes back."""

    def __init__(
        self,
        store: Store,
        *,
        spare: Store | None = None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._spare = spare or LocalStore()
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._opened: dict[str, Opened] = {}
        self._look_at = 0.0
        self._away_until = 0.0

    def state(self, name: str) -> State:
        """As this process knows it: at most a second old."""
        opened = self._known().get(name)
        if opened is None:
            return State.CLOSED
        return State.OPEN if self._clock() < opened.until else State.HALF_OPEN

    def known(self) -> dict[str, Opened]:
        """All that are open, at most a second old."""
        return dict(self._known())

    def opened(self) -> dict[str, Opened]:
        """All that are open, as the store has them now."""
        self._look_at = 0.0
        return dict(self._known())

    def claim(self, names: list[str]) -> str | None:
        """Become the one prober of these, where they are open; the probe's token, else None."""
        token = uuid.uuid4().hex
        claimed = self._do(lambda store: store.claim(names, self._clock(), token))
        if not claimed:
            self._look_at = 0.0
        return token if claimed else None

    def release(self, names: list[str], token: str) -> None:
        self._do(lambda store: store.release(names, token))

    def failed(self, failure: Failure) -> Change:
        now = self._clock()
        change = self._do(lambda store: store.fail(failure, now))
        if change in (Change.OPENED, Change.REOPENED):
            with self._lock:
                since = now
                if change is Change.REOPENED and (known := self._opened.get(failure.name)):
                    since = known.since
                self._opened[failure.name] = Opened(since, now + OPEN_SECONDS, failure.code)
        return change

    def rest(self, name: str, code: str, seconds: float) -> None:
        """Nobody asks it for so long, as it said itself."""
        now = self._clock()
        self._do(lambda store: store.rest(name, code, now, seconds))
        with self._lock:
            self._opened.setdefault(name, Opened(now, now + seconds, code))

    def close(self, names: list[str]) -> list[str]:
        """They work. Those of them that were open."""
        if not names:
            return []
        closed = self._do(lambda store: store.close(names))
        with self._lock:
            for name in names:
                self._opened.pop(name, None)
        return closed

    def _known(self) -> dict[str, Opened]:
        now = self._ticks()
        if now >= self._look_at:
            # Set first: of many threads one looks, the others take what is known.
            self._look_at = now + LOOK_EVERY_SECONDS
            loaded = self._do(lambda store: store.load())
            with self._lock:
                self._opened = loaded
        return self._opened

    def _do(self, work: Callable[[Store], T]) -> T:
        """In the shared store; in this process's own while that is away."""
        if self._ticks() >= self._away_until:
            try:
                return work(self._store)
            except redis.RedisError as error:
                logger.warning(
                    "Breakers are kept by each process alone: Redis is away (%s)",
                    type(error).__name__,
                )
                self._away_until = self._ticks() + AWAY_SECONDS
                for name, opened in self._opened.items():
                    left = opened.until - self._clock()
                    self._spare.rest(name, opened.code, self._clock(), left)
        return work(self._spare)
