"""The text of a running run as an append-only log in Redis, so that any web process can relay it.

One stream per run. An entry's id is `<offset after its text>-0` for text and
`<offset>-<1, 2, …>` for other events at that offset, so replay is a range read and a write that
is repeated after a lost answer is refused by Redis instead of doubling text. Entries hold
finished SSE frames: the web side only copies.

Writing is coalesced per process: one thread sends one pipeline for all runs every 20 ms (30 ms
under load), the first text of a run at once. One write per chunk costs five times the
CPU. Redis is only the fast path; the text is also checkpointed in the database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from redis.client import Pipeline

from builder.streaming.frames import delta_frame, event_frame

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.02
BUSY_FLUSH_SECONDS = 0.03
BUSY_RUNS = 100
KEEP_SECONDS = 3600
KEEP_AFTER_END_SECONDS = 600
# While Redis is away: what is kept of one run for its return. Beyond it readers have the database.
UNSENT_MAX_BYTES = 1_000_000


def log_key(run_id: UUID | str) -> str:
    return f"sitewright:run:{run_id}"


@dataclass(slots=True)
class RunLog:
    """What is still to be written of one run. Offsets count code points."""

    run_id: UUID
    on_text: Callable[[str], list[tuple[str, dict[str, Any]]]]
    offset: int = 0
    parts: list[str] = field(default_factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    # Frames that were made but not yet accepted by Redis: (entry id, frame).
    unsent: list[tuple[str, bytes]] = field(default_factory=list)
    unsent_bytes: int = 0
    # Whether the log in Redis has been told when to go away.
    expires: bool = False
    ended: bool = False

    def add_text(self, parts: list[str]) -> str:
        """Turn text into a frame at the end of `unsent`. What the parts join to."""
        text = "".join(parts)
        if text:
            start, self.offset = self.offset, self.offset + len(text)
            self._add(f"{self.offset}-0", delta_frame(offset=start, text=text))
        return text

    def add_events(self, events: list[tuple[str, dict[str, Any]]]) -> None:
        """Turn events into frames at the end of `unsent`."""
        for name, data in events:
            self._add(f"{self.offset}-*", event_frame(name, data))

    def _add(self, entry_id: str, frame: bytes) -> None:
        if self.unsent_bytes > UNSENT_MAX_BYTES:
            # A gap in the log, before what is kept from here on: readers go round it.
            logger.warning("The log of run %s is not kept: Redis is away", self.run_id)
            self.unsent, self.unsent_bytes = [], 0
        self.unsent.append((entry_id, frame))
        self.unsent_bytes += len(frame)

    def sent(self, count: int) -> None:
        """The first `count` frames are in Redis."""
        self.expires = True
        del self.unsent[:count]
        self.unsent_bytes = sum(len(frame) for _entry_id, frame in self.unsent)

    def told(self, text: str) -> list[tuple[str, dict[str, Any]]]:
        """The events that the listener makes of a piece of text."""
        try:
            return self.on_text(text) if text else []
        except Exception:  # one run's listener must not end the log of all runs
            logger.exception("The listener of run %s failed", self.run_id)
            return []


class LogWriter:
    """Writes the logs of all runs of this process. Thread-safe; `start` is idempotent."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(
            redis_url, socket_timeout=2, socket_connect_timeout=1, retry=None
        )
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._writing = threading.Lock()
        self._logs: dict[UUID, RunLog] = {}
        self._dirty: set[UUID] = set()
        self._thread: threading.Thread | None = None

    def open(
        self, run_id: UUID, *, on_text: Callable[[str], list[tuple[str, dict[str, Any]]]]
    ) -> None:
        """Begin the log of a run. `on_text` gets each coalesced piece of text once, in order,
        and gives the events (name, data) to send some time after it, but before the last ones."""
        with self._lock:
            self._logs[run_id] = RunLog(run_id=run_id, on_text=on_text)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="run-log", daemon=True)
                self._thread.start()

    def text(self, run_id: UUID, text: str) -> None:
        """Append text; the first of a run is sent at once."""
        with self._lock:
            log = self._logs[run_id]
            first = log.offset == 0 and not log.parts
            log.parts.append(text)
            self._dirty.add(run_id)
        if first:
            self.flush(run_id)
        else:
            self._wake.set()

    def event(self, run_id: UUID, name: str, data: dict[str, Any]) -> None:
        """Send an event after the text so far; too late for a run that has ended, no error."""
        with self._lock:
            log = self._logs.get(run_id)
            if log is None:
                return
            log.events.append((name, data))
            self._dirty.add(run_id)
        self._wake.set()

    def flush(self, run_id: UUID) -> None:
        """Turn what is pending of one run into frames and try to write them now."""
        with self._writing:
            self._write([run_id])

    def tell(self, run_id: UUID) -> None:
        """Give the listener of one run what it has not got; it is written with the next round."""
        with self._writing:
            with self._lock:
                log = self._logs.get(run_id)
                if log is None:
                    return
                parts, log.parts = log.parts, []
                events, log.events = log.events, []
                self._dirty.add(run_id)
            text = log.add_text(parts)
            log.add_events([*log.told(text), *events])
        self._wake.set()

    def close(self, run_id: UUID, events: list[tuple[str, dict[str, Any]]]) -> None:
        """Write the last events and forget the run. If Redis is away they are lost here, and
        readers find the end in the database."""
        with self._lock:
            log = self._logs.get(run_id)
            if log is None:
                return
            log.events.extend(events)
            log.ended = True
        try:
            with self._writing:
                self._write([run_id])
        finally:
            with self._lock:
                self._logs.pop(run_id, None)
                self._dirty.discard(run_id)

    def _loop(self) -> None:
        while True:
            self._wake.wait()
            with self._lock:
                busy = len(self._logs) > BUSY_RUNS
            time.sleep(BUSY_FLUSH_SECONDS if busy else FLUSH_SECONDS)
            self._wake.clear()
            with self._lock:
                dirty, self._dirty = list(self._dirty), set()
            try:
                with self._writing:
                    written = self._write(dirty)
            except Exception:  # this thread serves all runs of the process, and all to come
                logger.exception("The run log's writer failed")
                written = False
            if not written:
                with self._lock:
                    self._dirty.update(dirty)
                time.sleep(0.5)
                self._wake.set()

    def _write(self, run_ids: list[UUID]) -> bool:
        """Send the frames of these runs in one transaction; False if Redis is away.

        A reader that waits for all logs is woken by the first entry: in a transaction it then
        finds those of all runs, and need not ask again for each. Listeners are told after that, so
        that nobody's text waits for the parsing of all; what they make of it goes next time.
        """
        pipeline = self._redis.pipeline(transaction=True)
        sent: list[tuple[RunLog, int]] = []
        heard: list[tuple[RunLog, str]] = []
        for run_id in run_ids:
            with self._lock:
                log = self._logs.get(run_id)
                if log is None:
                    continue
                parts, log.parts = log.parts, []
                events, log.events = log.events, []
            text = log.add_text(parts)
            if log.ended:
                log.add_events(log.told(text))
            elif text:
                heard.append((log, text))
            log.add_events(events)
            if not log.unsent:
                continue
            key = log_key(run_id)
            for entry_id, frame in log.unsent:
                pipeline.xadd(key, {b"f": frame}, id=entry_id)
            if log.ended or not log.expires:
                pipeline.expire(key, KEEP_AFTER_END_SECONDS if log.ended else KEEP_SECONDS)
            sent.append((log, len(log.unsent)))
        written = self._execute(pipeline, sent) if sent else True
        for log, text in heard:
            if told := log.told(text):
                log.add_events(told)
                with self._lock:
                    self._dirty.add(log.run_id)
                self._wake.set()
        return written

    def _execute(self, pipeline: Pipeline, sent: list[tuple[RunLog, int]]) -> bool:
        try:
            # An id that is not greater was written by an earlier try whose answer was lost.
            pipeline.execute(raise_on_error=False)
        except redis.RedisError as error:
            logger.warning("The run log could not be written: %s", type(error).__name__)
            return False
        for log, count in sent:
            log.sent(count)
        return True


_writer: LogWriter | None = None
_writer_lock = threading.Lock()


def log_writer() -> LogWriter:
    """The writer of this process."""
    global _writer
    with _writer_lock:
        if _writer is None:
            _writer = LogWriter(settings.REDIS_URL)
        return _writer


def publish_end(run_id: UUID, events: list[tuple[str, dict[str, Any]]]) -> None:
    """Send closing events of a run that no worker is writing (reaped, or stopped in the queue).

    If Redis is away, readers find the end in the database.
    """
    key = log_key(run_id)
    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1, retry=None
        )
        with client, client.pipeline(transaction=False) as pipeline:
            for name, data in events:
                # Above every offset a run can reach, so it sorts after whatever was written.
                pipeline.xadd(key, {b"f": event_frame(name, data)}, id=f"{2**40}-*")
            pipeline.expire(key, KEEP_AFTER_END_SECONDS)
            pipeline.execute(raise_on_error=False)
    except redis.RedisError as error:
        logger.warning("The end of run %s was not published: %s", run_id, type(error).__name__)
