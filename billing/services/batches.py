"""Grants by the thousand, in the database: pre-making the free month, expiring what lapsed.

A convenience: allowances are made on first touch and lapsed tokens can not be spent, whether
these run never, late, once or twice at the same time. Each batch is its own transaction, small
enough that nobody's hold waits for it.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max, Min

from accounts.models import User
from billing.allowances import FREE_SOURCE_PREFIX
from billing.models import Grant
from billing.offers import free_tokens
from billing.periods import month_of
from billing.services.premake import Batch, adapted, batch_premake, commit_lazily

_FREE_DUE = f"""
SELECT id AS user_id, %(tokens)s AS amount FROM {User._meta.db_table}
WHERE id > %(after_id)s AND id <= %(upto_id)s AND is_active
"""  # noqa: S608 - the table's name is ours

# By the index alone: to sort those of one instant as well would mean to read them all each time.
_DUE = """
SELECT id FROM billing_grant WHERE spendable AND expires_at <= %(now)s
ORDER BY expires_at LIMIT %(limit)s
"""
# A grant that somebody has in hand is left for the next sweep.
_DUE_POSTGRESQL = f"{_DUE} FOR NO KEY UPDATE SKIP LOCKED"
_MOVEMENTS_EXPIRE = """
INSERT INTO billing_movement (grant_id, from_state, to_state, amount, key, created_at)
SELECT id, 'available', 'expired', available, 'expire:' || id, %(now)s FROM billing_grant
WHERE available > 0 AND id
"""
_GRANTS_EXPIRE = """
UPDATE billing_grant SET expired = expired + available, available = 0
WHERE available > 0 AND id
"""


def free_grants_premake(*, now: datetime, batch: int = 1_000, part: int = 0, parts: int = 1) -> int:
    """Make the month's free grant of every active user who has none, at most `batch` a time.

    part, parts: only every `parts`-th batch, from the `part`-th (0 first), so that several can
    share the work. Returns how many were made. Safe beside itself and beside first touches.
    """
    ends = User.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return 0
    month, facts, made = month_of(now), {"tokens": free_tokens()}, 0
    for after_id in range(ends["first"] - 1 + part * batch, ends["last"], parts * batch):
        made += batch_premake(
            Batch(
                kind=Grant.Kind.FREE_MONTHLY,
                source_prefix=FREE_SOURCE_PREFIX,
                period=month,
                due=_FREE_DUE,
                after_id=after_id,
                upto_id=after_id + batch,
                facts=facts,
            ),
            now=now,
        )
    return made


def grants_expire(*, now: datetime, limit: int = 1_000) -> int:
    """Move what is available of lapsed grants to expired. Returns how many grants (≤ `limit`)."""
    postgresql = connection.vendor == "postgresql"
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        commit_lazily()
        # Locked first, then read anew by statements of their own: one statement for all of it
        # would join the locked row to the version its snapshot began with.
        due = _DUE_POSTGRESQL if postgresql else _DUE
        cursor.execute(due, adapted({"now": now, "limit": limit}))
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return 0
        among = "= ANY (%(ids)s)" if postgresql else f"IN ({', '.join(map(str, ids))})"
        facts = adapted({"now": now, "ids": ids})
        cursor.execute(_MOVEMENTS_EXPIRE + among, facts)
        cursor.execute(_GRANTS_EXPIRE + among, facts)
        return int(cursor.rowcount)
