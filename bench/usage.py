"""`script/bench usage`: the usage page of somebody with 10,000 runs this month, among others.

Milliseconds of a whole request in this process (session, sums, templates), beside the same
person's `GET /api/usage`, files and dashboard. Goal: the page in < 300 ms.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.database import CONDITIONS, ledger_database
from bench.report import emit, milliseconds, percentile

RUNS, OTHERS, RUNS_OF_OTHERS, REPEATS = 10_000, 200, 500, 40
MUST = {"page_ms_p95": 300}
# Every run sets 5,000 tokens aside and is charged 101 to 1,000; every tenth is paid from two
# pockets. `%(first)s` is the first hold's number, so that several people can be filled in turn.
HOLDS = """
INSERT INTO billing_hold (user_id, key, amount, settled_amount, state, expires_at, created_at,
                          resolved_at)
SELECT u.id, 'bench:' || u.id || ':' || n, 5000, 101 + n %% 900, 'settled', now(),
       %(start)s::timestamptz + n * %(step)s - interval '9 seconds',
       %(start)s::timestamptz + n * %(step)s
FROM accounts_user u, generate_series(1, %(runs)s) n WHERE u.id = ANY (%(users)s)
"""
GRANTS = """
INSERT INTO billing_grant (user_id, kind, priority, source, effective_at, amount, available, held,
                           spent, expired, voided, owed, created_at)
SELECT u.id, k.kind, k.priority, 'bench:' || u.id || ':' || k.kind, %(start)s, 1000000000,
       1000000000, 0, 0, 0, 0, 0, %(start)s
FROM accounts_user u, (VALUES ('purchased', 20), ('premium_daily', 30)) AS k (kind, priority)
WHERE u.id = ANY (%(users)s)
"""
MOVEMENTS = """
INSERT INTO billing_movement (grant_id, hold_id, from_state, to_state, amount, key, created_at)
SELECT g.id, h.id, s.from_state, s.to_state, s.amount, s.verb || ':' || h.key || ':' || g.kind,
       CASE s.verb WHEN 'hold' THEN h.created_at ELSE h.resolved_at END
FROM billing_hold h
JOIN billing_grant g ON g.user_id = h.user_id AND g.source LIKE 'bench:%%'
CROSS JOIN LATERAL (SELECT CASE
    WHEN h.id %% 10 > 0 THEN CASE g.kind WHEN 'purchased' THEN h.settled_amount ELSE 0 END
    WHEN g.kind = 'purchased' THEN 100 ELSE h.settled_amount - 100 END AS spent) part
CROSS JOIN LATERAL (VALUES
    ('hold', 'available', 'held', CASE g.kind WHEN 'purchased' THEN 5000 ELSE part.spent END),
    ('settle', 'held', 'spent', part.spent),
    ('return', 'held', 'available',
     CASE g.kind WHEN 'purchased' THEN 5000 - part.spent ELSE 0 END)
) AS s (verb, from_state, to_state, amount)
WHERE h.user_id = ANY (%(users)s) AND s.amount > 0
"""
TOTALS = """
UPDATE billing_grant g SET spent = m.spent, available = g.amount - m.spent
FROM (SELECT grant_id, sum(amount) AS spent FROM billing_movement WHERE to_state = 'spent'
      GROUP BY grant_id) m
WHERE m.grant_id = g.id AND g.user_id = ANY (%(users)s)
"""
SITES = """
INSERT INTO builder_site (id, owner_id, name, created_at, updated_at)
SELECT gen_random_uuid(), u.id, 'Site ' || n, now(), now()
FROM accounts_user u, generate_series(1, 20) n WHERE u.id = ANY (%(users)s)
"""
RUNS_MADE = """
INSERT INTO builder_run (id, owner_id, site_id, hold_id, idempotency_key, request_digest, prompt,
    language, allow_fallback, model_slug, model_used_slug, token_cost, billing_unit, input_weight,
    estimate_low, estimate_high, ceiling, max_output_tokens, state, fence, dispatched_at,
    dispatch_count, created_at, started_at, finished_at, input_tokens, output_tokens,
    usage_estimated, charged, error_code, error_message, notes, changes_site, picture_count)
