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
from uuid import UUID, uuid4

import redis.asyncio as redis_asyncio
from django.conf import settings
from redis import RedisError
from redis.driver_info import DriverInfo

from builder.streaming.log import log_key

logger = logging.getLogger(__name__)

EntryId = tuple[int, int]
BLOCK_MS = 5_000
# A blocking read is answered after BLOCK_MS at the latest. Without a limit, a Redis that vanished
# with its machine would be waited for as long as this process lives.
READ_TIMEOUT_SECONDS = BLOCK_MS / 1000 + 4
RECONNECT_SECONDS = 0.5
TICK_SECONDS = 1.0
QUEUE_LIMIT = 2_000
# Two hundred browsers that come at once share these; a range read takes less than a millisecond.
COMMAND_CONNECTIONS = 4
COMMAND_WAIT_SECONDS = 2
WAKE_KEY = "sitewright:reader:{reader}"
WAKE_KEEP_SECONDS = 60


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
    """A browser's place in a run's log, of one event loop."""

    key: bytes
    entries: list[Entry] = field(default_factory=list)
    # Entries were dropped, or may have been missed: the range is to be read again.
    lost: bool = False
    _waiter: asyncio.Future[None] | None = None

    async def next(self) -> list[Entry] | None:
        """What has come since, waiting for it or for the next tick (then it is empty); None:
        read the range again."""
        if not self.entries and not self.lost:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        entries, self.entries = self.entries, []
        if self.lost:
            self.lost = False
            return None
        return entries

    def put(self, entries: list[Entry]) -> None:
        if len(self.entries) + len(entries) > QUEUE_LIMIT:
            # A slow browser must not hold memory: it will read the range again when it wakes.
            self.lose()
            return
        self.entries.extend(entries)
        self.wake()

    def lose(self) -> None:
        self.entries, self.lost = [], True
        self.wake()

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Hub:
    """Shared reader of all run logs that somebody in this process watches (one event loop)."""

    def __init__(self, redis_url: str) -> None:
        # Said once: redis-py else looks its own version up in files for every connection.
        named = DriverInfo()
        self._reader = redis_asyncio.Redis.from_url(
            redis_url,
            socket_timeout=READ_TIMEOUT_SECONDS,
            socket_connect_timeout=1,
            driver_info=named,
        )
        self._commands = redis_asyncio.Redis.from_pool(
            redis_asyncio.BlockingConnectionPool.from_url(
                redis_url,
                max_connections=COMMAND_CONNECTIONS,
                timeout=COMMAND_WAIT_SECONDS,
                socket_timeout=2,
                socket_connect_timeout=1,
                driver_info=named,
            )
        )
        self._subscriptions: dict[bytes, set[Subscription]] = {}
        # Where the reader stands in each log that it reads.
        self._cursors: dict[bytes, bytes] = {}
        # A blocked read does not see a log that is added meanwhile. So it also reads this one,
        # which then gets an entry: whichever of the two comes first, none is missed.
        self._wake_key = WAKE_KEY.format(reader=uuid4()).encode()
        self._wake_cursor = b"0-0"
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    def subscribe(self, run_id: UUID) -> Subscription:
        """A place in a run's log. Nothing comes before `entries_after` was asked once."""
        subscription = Subscription(key=log_key(run_id).encode())
        self._subscriptions.setdefault(subscription.key, set()).add(subscription)
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._read(), name="run-log-reader"),
                asyncio.create_task(self._tick(), name="run-log-tick"),
            ]
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        watchers = self._subscriptions.get(subscription.key)
        if watchers is None:
            return
        watchers.discard(subscription)
        if not watchers:
            del self._subscriptions[subscription.key]
            self._cursors.pop(subscription.key, None)

    async def entries_after(self, subscription: Subscription, after: EntryId) -> list[Entry]:
        """Entries of the log after an entry id; what follows them comes through `next`, some of
        these perhaps again. Raises RedisError."""
        key = subscription.key
        pipeline = self._commands.pipeline(transaction=False)
        pipeline.xrange(key, min=f"({after[0]}-{after[1]}")
        if key not in self._cursors and key in self._subscriptions:
            # Before the reader is woken, so that it finds the log in its list.
            self._cursors[key] = b"%d-%d" % after
            pipeline.xadd(self._wake_key, {b"w": b""}, maxlen=1, approximate=False)
            pipeline.expire(self._wake_key, WAKE_KEEP_SECONDS)
        rows: Any = (await pipeline.execute())[0]
        return _entries_of(rows)

    async def close(self) -> None:
        # Said twice: while it connects, redis-py can swallow a cancellation.
        self._closed = True
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._reader.aclose()
        await self._commands.aclose()

    async def _tick(self) -> None:
        """One timer for all: streams that have nothing to relay look after themselves then."""
        while not self._closed:
            await asyncio.sleep(TICK_SECONDS)
            for watchers in self._subscriptions.values():
                for subscription in watchers:
                    subscription.wake()

    async def _read(self) -> None:
        lost = False
        while not self._closed:
            try:
                async with self._reader.client() as connection:
                    await connection.ping()
                    if lost:
                        # Only now: while Redis is away they look at the database at their own pace.
                        lost = False
                        self._read_again()
                    await self._read_all(connection)
            except Exception as error:  # one odd entry must not end the reading of all logs
                if not lost:
                    known = isinstance(error, RedisError | OSError)
                    logger.warning(
                        "The run log reader lost Redis: %s",
                        type(error).__name__,
                        exc_info=not known,
                    )
                lost = True
                await asyncio.sleep(RECONNECT_SECONDS)

    def _read_again(self) -> None:
        for watchers in self._subscriptions.values():
            for subscription in watchers:
                subscription.lose()

    async def _read_all(self, connection: redis_asyncio.Redis) -> None:
        while not self._closed:
            cursors: dict[Any, Any] = {**self._cursors, self._wake_key: self._wake_cursor}
            logs: Any = await connection.xread(cursors, block=BLOCK_MS)
            for key, rows in logs or ():
                if key == self._wake_key:
                    self._wake_cursor = rows[-1][0]
                else:
                    self._hand_out(key, rows)

    def _hand_out(self, key: bytes, rows: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        watchers = self._subscriptions.get(key)
        if not watchers or key not in self._cursors:
            return
        self._cursors[key] = rows[-1][0]
        entries = _entries_of(rows)
        for subscription in watchers:
            subscription.put(entries)


def _entries_of(rows: list[tuple[bytes, dict[bytes, bytes]]]) -> list[Entry]:
    return [Entry(parse_entry_id(row_id), fields[b"f"]) for row_id, fields in rows]


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The hub of the running event loop (one per web process)."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(settings.REDIS_URL)
    return _hubs[loop]
