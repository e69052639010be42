"""`script/bench resets`: the 1st of a month for 1,000,000 accounts, while somebody works.

Accounts a second for the month's free grants (each a grant and its movement), for expiring the
old month's (each an update and a movement), and for the day's premium grants; and how long a
bystander's holds take meanwhile. The peer is SQL that inserts the same rows in batches of the
same size and asks nothing: what PostgreSQL can do with this schema on this machine at most.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bench.database import CONDITIONS, ledger_database
from bench.report import emit

ACCOUNTS, SUBSCRIBERS, QUICK_ACCOUNTS, QUICK_SUBSCRIBERS = 1_000_000, 100_000, 2_000, 200
MUST = {"accounts_per_second": 80_000, "bystander_ms_p99": 20}
AIM = {"accounts_per_second": 150_000, "bystander_ms_p99": 5}
OLD, NEW = datetime(2026, 11, 15, 12, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
# The month in which the bystander of the peer lives, so that the peer's rows are all new.
BEFORE = OLD - timedelta(days=31)

Beside = Callable[[datetime], AbstractContextManager[Any]]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench resets")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: does it run at all?")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--subscribers", type=int, default=SUBSCRIBERS)
    parser.add_argument("--batch", type=int, help="rows in one transaction; as in production")
    parser.add_argument("--every-ms", type=int, default=10, help="pace of the bystander")
    options = parser.parse_args(arguments)
    if options.quick:
        options.accounts, options.subscribers = QUICK_ACCOUNTS, QUICK_SUBSCRIBERS
    with ledger_database():
        from bench.bystander import bystander
        from billing.tasks.ledger import BATCH

        batch = options.batch or BATCH
        first, last = _seed(options.accounts, options.subscribers)
        beside = partial(bystander, first_user=first, last_user=last, every_ms=options.every_ms)
        emit(bench="resets", conditions=CONDITIONS, cores=os.cpu_count(), batch=batch)
        _measure(options, batch, lambda now: beside(now=now), (first, last))
        _reconcile()


def _measure(
    options: argparse.Namespace, batch: int, beside: Beside, ends: tuple[int, int]
) -> None:
    from billing.services.batches import (
        free_grants_premake,
        grants_expire,
        premium_grants_premake,
    )

    with beside(BEFORE) as waits:
        time.sleep(0.2 if options.quick else 5)
    emit(bench="resets", step="nothing", **waits.figures())

    def expire() -> None:
        while grants_expire(now=NEW, limit=batch) >= batch:
            pass

    accounts, subscribers = options.accounts, options.subscribers
    steps: tuple[tuple[str, int, datetime, Callable[[], object]], ...] = (
        ("bare inserts", accounts, BEFORE, lambda: _bare_inserts(*ends, batch)),
        ("monthly reset", accounts, NEW, lambda: free_grants_premake(now=NEW, batch=batch)),
        ("old month expires", accounts, NEW, expire),
        ("premium day", subscribers, NEW, lambda: premium_grants_premake(now=NEW, batch=batch)),
    )
    rates = {}
    for name, rows, now, work in steps:
        with beside(now) as waits:
            began = time.perf_counter()
            work()
            seconds = time.perf_counter() - began
        rates[name] = round(rows / seconds)
        row = {"accounts_per_second": rates[name], "seconds": round(seconds, 2), **waits.figures()}
        emit(bench="resets", step=name, accounts=rows, **row, **_judged(name, row))
    share = round(rates["monthly reset"] / rates["bare inserts"], 3)
    emit(bench="resets", compare="monthly reset, share of bare inserts", value=share)


def _judged(step: str, row: dict[str, Any]) -> dict[str, Any]:
    if step != "monthly reset":
        return {}
    fast = row["accounts_per_second"] >= MUST["accounts_per_second"]
    smooth = row["bystander_ms_p99"] <= MUST["bystander_ms_p99"]
    return {"must": MUST, "aim": AIM, "reached": {"speed": fast, "bystander": smooth}}


def _seed(accounts: int, subscribers: int) -> tuple[int, int]:
    """Accounts, of whom the first `subscribers` have premium. Returns the first and last id."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, [accounts])
        cursor.execute("SELECT min(id), max(id) FROM accounts_user")
        first, last = cursor.fetchone()
        ends = (NEW - timedelta(days=1), NEW + timedelta(days=20))
        cursor.execute(_PERIODS, [*ends, first + subscribers])
        cursor.execute("VACUUM ANALYZE")
    return first, last


def _bare_inserts(first: int, last: int, batch: int) -> None:
    """The old month's grants and movements, by number, with nothing asked."""
    from django.conf import settings
    from django.db import connection

    from billing.periods import month_of

    month = month_of(OLD)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for lowest in range(first, last + 1, batch):
            highest = min(lowest + batch - 1, last)
            facts = [month.key, month.start, month.end, settings.FREE_MONTHLY_TOKENS]
            cursor.execute(_BARE, [*facts, lowest, highest])
        cursor.execute("RESET synchronous_commit")


def _reconcile() -> None:
    from billing.services.reconcile import reconcile

    differences = reconcile()
    emit(bench="resets", differences=len(differences))
    if differences:
        raise SystemExit(f"the ledger does not balance: {differences[0]}")


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
_BARE = """
WITH facts (key, starts, ends, tokens) AS (VALUES (%s, %s, %s, %s::bigint)), made AS (
    INSERT INTO billing_grant (user_id, kind, priority, source, effective_at, expires_at,
        amount, available, held, spent, expired, voided, owed, created_at)
    SELECT n, 'free_monthly', 10, 'grant:free:' || n || ':' || key, starts, ends,
        tokens, tokens, 0, 0, 0, 0, 0, now()
    FROM facts, generate_series(%s, %s) AS n
    RETURNING id, amount, source
)
INSERT INTO billing_movement (grant_id, from_state, to_state, amount, key, created_at)
SELECT id, 'issued', 'available', amount, source, now() FROM made
"""