SELECT gen_random_uuid(), h.user_id, s.ids[1 + h.id %% 20], h.id, h.key, '',
    'Change ' || h.id || repeat(' and make it calmer', 10), '', false, m.slug, m.slug, 3,
    'per_token', 0.2, 1000, 4000, 5000, 2000, 'succeeded', 1, h.created_at, 1, h.created_at,
    h.created_at, h.resolved_at, 600, 900, false, h.settled_amount, '', '', '[]',
    true, 0
FROM billing_hold h
JOIN (SELECT owner_id, array_agg(id) AS ids FROM builder_site GROUP BY owner_id) s
    ON s.owner_id = h.user_id
JOIN (SELECT slug, row_number() OVER (ORDER BY slug) AS n, count(*) OVER () AS of
      FROM models_catalog_aimodel) m ON m.n = 1 + h.id %% m.of
WHERE h.user_id = ANY (%(users)s)
"""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench usage")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: does it run at all?")
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args(arguments)
    others, repeats = OTHERS, REPEATS
    if options.quick:
        options.runs, others, repeats = 100, 2, 3
    with ledger_database():
        user = _seed(options.runs, others)
        emit(
            bench="usage",
            conditions=CONDITIONS,
            cores=os.cpu_count(),
            runs=options.runs,
            runs_of_others=others * RUNS_OF_OTHERS,
        )
        _measure(user, repeats)


def _seed(runs: int, others: int) -> Any:
    """People with their runs of the last 30 days; gives back the one with `runs` of them."""
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from accounts.models import User
    from models_catalog.services import catalogue_seed

    catalogue_seed()
    user = User.objects.create_user("busy@example.com")
    people = User.objects.bulk_create(
        User(email=f"other{number}@example.com") for number in range(others)
    )
    start = timezone.now() - timedelta(days=29)
    groups = [([user.pk], runs), ([one.pk for one in people], RUNS_OF_OTHERS)]
    with connection.cursor() as cursor:
        for users, count in groups:
            values: dict[str, Any] = {
                "users": users,
                "runs": count,
                "start": start,
                "step": timedelta(days=29) / (count + 1),
            }
            for statement in (GRANTS, HOLDS, SITES, MOVEMENTS, TOTALS, RUNS_MADE):
                cursor.execute(statement, values)
        cursor.execute("VACUUM ANALYZE")
    return user


def _measure(user: Any, repeats: int) -> None:
    from django.conf import settings
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(user)
    paths = {
        "page": "/usage/?from={from}&to={to}",
        "api": "/api/usage?from={from}&to={to}&group=day,model",
        "csv": "/api/usage.csv?from={from}&to={to}&group=day,model,site",
        "receipts_csv": "/usage/receipts.csv?from={from}&to={to}",
        "dashboard": "/dashboard/",
    }
    days = _days()
    for name, path in paths.items():
        url = path.format(**days)
        _get(client, url)  # the first one loads templates and plans
        took = _timed(partial(_get, client, url), repeats)
        emit(
            bench="usage",
            what=name,
            ms_p50=milliseconds(percentile(took, 0.5)),
            ms_p95=milliseconds(percentile(took, 0.95)),
            **({"must": MUST} if name == "page" else {}),
        )


def _days() -> dict[str, str]:
    from datetime import timedelta

    from django.utils import timezone

    today = timezone.now().date()
    return {"from": (today - timedelta(days=29)).isoformat(), "to": today.isoformat()}


def _get(client: Any, url: str) -> None:
    response = client.get(url)
    body = b"".join(response) if response.streaming else response.content
    if response.status_code != 200 or not body:
        raise RuntimeError(f"{url} answered {response.status_code}")


def _timed(call: Callable[[], None], repeats: int) -> list[float]:
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return took
