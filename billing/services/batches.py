"""Grants by the thousand, in the database: pre-making the free month, expiring what lapsed.

A convenience: allowances are made on first touch and lapsed tokens can not be spent, whether
these run never, late, once or twice at the same time. Each batch is its own transaction, small
enough that nobody's hold waits for it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.models import User
from billing.allowances import FREE_SOURCE_PREFIX
from billing.models import Grant
from billing.periods import Period, month_of

_USERS = User._meta.db_table

_GRANTS_INSERT = f"""
INSERT INTO billing_grant (user_id, kind, priority, source, effective_at, expires_at,
    amount, available, held, spent, expired, voided, owed, created_at)
SELECT id, 'free_monthly', %s, '{FREE_SOURCE_PREFIX}' || id || ':' || %s, %s, %s,
    %s, %s, 0, 0, 0, 0, 0, %s
FROM {_USERS} WHERE id > %s AND id <= %s AND is_active ORDER BY id
ON CONFLICT (source) DO NOTHING
"""  # noqa: S608 - the table's name is ours

# Sees the grants of whoever was first, too: those have their movement already.
_MOVEMENTS_INSERT = """
INSERT INTO billing_movement (grant_id, from_state, to_state, amount, key, created_at)
SELECT id, 'issued', 'available', amount, source, created_at FROM billing_grant
WHERE user_id > %s AND user_id <= %s AND kind = 'free_monthly' AND effective_at = %s
ORDER BY user_id
ON CONFLICT (key) DO NOTHING
"""

_DUE = """
SELECT id, available FROM billing_grant WHERE spendable AND expires_at <= %s
ORDER BY expires_at, id LIMIT %s
"""
# A grant that somebody has in hand is left for the next sweep.
_DUE_POSTGRESQL = f"{_DUE} FOR NO KEY UPDATE SKIP LOCKED"
_MOVEMENTS_EXPIRE = """
INSERT INTO billing_movement (grant_id, from_state, to_state, amount, key, created_at)
SELECT id, 'available', 'expired', available, 'expire:' || id, %s FROM billing_grant
WHERE available > 0 AND id IN
"""
_GRANTS_EXPIRE = """
UPDATE billing_grant SET expired = expired + available, available = 0
WHERE available > 0 AND id IN
"""


def free_grants_premake(*, now: datetime, batch: int = 5_000) -> int:
    """Make the month's free grant of every active user who has none, `batch` users a time.

    Returns how many were made. Safe beside itself and beside first touches.
    """
    month = month_of(now)
    made, last_id = 0, 0
    while True:
        users = User.objects.filter(pk__gt=last_id).order_by("pk").values_list("pk", flat=True)
        # The batch's last user, or, where fewer are left, the last of all.
        upto = users[batch - 1 : batch].first() or users.last()
        if upto is None:
            return made
        made += _premake(month, now, last_id, upto)
        last_id = upto


def grants_expire(*, now: datetime, limit: int = 5_000) -> int:
    """Move what is available of lapsed grants to expired. Returns how many grants (≤ `limit`)."""
    postgresql = connection.vendor == "postgresql"
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        # Locked first, then read anew by statements of their own: one statement for all of it
        # would join the locked row to the version its snapshot began with.
        cursor.execute(_DUE_POSTGRESQL if postgresql else _DUE, _adapted(now, limit))
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return 0
        among = f"({', '.join(['%s'] * len(ids))})"
        cursor.execute(_MOVEMENTS_EXPIRE + among, _adapted(now, *ids))
        cursor.execute(_GRANTS_EXPIRE + among, ids)
        return int(cursor.rowcount)


def _premake(month: Period, now: datetime, after_id: int, upto_id: int) -> int:
    amount = settings.FREE_MONTHLY_TOKENS
    priority = settings.POCKET_PRIORITIES[Grant.Kind.FREE_MONTHLY]
    facts = (priority, month.key, month.start, month.end, amount, amount, now)
    with transaction.atomic(savepoint=False):
        made = _run(_GRANTS_INSERT, *facts, after_id, upto_id)
        _run(_MOVEMENTS_INSERT, after_id, upto_id, month.start)
    return made


def _run(sql: str, *params: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, _adapted(*params))
        return int(cursor.rowcount)


def _adapted(*params: Any) -> list[Any]:
    """Moments as the database's own driver wants them in raw SQL."""
    return [
        connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
        for value in params
    ]
