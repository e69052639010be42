"""All that the database says of one person's tokens, in one statement.

The state machine compares every row after every step: asked for through the ORM, table by table,
that took half of its time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import connection

from tests.billing.pencil import STATES

# Rows of all kinds have one shape: kind, whose, what, and six numbers.
EVERYTHING = """
SELECT 'grant', source, '', available, held, spent, expired, voided, owed
  FROM billing_grant WHERE user_id = %(user)s
UNION ALL
SELECT 'hold', key, state, 0, 0, 0, 0, 0, 0
  FROM billing_hold WHERE user_id = %(user)s
UNION ALL
SELECT 'moved', source, from_state || '>' || to_state,
       CAST(SUM(movement.amount) AS bigint), MIN(movement.amount), 0, 0, 0, 0
  FROM billing_movement movement JOIN billing_grant ON billing_grant.id = grant_id
 WHERE user_id = %(user)s GROUP BY source, from_state, to_state
UNION ALL
SELECT 'debt', source, '', CAST(SUM(entry.amount) AS bigint), 0, 0, 0, 0, 0
  FROM billing_debtentry entry JOIN billing_grant ON billing_grant.id = grant_id
 WHERE user_id = %(user)s GROUP BY source
UNION ALL
SELECT 'claw_back', subject, '', 0, 0, 0, 0, 0, 0
  FROM billing_staffaction WHERE verb = 'claw_back' AND user_id = %(user)s
UNION ALL
SELECT 'actions', '', '', COUNT(*), 0, 0, 0, 0, 0
  FROM billing_staffaction WHERE user_id = %(user)s
"""


@dataclass
class Written:
    """By the source of a grant: its totals, and what they are by its movements and debts.

    holds: states by key. clawed: the sources that staff took from. actions: how many of staff.
    """

    totals: dict[str, tuple[int, ...]] = field(default_factory=dict)
    sums: dict[str, dict[str, int]] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)
    least_movement: int = 1
    indebted: set[str] = field(default_factory=set)
    clawed: set[str] = field(default_factory=set)
    actions: int = 0


def written_of(user_id: int) -> Written:
    found = Written()
    with connection.cursor() as cursor:
        cursor.execute(EVERYTHING, {"user": user_id})
        rows = cursor.fetchall()
    for kind, key, what, *numbers in rows:
        if kind == "grant":
            found.totals[key] = tuple(numbers)
        elif kind == "hold":
            found.holds[key] = what
        elif kind == "claw_back":
            found.clawed.add(key)
        elif kind == "actions":
            found.actions = numbers[0]
        else:
            _add(found, kind, key, what, numbers)
    return found


def _add(found: Written, kind: str, source: str, what: str, numbers: list[int]) -> None:
    sums = found.sums.setdefault(source, dict.fromkeys(("issued", *STATES), 0))
    if kind == "debt":
        found.indebted.add(source)
        sums["owed"] += numbers[0]
        return
    origin, _, target = what.partition(">")
    sums[origin] -= numbers[0]
    sums[target] += numbers[0]
    found.least_movement = min(found.least_movement, numbers[1])
