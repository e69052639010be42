"""Allowances by the thousand: the grants that first touches would make, with their movements.

What the batches of free months and of premium days have in common. Each call is a transaction of
its own, small enough that nobody's hold waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from billing.models import Grant
from billing.periods import Period
from billing.services.issuing import grants_issue

_GRANTS = """
INSERT INTO billing_grant (user_id, kind, priority, source, effective_at, expires_at,
    amount, available, held, spent, expired, voided, owed, created_at)
SELECT due.user_id, %(kind)s, %(priority)s, %(prefix)s || due.user_id || ':' || %(key)s,
    %(start)s, %(end)s, due.amount, due.amount, 0, 0, 0, 0, 0, %(now)s
FROM ({due}) AS due
WHERE due.user_id NOT IN (
    SELECT user_id FROM billing_grant
    WHERE user_id > %(after_id)s AND user_id <= %(upto_id)s
        AND expires_at = %(end)s AND kind = %(kind)s
)
ORDER BY due.user_id
"""
# A third of an INSERT's time: only where a grant appears between our look and our INSERT.
_BESIDE_OTHERS = f"{_GRANTS} ON CONFLICT (source) DO NOTHING"


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
    try:
        return _insert(_GRANTS.format(due=batch.due), facts)
    except IntegrityError:
        return _insert(_BESIDE_OTHERS.format(due=batch.due), facts)


def _insert(sql: str, facts: dict[str, Any]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        commit_lazily()
        if connection.vendor == "postgresql":
            cursor.execute(sql, adapted(facts))
            return int(cursor.rowcount)
        cursor.execute(f"{sql} RETURNING id", adapted(facts))
        made = [row[0] for row in cursor.fetchall()]
        grants_issue(list(Grant.objects.filter(pk__in=made)))
        return len(made)


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
