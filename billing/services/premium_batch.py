"""The day's premium grants by the thousand, in the database: what first touches would make.

A convenience like the batches of `batches`: the ledger is the same whether it runs never, late,
once, or twice at the same time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from billing.allowances import PREMIUM_SOURCE_PREFIX
from billing.entitlement import overlapping
from billing.models import Grant, PremiumPeriod
from billing.periods import Period, day_of

# The condition is `entitlement.overlapping`, the amount `entitlement.premium_tokens_on`.
_GRANTS_INSERT = f"""
INSERT INTO billing_grant (user_id, kind, priority, source, effective_at, expires_at,
    amount, available, held, spent, expired, voided, owed, created_at)
SELECT user_id, 'premium_daily', %s, '{PREMIUM_SOURCE_PREFIX}' || user_id || ':' || %s, %s, %s,
    max(tokens_per_day), max(tokens_per_day), 0, 0, 0, 0, 0, %s
FROM billing_premiumperiod
WHERE user_id > %s AND user_id <= %s
    AND starts_at < %s AND ends_at > %s AND ends_at > starts_at
GROUP BY user_id ORDER BY user_id
ON CONFLICT (source) DO NOTHING
"""  # noqa: S608 - the prefix is ours

# Sees the grants of whoever was first, too: those have their movement already.
_MOVEMENTS_INSERT = """
INSERT INTO billing_movement (grant_id, from_state, to_state, amount, key, created_at)
SELECT id, 'issued', 'available', amount, source, created_at FROM billing_grant
WHERE user_id > %s AND user_id <= %s AND kind = 'premium_daily' AND effective_at = %s
ORDER BY user_id
ON CONFLICT (key) DO NOTHING
"""


def premium_grants_premake(*, now: datetime, batch: int = 5_000) -> int:
    """Make the day's premium grant of every entitled user who has none, `batch` users a time.

    Each batch is its own transaction. Returns how many grants were made. Safe beside itself and
    beside first touches.
    """
    day = day_of(now)
    entitled = (
        PremiumPeriod.objects.filter(overlapping(start=day.start, end=day.end))
        .order_by("user_id")
        .values_list("user_id", flat=True)
        .distinct()
    )
    made, last_id = 0, 0
    while True:
        users = list(entitled.filter(user_id__gt=last_id)[:batch])
        if not users:
            return made
        made += _premake(day, now, last_id, users[-1])
        last_id = users[-1]


def _premake(day: Period, now: datetime, after_id: int, upto_id: int) -> int:
    priority = settings.POCKET_PRIORITIES[Grant.Kind.PREMIUM_DAILY]
    facts = (priority, day.key, day.start, day.end, now, after_id, upto_id, day.end, day.start)
    with transaction.atomic(savepoint=False):
        made = _run(_GRANTS_INSERT, *facts)
        _run(_MOVEMENTS_INSERT, after_id, upto_id, day.start)
    return made


def _run(sql: str, *params: Any) -> int:
    adapted = [
        connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
        for value in params
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, adapted)
        return int(cursor.rowcount)
