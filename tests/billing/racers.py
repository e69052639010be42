"""Threads that call the ledger at the same instant, each over its own connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Barrier
from typing import Any

from django.db import connection


class Racers:
    """Threads that start together, each with its own connection to the server.

    They are kept from round to round: a new connection costs the server more than a call does.
    """

    def __init__(self, pool: ThreadPoolExecutor, number: int) -> None:
        self.pool = pool
        self.start = Barrier(number)

    def together(self, work: Callable[[], None]) -> None:
        """Every thread does `work` once, from the same instant on."""

        def begin() -> None:
            # Nobody gets past here twice before all are here: each has a thread of its own.
            self.start.wait(timeout=60)
            work()

        for done in [self.pool.submit(begin) for _ in range(self.start.parties)]:
            done.result(timeout=120)

    def race(self, calls: Sequence[Callable[[], Any]]) -> Counter[str]:
        """Every call once, over all connections. How often each result or error came."""
        waiting: SimpleQueue[Callable[[], Any]] = SimpleQueue()
        for call in calls:
            waiting.put(call)
        results: list[str] = []

        def work() -> None:
            while True:
                try:
                    call = waiting.get_nowait()
                except Empty:
                    return
                try:
                    results.append(str(call()))
                except Exception as error:  # noqa: BLE001 - the kind of error is the result
                    results.append(type(error).__name__)

        self.together(work)
        return Counter(results)


@contextmanager
def racers_started(number: int) -> Iterator[Racers]:
    """That many threads, connected; ends them and their connections."""
    with ThreadPoolExecutor(number) as pool:
        racers = Racers(pool, number)
        racers.together(_connect)
        try:
            yield racers
        finally:
            racers.together(_disconnect)


def _connect() -> None:
    """Gives this thread a connection to the server, not one of the process's pool."""
    options = dict(connection.settings_dict["OPTIONS"])
    options.pop("pool", None)
    connection.settings_dict = {**connection.settings_dict, "OPTIONS": options}
    connection.ensure_connection()


def _disconnect() -> None:
    connection.close()


@contextmanager
def own_connection() -> Iterator[None]:
    """This thread's own connection for a block."""
    _connect()
    try:
        yield
    finally:
        _disconnect()


def all_at_once(calls: Sequence[Callable[[], Any]], connections: int) -> Counter[str]:
    """One race over that many connections."""
    with racers_started(connections) as racers:
        return racers.race(calls)
