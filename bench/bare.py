"""The peer of `script/bench resets`: SQL that inserts a month's rows and asks nothing.

The same rows by number, one statement for each batch, into the ledger's own tables, where a trigger
issues the grants; and, to show what its time goes into, into copies of them without triggers, and
without indexes and checks, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.conf import settings
from django.db import connection

from billing.periods import Period

_GRANTS = """
    INSERT INTO {grants} (user_id, kind, priority, source, effective_at, expires_at,
        amount, available, held, spent, expired, voided, owed, created_at)
    SELECT n, 'free_monthly', 10, 'grant:free:' || n || ':' || key, starts, ends,
        tokens, tokens, 0, 0, 0, 0, 0, now()
    FROM (VALUES (%s, %s, %s, %s::bigint)) AS facts (key, starts, ends, tokens),
        generate_series(%s, %s) AS n
"""
_BOTH = f"""
WITH made AS ({_GRANTS} RETURNING id, amount, source)
INSERT INTO {{movements}} (grant_id, from_state, to_state, amount, key, created_at)
SELECT id, 'issued', 'available', amount, source, now() FROM made
"""
# What a copy of the tables is LIKE: `INCLUDING ALL` is all but triggers and foreign keys.
COPIES = {
    "without triggers": "INCLUDING ALL",
    "without triggers, indexes, checks": "INCLUDING IDENTITY INCLUDING GENERATED",
}

Windows = Iterable[tuple[int, int]]


def rows_insert(month: Period, windows: Windows) -> None:
    """windows: first and last user of each transaction."""
    _run(_GRANTS.format(grants="billing_grant"), month, windows)


def _run(sql: str, month: Period, windows: Windows) -> None:
    tokens: int = settings.FREE_MONTHLY_TOKENS
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for window in windows:
            cursor.execute(sql, [month.key, month.start, month.end, tokens, *window])
        cursor.execute("RESET synchronous_commit")


def copy_seconds(month: Period, windows: Windows, *, like: str) -> float:
    """How long the same takes into new, empty copies of the tables."""
    with connection.cursor() as cursor:
        for table in ("grant", "movement"):
            cursor.execute(f"DROP TABLE IF EXISTS bare_{table}")
            cursor.execute(f"CREATE TABLE bare_{table} (LIKE billing_{table} {like})")
    began = time.perf_counter()
    _run(_BOTH.format(grants="bare_grant", movements="bare_movement"), month, windows)
    return time.perf_counter() - began
