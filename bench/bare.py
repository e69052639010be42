"""The peer of `script/bench resets`: SQL that inserts a month's rows and asks nothing.

The same rows by number, one statement for each batch, into the ledger's own tables; and, to show
what its time goes into, into copies of them without foreign keys, and without indexes and checks.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from django.conf import settings
from django.db import connection

from billing.periods import Period

_INSERT = """
WITH facts (key, starts, ends, tokens) AS (VALUES (%s, %s, %s, %s::bigint)), made AS (
    INSERT INTO {grants} (user_id, kind, priority, source, effective_at, expires_at,
        amount, available, held, spent, expired, voided, owed, created_at)
    SELECT n, 'free_monthly', 10, 'grant:free:' || n || ':' || key, starts, ends,
        tokens, tokens, 0, 0, 0, 0, 0, now()
    FROM facts, generate_series(%s, %s) AS n
    RETURNING id, amount, source
)
INSERT INTO {movements} (grant_id, from_state, to_state, amount, key, created_at)
SELECT id, 'issued', 'available', amount, source, now() FROM made
"""
# What a copy of the tables is LIKE: `INCLUDING ALL` is all but the foreign keys.
COPIES = {
    "without foreign keys": "INCLUDING ALL",
    "without foreign keys, indexes, checks": "INCLUDING IDENTITY INCLUDING GENERATED",
}

Windows = Iterable[tuple[int, int]]


def rows_insert(
    month: Period,
    windows: Windows,
    *,
    grants: str = "billing_grant",
    movements: str = "billing_movement",
) -> None:
    """windows: first and last user of each transaction."""
    sql = _INSERT.format(grants=grants, movements=movements)
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
    rows_insert(month, windows, grants="bare_grant", movements="bare_movement")
    return time.perf_counter() - began
