"""Watches over the runs of this worker process: leases, stops, deadlines, checkpoints.

One thread for all runs. It ticks every half second for deadlines; once a second it asks the
database who wants to stop; every ten seconds it renews all leases in one statement. A run that
must end is ended by closing its provider's socket, so it works in any Celery pool.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone

from builder.models import Run, RunText
from config.prepared import PreparedUpdate, slot

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5
# Between two looks no more than this counts as a provider's silence. What is above it is ours: a
# process without its share of the CPU can neither look nor read what has come.
SILENCE_BETWEEN_LOOKS_SECONDS = 1.0
# Staff are told of more than a busy moment.
LATENESS_TOLD_SECONDS = 5.0
CANCEL_CHECK_SECONDS = 1.0
CHECKPOINT_SECONDS = 3.0
STATUS_SECONDS = 1.0
# What is left of the 15 s in which everything must have ended is for storing.
SHUTDOWN_GRACE_SECONDS = 8.0

_CHECKPOINT = PreparedUpdate(
    lambda: RunText.objects.filter(run=slot(RunText, "run"), fence=slot(RunText, "fence")),
    text=slot(RunText, "text"),
    updated_at=slot(RunText, "updated_at"),
)

StopReason = Literal[
    "cancelled",
    "first_token_timeout",
    "idle_timeout",
    "total_timeout",
    "too_long",
    "lease_lost",
    "shutdown",
]


class Abortable(Protocol):
    def abort(self) -> None: ...


@dataclass(slots=True, eq=False)
class Watch:
    """One run under watch. The run's thread calls `content` and reads `stop_reason`; the
    monitor does the rest. Times are of the monotonic clock, in seconds.

    max_bytes: of the answer; a provider that ignores its own limit must not fill our memory.
    """

    run_id: UUID
    fence: int
    on_status: Callable[[], None]
    max_bytes: int
    started: float = field(default_factory=time.monotonic)
    # Silence is counted from here until the first content; later than `started` by what is ours.
    silent_since: float = field(default_factory=time.monotonic)
    last_content: float | None = None
    stop_reason: StopReason | None = None
    parts: list[str] = field(default_factory=list)
    size_bytes: int = 0
    checkpointed_parts: int = 0
    # Of the attempt under way: when it began, when its route has had its time, and whether that
    # passed.
    attempt_since: float = 0.0
    route_deadline: float | None = None
    route_is_late: bool = False
    _stream: Abortable | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def attempt(self, stream: Abortable, *, first_content_seconds: float | None = None) -> None:
        """The stream of a new attempt; ended at once if the run must already stop.

        first_content_seconds: what this route has until its first content, where there are others.
        """
        with self._lock:
            self._stream = stream
            self.route_is_late = False
            self.attempt_since = time.monotonic()
            late_after = first_content_seconds
            self.route_deadline = late_after and self.attempt_since + late_after
            stopping = self.stop_reason is not None
        if stopping:
            stream.abort()

    def waited_seconds(self) -> float:
        """Since the attempt under way began."""
        return time.monotonic() - self.attempt_since

    def begins(self) -> bool:
        """The first content is there. False: too late, the attempt is being given up."""
        with self._lock:
            if not self.route_is_late:
                self.last_content = time.monotonic()
            return not self.route_is_late

    def content(self, text: str) -> None:
        self.parts.append(text)
        self.last_content = time.monotonic()
        self.size_bytes += len(text) if text.isascii() else len(text.encode())
        if self.size_bytes > self.max_bytes:
            self.stop("too_long")

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def stop(self, reason: StopReason) -> None:
        """End the run for this reason; the first reason stays."""
        with self._lock:
            if self.stop_reason is not None:
                return
            self.stop_reason = reason
            stream = self._stream
        self._stopped.set()
        if stream is not None:
            stream.abort()

    def wait(self, seconds: float) -> None:
        """Between two attempts: until then, or until the run must stop."""
        self._stopped.wait(seconds)

    def end_late_route(self, now: float) -> None:
        """Give up the attempt under way, not the run, where its route has had its time."""
        with self._lock:
            if self.last_content is not None or self.route_deadline is None:
                return
            if now < self.route_deadline or self._stream is None:
                return
            self.route_deadline, self.route_is_late = None, True
            stream = self._stream
        stream.abort()

    def excuse(self, seconds: float) -> None:
        """So much of the silence was not the provider's: its deadlines are that much later. The
        total one is not: it is a promise to the person."""
        with self._lock:
            self.silent_since += seconds
            if self.route_deadline is not None:
                self.route_deadline += seconds
            if self.last_content is not None:
                self.last_content += seconds

    def overdue(self, now: float) -> StopReason | None:
        if now - self.started > settings.RUN_TOTAL_TIMEOUT_SECONDS:
            return "total_timeout"
        if self.last_content is None:
            # Of all attempts together: a person waits for an answer, whoever gives it.
            late = now - self.silent_since > settings.RUN_FIRST_TOKEN_TIMEOUT_SECONDS
            return "first_token_timeout" if late else None
        # Keep-alive comments do not count: they flow while a model is stuck.
        late = now - self.last_content > settings.RUN_IDLE_TIMEOUT_SECONDS
        return "idle_timeout" if late else None


class Monitor:
    """The watching thread of a process; started with its first run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watches: dict[UUID, Watch] = {}
        self._thread: threading.Thread | None = None
        self._due: dict[str, float] = {}
        self._looked_at = time.monotonic()
        self._stop_all_at: float | None = None

    def add(self, watch: Watch) -> None:
        with self._lock:
            self._watches[watch.run_id] = watch
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="run-monitor", daemon=True)
                self._thread.start()

    def remove(self, watch: Watch) -> None:
        with self._lock:
            self._watches.pop(watch.run_id, None)

    def stop_soon(self) -> None:
        """The process shuts down: runs that do not end within the grace end uncharged.

        Called by a signal handler, which may neither wait nor start a thread (gevent's runs in
        the event loop), and an idle worker must not outlive it: so this only sets the time.
        """
        self._stop_all_at = time.monotonic() + SHUTDOWN_GRACE_SECONDS

    def _active(self) -> list[Watch]:
        with self._lock:
            return list(self._watches.values())

    def _loop(self) -> None:
        self._looked_at = time.monotonic()
        while True:
            time.sleep(TICK_SECONDS)
            watches, now = self._active(), time.monotonic()
            self._excuse_lateness(watches, now)
            if not watches:
                continue
            try:
                self._tick(watches, now)
            except DatabaseError as error:
                logger.warning("The run monitor lost the database: %s", type(error).__name__)
            except Exception:  # a watcher that dies would leave every run without deadlines
                logger.exception("The run monitor failed")
            finally:
                connections.close_all()

    def _excuse_lateness(self, watches: list[Watch], now: float) -> None:
        """Take what this look is late by off the silence of the providers."""
        late = now - self._looked_at - SILENCE_BETWEEN_LOOKS_SECONDS
        self._looked_at = now
        if late > 0:
            if late > LATENESS_TOLD_SECONDS:
                logger.warning("The run monitor was %.1f s late: deadlines are moved", late)
            for watch in watches:
                watch.excuse(late)

    def _tick(self, watches: list[Watch], now: float) -> None:
        shutting_down = self._stop_all_at is not None and now >= self._stop_all_at
        for watch in watches:
            reason = watch.overdue(now) or ("shutdown" if shutting_down else None)
            if reason:
                watch.stop(reason)
            watch.end_late_route(now)
        if self._is_due("status", now, STATUS_SECONDS):
            for watch in watches:
                watch.on_status()
        if self._is_due("cancel", now, CANCEL_CHECK_SECONDS):
            self._check_database(watches)
        if self._is_due("lease", now, settings.RUN_HEARTBEAT_SECONDS):
            self._renew(watches)
        if self._is_due("checkpoint", now, CHECKPOINT_SECONDS):
            self._checkpoint(watches)

    def _is_due(self, what: str, now: float, seconds: float) -> bool:
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + seconds
        return True

    def _check_database(self, watches: list[Watch]) -> None:
        """Stop those whose person asked for it, and those that are no longer ours."""
        rows = {
            row[0]: row[1:]
            for row in Run.objects.filter(pk__in=[watch.run_id for watch in watches]).values_list(
                "pk", "state", "fence", "cancel_requested_at"
            )
        }
        for watch in watches:
            state, fence, cancel_requested_at = rows.get(watch.run_id, (None, None, None))
            if state != Run.State.RUNNING or fence != watch.fence:
                watch.stop("lease_lost")
            elif cancel_requested_at is not None:
                watch.stop("cancelled")

    def _renew(self, watches: list[Watch]) -> None:
        until = timezone.now() + timedelta(seconds=settings.RUN_LEASE_SECONDS)
        Run.objects.filter(
            pk__in=[watch.run_id for watch in watches], state=Run.State.RUNNING
        ).update(lease_until=until)

    def _checkpoint(self, watches: list[Watch]) -> None:
        """Save the text of runs that have grown, so that losing Redis loses nothing."""
        for watch in watches:
            count = len(watch.parts)
            if count == watch.checkpointed_parts:
                continue
            text, now = "".join(watch.parts[:count]), timezone.now()
            saved = _CHECKPOINT.run(run=watch.run_id, fence=watch.fence, text=text, updated_at=now)
            if not saved:
                # The first one; or the run is another worker's by now, which has its own.
                RunText.objects.bulk_create(
                    [RunText(run_id=watch.run_id, fence=watch.fence, text=text, updated_at=now)],
                    ignore_conflicts=True,
                )
            watch.checkpointed_parts = count


monitor = Monitor()
