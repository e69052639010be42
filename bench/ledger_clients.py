"""Our side of `script/bench ledger`: clients that hold and settle, as production runs them.

In production a hold is made by a web process and settled by a Celery worker; both are processes
with several threads, and each thread has a connection of Django's pool. So: one process for each
core, the clients spread over them as threads, each with its own connection for the whole round.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from multiprocessing.synchronize import Barrier

from django.db import connection
from django.utils import timezone

from bench.database import connections_forget
from billing.services.holds import hold_create, hold_settle

AT_LEAST, AT_MOST, CHARGE = 500, 6_000, 1_500
_FORK = multiprocessing.get_context("fork")


def pairs_per_second(*, users: Sequence[int], clients: int, seconds: float) -> float:
    """Pairs of hold and settlement a second by `clients` connections for `seconds`."""
    connections_forget()
    groups = [part for part in _spread(clients, os.cpu_count() or 1) if part]
    barrier = _FORK.Barrier(clients + 1)
    results: multiprocessing.SimpleQueue[int] = _FORK.SimpleQueue()
    processes = [
        _FORK.Process(target=_process, args=(users, threads, seconds, barrier, results))
        for threads in groups
    ]
    for process in processes:
        process.start()
    barrier.wait()
    began = time.perf_counter()
    pairs = sum(results.get() for _ in range(clients))
    elapsed = time.perf_counter() - began
    for process in processes:
        process.join()
        if process.exitcode != 0:
            raise RuntimeError("a client of the ledger benchmark failed; see above")
    return pairs / elapsed


def _spread(clients: int, processes: int) -> list[int]:
    return [len(range(number, clients, processes)) for number in range(processes)]


def _process(
    users: Sequence[int],
    threads: int,
    seconds: float,
    barrier: Barrier,
    results: multiprocessing.SimpleQueue[int],
) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        pairs = -1
        try:
            pairs = _pairs(users, seconds, barrier)
        except BaseException as error:
            barrier.abort()
            failed.append(error)
            raise
        finally:
            results.put(max(pairs, 0))

    started = [threading.Thread(target=run) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    connections_forget()
    os._exit(1 if failed else 0)


def _pairs(users: Sequence[int], seconds: float, barrier: Barrier) -> int:
    chance = random.Random()
    name = f"bench:{os.getpid()}:{threading.get_ident()}:{time.monotonic_ns()}"
    connection.ensure_connection()
    barrier.wait()
    deadline, pairs = time.perf_counter() + seconds, 0
    while time.perf_counter() < deadline:
        hold = hold_create(
            user_id=chance.choice(users),
            key=f"{name}:{pairs}",
            at_least=AT_LEAST,
            at_most=AT_MOST,
            expires_at=timezone.now() + timedelta(minutes=15),
        )
        hold_settle(hold_id=hold.pk, amount=CHARGE)
        pairs += 1
    connection.close()
    return pairs
