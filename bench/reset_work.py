"""What `script/bench resets` does: the accounts it makes, and the steps it times."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import connection

from bench.database import connections_forget
from billing.services.batches import free_grants_premake, grants_expire

_FORK = multiprocessing.get_context("fork")
_ACCOUNTS = """
INSERT INTO accounts_user (email, password, time_zone, language, first_name, last_name,
    is_active, is_staff, is_superuser, date_joined)
SELECT 'person' || n || '@example.com', '!', 'UTC', '', '', '', true, false, false, now()
FROM generate_series(1, %s) AS n
"""
_PERIODS = """
INSERT INTO billing_premiumperiod (user_id, kind, subscription_id, source, starts_at, ends_at,
    tokens_per_day, created_at)
SELECT id, 'grace', 'sub_' || id, 'grace:sub_' || id, %s, %s, 30000, now()
FROM accounts_user WHERE id < %s
"""


def accounts_seed(accounts: int, subscribers: int, *, premium_on: datetime) -> tuple[int, int]:
    """Accounts, of whom the first `subscribers` have premium. Returns the first and last id."""
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, [accounts])
        cursor.execute("SELECT min(id), max(id) FROM accounts_user")
        first, last = cursor.fetchone()
        ends = (premium_on, premium_on + timedelta(days=20))
        cursor.execute(_PERIODS, [*ends, first + subscribers])
        cursor.execute("VACUUM ANALYZE")
    return int(first), int(last)


def windows(first: int, last: int, batch: int) -> list[tuple[int, int]]:
    """First and last id of each batch."""
    return [(low, min(low + batch - 1, last)) for low in range(first, last + 1, batch)]


def reset(now: datetime, batch: int, part: int, parts: int) -> None:
    free_grants_premake(now=now, batch=batch, part=part, parts=parts)


def sweep(now: datetime, batch: int) -> None:
    while grants_expire(now=now, limit=batch) >= batch:
        pass


def at_once(works: Sequence[Callable[[], None]]) -> None:
    """Each in a process, so over a connection, of its own."""
    connections_forget()
    processes = [_FORK.Process(target=_alone, args=(work,)) for work in works]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        if process.exitcode != 0:
            raise RuntimeError("a part of the shared work failed; see above")


def _alone(work: Callable[[], None]) -> None:
    work()
    connections_forget()
    os._exit(0)
