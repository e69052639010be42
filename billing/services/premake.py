"""Allowances by the thousand: the grants that first touches would make, with their movements.

What the batches of free months and of premium days have in common. Each call is a transaction of
its own, small enough that nobody's hold waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from billing.models import Grant
from billing.periods import Period

_GRANTS = """
INSERT INTO billing_grant (user_id, kind, priority, source, effective_at, expires_at,
    amount, available, held, spent, expired, voided, owed, created_at)
SELECT due.user_id, %(kind)s, %(priority)s, %(prefix)s || due.user_id || ':' || %(key)s,
    %(start)s, %(end)s, due.amount, due.amount, 0, 0, 0, 0, 0, %(now)s
FROM ({due}) AS due ORDER BY due.user_id
ON CONFLICT (source) DO NOTHING
"""
_MOVEMENTS = """
INSERT INTO billing_movement (grant_id, from_state, to_state, amount, key, created_at)
SELECT id, 'issued', 'available', amount, source, created_at FROM
"""
# Whoever made a grant first wrote its movement in the same transaction, so only those that are
# made here need one.
_BOTH = f"WITH made AS ({_GRANTS} RETURNING id, amount, source, created_at) {_MOVEMENTS} made"
# SQLite can not insert what an INSERT returned. It meets the others' grants again, too.
_AFTERWARDS = f"""{_MOVEMENTS} billing_grant
WHERE user_id > %(after_id)s AND user_id <= %(upto_id)s
    AND kind = %(kind)s AND effective_at = %(start)s
ORDER BY user_id ON CONFLICT (grant_id, key) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Who is due how much: `due` selects user_id and amount of users with an id above `after_id`,
    up to `upto_id`; these two, `start`, `end` and the names in `facts` may be used in it."""

    kind: Grant.Kind
    source_prefix: str
    period: Period
    due: str
    after_id: int
    upto_id: int
    facts: dict[str, Any]


def batch_premake(batch: Batch, *, now: datetime) -> int:
    """Make the grants of a batch that nobody has made yet. Returns how many.

    Safe beside itself and beside first touches: each source can exist only once, and whoever
    comes second waits for the first.
    """
    facts = {
        "kind": batch.kind.value,
        "priority": settings.POCKET_PRIORITIES[batch.kind],
        "prefix": batch.source_prefix,
        "key": batch.period.key,
        "start": batch.period.start,
        "end": batch.period.end,
        "now": now,
        "after_id": batch.after_id,
        "upto_id": batch.upto_id,
        **batch.facts,
    }
    postgresql = connection.vendor == "postgresql"
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        commit_lazily()
        cursor.execute((_BOTH if postgresql else _GRANTS).format(due=batch.due), adapted(facts))
        made = int(cursor.rowcount)
        if not postgresql:
            cursor.execute(_AFTERWARDS, adapted(facts))
    return made


def commit_lazily() -> None:
    """The transaction does not wait for the disk. If the server dies within the next second it is
    lost whole, and the next batch or first touch does the same again."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")


def adapted(facts: dict[str, Any]) -> dict[str, Any]:
    """Moments as the database's own driver wants them in raw SQL."""
    return {
        name: connection.ops.adapt_datetimefield_value(value)
        if isinstance(value, datetime)
        else value
        for name, value in facts.items()
    }
