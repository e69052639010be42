"""One Redis reader per web process, however many browsers watch however many runs.

A subscriber registers first, replays by range up to what is there, then takes what the shared
reader hands out; whatever it has already replayed it drops by entry id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import redis.asyncio as redis_asyncio
from django.conf import settings
from redis import RedisError

from builder.streaming.log import log_key

logger = logging.getLogger(__name__)

EntryId = tuple[int, int]
# A blocked read does not see a log that is added meanwhile: it is unblocked then, and this bounds
# the wait in the instant where the unblock overtakes the read.
BLOCK_MS = 1_000
# A blocking read is answered after BLOCK_MS at the latest. Without a limit, a Redis that vanished
# with its machine would be waited for as long as this process lives.
READ_TIMEOUT_SECONDS = BLOCK_MS / 1000 + 4
RECONNECT_SECONDS = 0.5
QUEUE_LIMIT = 2_000


def parse_entry_id(raw: bytes) -> EntryId:
    left, _, right = raw.partition(b"-")
    return int(left), int(right)


@dataclass(slots=True, frozen=True)
class Entry:
    """One entry of a run's log: `entry_id` is (offset after, sequence)."""

    entry_id: EntryId
    frame: bytes

    @property
    def is_text(self) -> bool:
        # Not by its sequence 0: Redis gives that to an event too where the log is empty.
        return self.frame.startswith(b"id: ")


@dataclass(slots=True, eq=False)
class Subscription:
    """A browser's place in a run's log. `None` in the queue says: read the range again."""

    key: bytes
    queue: asyncio.Queue[Entry | None] = field(
        default_factory=lambda: asyncio.Queue(maxsize=QUEUE_LIMIT)
    )

    def put(self, entry: Entry | None) -> None:
        if self.queue.full():
            # A slow browser must not hold memory: it will read the range again when it wakes.
            while not self.queue.empty():
                self.queue.get_nowait()
            entry = None
        self.queue.put_nowait(entry)


class Hub:
    """Shared reader of all run logs that somebody in this process watches (one event loop)."""

    def __init__(self, redis_url: str) -> None:
        self._reader = redis_asyncio.Redis.from_url(
            redis_url, socket_timeout=READ_TIMEOUT_SECONDS, socket_connect_timeout=1
        )
        self._commands = redis_asyncio.Redis.from_url(
            redis_url, socket_timeout=2, socket_connect_timeout=1
        )
        self._subscriptions: dict[bytes, set[Subscription]] = {}
        self._cursors: dict[bytes, bytes] = {}
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._closed = False
        self._client_id: int | None = None
        # Held while a cursor is set: a second watcher must not replay before it stands.
        self._subscribing = asyncio.Lock()

    async def subscribe(self, run_id: UUID) -> Subscription:
        subscription = Subscription(key=log_key(run_id).encode())
        try:
            async with self._subscribing:
                self._subscriptions.setdefault(subscription.key, set()).add(subscription)
                if subscription.key not in self._cursors:
                    self._cursors[subscription.key] = await self._last_id(subscription.key)
                    await self._wake()
        except BaseException:
            # Also a browser that leaves right here: nobody else would take its place away.
            self.unsubscribe(subscription)
            raise
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._loop(), name="run-log-reader")
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        watchers = self._subscriptions.get(subscription.key)
        if watchers is None:
            return
        watchers.discard(subscription)
        if not watchers:
            del self._subscriptions[subscription.key]
            self._cursors.pop(subscription.key, None)

    async def entries_after(self, key: bytes, after: EntryId) -> list[Entry]:
        """Entries of one log after an entry id. Raises RedisError."""
        rows: Any = await self._commands.xrange(key, min=f"({after[0]}-{after[1]}")
        return [Entry(parse_entry_id(row_id), fields[b"f"]) for row_id, fields in rows]

    async def close(self) -> None:
        # Said twice: while it connects, redis-py can swallow a cancellation.
        self._closed = True
        self._changed.set()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._reader.aclose()
        await self._commands.aclose()

    async def _last_id(self, key: bytes) -> bytes:
        try:
            rows: Any = await self._commands.xrevrange(key, count=1)
        except RedisError:
            return b"0-0"
        return bytes(rows[0][0]) if rows else b"0-0"

    async def _wake(self) -> None:
        """Make the blocked reader start again with the new set of logs."""
        self._changed.set()
        if self._client_id is not None:
            with contextlib.suppress(RedisError):
                await self._commands.client_unblock(self._client_id)

    async def _loop(self) -> None:
        lost = False
        while not self._closed:
            try:
                async with self._reader.client() as connection:
                    self._client_id = await connection.client_id()
                    if lost:
                        # Only now: while Redis is away they look at the database at their own pace.
                        lost = False
                        self._read_again()
                    await self._read_all(connection)
            except Exception as error:  # one odd entry must not end the reading of all logs
                known = isinstance(error, RedisError | OSError)
                logger.warning(
                    "The run log reader lost Redis: %s", type(error).__name__, exc_info=not known
                )
                lost, self._client_id = True, None
                await asyncio.sleep(RECONNECT_SECONDS)

    def _read_again(self) -> None:
        for watchers in self._subscriptions.values():
            for subscription in watchers:
                subscription.put(None)

    async def _read_all(self, connection: redis_asyncio.Redis) -> None:
        while not self._closed:
            if not self._cursors:
                await self._changed.wait()
                self._changed.clear()
                continue
            cursors: dict[Any, Any] = dict(self._cursors)
            logs: Any = await connection.xread(cursors, block=BLOCK_MS)
            for key, rows in logs or ():
                self._hand_out(key, rows)

    def _hand_out(self, key: bytes, rows: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        watchers = self._subscriptions.get(key)
        if not watchers:
            return
        self._cursors[key] = rows[-1][0]
        for row_id, fields in rows:
            entry = Entry(parse_entry_id(row_id), fields[b"f"])
            for subscription in watchers:
                subscription.put(entry)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The hub of the running event loop (one per web process)."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(settings.REDIS_URL)
    return _hubs[loop]
