"""`GET /api/runs/{id}/events`: authorise, free the database, replay, then relay.

Closing the connection never stops a run. A stream lives at most half an hour; a browser simply
reconnects with `Last-Event-ID`, and so it does after the farewell of a server that shuts down.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import Error as DatabaseFailure
from django.db import connections
from django.http import StreamingHttpResponse
from django.utils import timezone
from redis import RedisError

from builder.models import Run
from builder.selectors.runs import RunSnapshot, run_snapshot, status_of
from builder.streaming.frames import (
    FAREWELL_FRAME,
    HEARTBEAT_FRAME,
    delta_frame,
    delta_of,
    event_frame,
)
from builder.streaming.hub import Entry, Subscription, hub
from config.errors import NotFound

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0
LIFETIME_SECONDS = 1800.0
# How long a silent log may hide the truth: the database is asked again after this.
RECHECK_SECONDS = 3.0
GAP_RECHECK_SECONDS = 0.5
# A worker says its first word of a run well within this time.
YOUNG_SECONDS = 1.0

_closing = False


def say_farewell() -> None:
    """Make every open stream of this process end with a farewell within a second."""
    global _closing
    _closing = True


@dataclass(frozen=True, slots=True)
class Beginning:
    """A run as it was when the reader was let in: its `status` event, and where it stood.

    young: queued, or taken by a worker so short a time ago that nothing is said or stored yet.
    """

    status: dict[str, Any]
    young: bool
    terminal: bool


class RunRelay:
    """One browser's view of one run's log. `cursor` is the offset it has got up to."""

    def __init__(self, run_id: UUID, after: int) -> None:
        self.run_id = run_id
        self.cursor = after
        self.last_id = (after, 0)
        self.done = False
        # Set when text is missing before an entry: Redis lost it, the database has it or will.
        self.gap = False

    def relay(self, entries: list[Entry]) -> list[bytes]:
        """Frames for the browser. Stops before a gap."""
        frames: list[bytes] = []
        self.gap = False
        for entry in entries:
            if entry.entry_id <= self.last_id:
                continue
            if entry.is_text:
                frame = self._text(entry)
                if frame is None:
                    self.gap = True
                    return frames
                if frame:
                    frames.append(frame)
            elif entry.entry_id[0] > self.cursor:
                # Also the end that a sweep published, behind all text there can be: what came
                # before it is asked of the database.
                self.gap = True
                return frames
            else:
                frames.append(entry.frame)
                self.done = self.done or entry.frame.startswith(b"event: done\n")
            self.last_id = entry.entry_id
        return frames

    def _text(self, entry: Entry) -> bytes | None:
        end = entry.entry_id[0]
        if end <= self.cursor:
            return b""
        offset, text = delta_of(entry.frame)
        if offset > self.cursor:
            return None
        frame = entry.frame
        if offset < self.cursor:
            frame = delta_frame(offset=self.cursor, text=text[self.cursor - offset :])
        self.cursor = end
        return frame

    def catch_up(self, snapshot: RunSnapshot) -> list[bytes]:
        """Frames out of the database: text beyond the cursor, and the end if there is one."""
        frames = []
        if snapshot.text:
            frames.append(delta_frame(offset=self.cursor, text=snapshot.text))
            self.cursor += len(snapshot.text)
        if snapshot.terminal:
            frames.extend(event_frame(name, data) for name, data in snapshot.closing)
            self.done = True
        else:
            frames.append(event_frame("status", snapshot.status))
        return frames


async def _snapshot(run_id: UUID, after: int) -> RunSnapshot:
    # Not in the one thread that asgiref keeps: snapshots need not wait in line for each other.
    return await sync_to_async(_read_snapshot, thread_sensitive=False)(run_id, after)


def _read_snapshot(run_id: UUID, after: int) -> RunSnapshot:
    try:
        return run_snapshot(run_id, after=after)
    finally:
        connections.close_all()


async def run_events(
    run_id: UUID, *, after: int, beginning: Beginning | None = None
) -> AsyncIterator[bytes]:
    """The SSE bytes of a run from offset `after` (code points) to its `done`.

    beginning: what was known of the run when the reader was let in, if that is fresh.
    """
    relay = RunRelay(run_id, after)
    subscription = hub().subscribe(run_id)
    try:
        ends_at = time.monotonic() + LIFETIME_SECONDS
        # At once and in one piece: every piece costs a system call and a packet.
        yield b"".join([b"retry: 1000\n\n", *await _begin(relay, subscription, beginning)])
        spoke_at = checked_at = time.monotonic()
        while not relay.done:
            entries = await subscription.next()
            now = time.monotonic()
            frames: list[bytes] = []
            if entries is None or (not entries and now - checked_at > RECHECK_SECONDS):
                frames = await _replay(relay, subscription)
                checked_at = now
            elif entries:
                frames = relay.relay(entries)
                if frames:
                    checked_at = now
            if relay.gap and now - checked_at > GAP_RECHECK_SECONDS:
                frames += await _replay(relay, subscription)
                checked_at = now
            if _closing or now > ends_at:
                yield b"".join(frames) + FAREWELL_FRAME
                return
            if not frames and now - spoke_at >= HEARTBEAT_SECONDS:
                frames = [HEARTBEAT_FRAME]
            if frames:
                yield b"".join(frames)
                spoke_at = now
    finally:
        hub().unsubscribe(subscription)


async def _begin(
    relay: RunRelay, subscription: Subscription, beginning: Beginning | None
) -> list[bytes]:
    """The first frames. A run that has just begun is all in Redis or has said nothing yet: its
    first words do not wait for the database."""
    if beginning is None or beginning.terminal:
        return await _replay(relay, subscription)
    try:
        frames = relay.relay(await hub().entries_after(subscription, (relay.cursor, 0)))
    except RedisError:
        return await _replay(relay, subscription)
    if frames and not relay.gap:
        return frames
    if beginning.young and not relay.gap:
        return [event_frame("status", beginning.status)]
    return frames + await _replay(relay, subscription)


async def _replay(relay: RunRelay, subscription: Subscription) -> list[bytes]:
    """Bring the browser up to date from Redis and the database.

    Redis has the newest text while the run goes on; the database has checkpoints, and the end.
    """
    frames: list[bytes] = []
    with contextlib.suppress(RedisError):
        frames += relay.relay(await hub().entries_after(subscription, (relay.cursor, 0)))
    if relay.done:
        return frames
    try:
        frames += relay.catch_up(await _snapshot(relay.run_id, relay.cursor))
    except DatabaseFailure as error:
        # Redis may still bring text, and the database is asked again soon.
        logger.warning("A run's stream lost the database: %s", type(error).__name__)
    except NotFound:
        relay.done = True  # deleted meanwhile, with the account
    return frames


def events_response(run: Run, *, after: int) -> StreamingHttpResponse:
    """The streaming answer. No buffering, no compression, no caching on the way."""
    begun = run.started_at
    beginning = Beginning(
        status=status_of(run),
        young=begun is None or (timezone.now() - begun).total_seconds() < YOUNG_SECONDS,
        terminal=run.is_terminal,
    )
    headers: dict[str, Any] = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(
        run_events(run.pk, after=after, beginning=beginning),
        content_type="text/event-stream",
        headers=headers,
    )
