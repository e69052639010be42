"""All that the database says of one person's money and tokens, in one statement.

The state machine reads it after every step; through the ORM, table by table, that would be most
of its time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connection

from tests.billing.pencil import NEVER, PRIORITY

STATES = ("available", "held", "spent", "expired", "voided")
# Rows of all kinds have one shape: what, four words, three moments, eight numbers.
EVERYTHING = """
SELECT 'grant', source, kind, '', '', CAST(effective_at AS text), CAST(expires_at AS text), '',
       id, amount, available, held, spent, expired, voided, owed
  FROM billing_grant WHERE user_id = %(user)s
UNION ALL
SELECT 'moved', source, from_state, to_state, '', '', '', '',
       CAST(SUM(movement.amount) AS bigint), MIN(movement.amount),
       CAST(SUM(CASE WHEN key LIKE '%%void:reversal:%%' THEN movement.amount ELSE 0 END) AS bigint),
       0, 0, 0, 0, 0
  FROM billing_movement movement JOIN billing_grant ON billing_grant.id = grant_id
 WHERE user_id = %(user)s GROUP BY source, from_state, to_state
UNION ALL
SELECT 'debt', source, '', '', '', '', '', '',
       CAST(SUM(entry.amount) AS bigint),
       CAST(SUM(CASE WHEN entry.kind = 'taken' THEN entry.amount ELSE 0 END) AS bigint),
       CAST(SUM(CASE WHEN entry.kind = 'paid' THEN -entry.amount ELSE 0 END) AS bigint),
       0, 0, 0, 0, 0
  FROM billing_debtentry entry JOIN billing_grant ON billing_grant.id = grant_id
 WHERE user_id = %(user)s GROUP BY source
UNION ALL
SELECT 'payment', source, dispute, charge_id, '', '', '', '',
       amount_cents, tokens, refunded_cents, disputed_cents, reversals, 0, 0, 0
  FROM billing_payment WHERE user_id = %(user)s
UNION ALL
SELECT 'period', source, subscription_id, kind, '',
       CAST(starts_at AS text), CAST(ends_at AS text), CAST(cut_from AS text),
       tokens_per_day, 0, 0, 0, 0, 0, 0, 0
  FROM billing_premiumperiod WHERE user_id = %(user)s
"""


@dataclass
class Pocket:
    """A grant with what its movements and debts add up to.

    taken: of it, for money that went back. paid: of that, by other grants' tokens; so much of its
    own, if it comes back from a hold, is the person's again.
    """

    source: str
    kind: str
    start: datetime
    end: datetime
    number: int
    amount: int
    totals: dict[str, int]
    owed: int
    moved: dict[str, int] = field(default_factory=dict)
    debts: int = 0
    taken: int = 0
    paid: int = 0

    @property
    def turn(self) -> tuple[int, datetime, int]:
        """Its place in spending order, by docs/ledger.md and not by what the row says."""
        return PRIORITY[self.kind], self.end, self.number

    def spendable(self, now: datetime) -> bool:
        return self.start <= now < self.end and not self.totals["expired"]


@dataclass(frozen=True)
class Paid:
    """A payment."""

    source: str
    dispute: str
    charge: str
    cents: int
    tokens: int
    refunded: int
    disputed: int
    reversals: int

    @property
    def reversed(self) -> bool:
        return self.refunded >= self.cents or self.dispute == "lost"

    @property
    def kept(self) -> bool:
        return not self.reversed and self.dispute != "open"


@dataclass(frozen=True)
class Premium:
    """A premium period. billed_end: by its invoice, whatever became of it."""

    source: str
    subscription: str
    kind: str
    start: datetime
    end: datetime
    cut: bool
    billed_end: datetime


@dataclass
class Books:
    """Each by its source."""

    pockets: dict[str, Pocket] = field(default_factory=dict)
    payments: dict[str, Paid] = field(default_factory=dict)
    periods: dict[str, Premium] = field(default_factory=dict)
    least_movement: int = 1

    def in_spending_order(self) -> list[Pocket]:
        return sorted(self.pockets.values(), key=lambda pocket: pocket.turn)


def books_of(user_id: int) -> Books:
    found = Books()
    with connection.cursor() as cursor:
        cursor.execute(EVERYTHING, {"user": user_id})
        rows = cursor.fetchall()
    # Grants first: the others say something of them. The order of a UNION is nobody's promise.
    for row in sorted(rows, key=lambda row: row[0] != "grant"):
        _ADD[row[0]](found, row[1:5], row[5:8], row[8:])
    return found


def _grant(found: Books, words, moments, numbers) -> None:
    number, amount, *totals, owed = numbers
    source, kind, *_ = words
    start, end = moment(moments[0]), moment(moments[1])
    by_state = dict(zip(STATES, totals, strict=True))
    pocket = Pocket(source, kind, start, end, number, amount, by_state, owed)
    pocket.moved = dict.fromkeys(("issued", *STATES), 0)
    found.pockets[source] = pocket


def _moved(found: Books, words, moments, numbers) -> None:
    source, origin, target, _ = words
    tokens, least, taken = numbers[:3]
    pocket = found.pockets[source]
    pocket.moved[origin] -= tokens
    pocket.moved[target] += tokens
    pocket.taken += taken if target == "voided" else -taken
    found.least_movement = min(found.least_movement, least)


def _debt(found: Books, words, moments, numbers) -> None:
    pocket = found.pockets[words[0]]
    pocket.debts = numbers[0]
    # No member of staff takes anything in these histories: whatever is taken is for money.
    pocket.taken += numbers[1]
    pocket.paid = numbers[2]


def _payment(found: Books, words, moments, numbers) -> None:
    source, dispute, charge, _ = words
    found.payments[source] = Paid(source, dispute, charge, *numbers[:5])


def _period(found: Books, words, moments, numbers) -> None:
    source, subscription, kind, _ = words
    start, end = moment(moments[0]), moment(moments[1])
    cut = bool(moments[2])
    billed_end = moment(moments[2]) if cut else end
    found.periods[source] = Premium(source, subscription, kind, start, end, cut, billed_end)


_ADD = {
    "grant": _grant,
    "moved": _moved,
    "debt": _debt,
    "payment": _payment,
    "period": _period,
}


def moment(text: str | None) -> datetime:
    """SQLite writes UTC without saying so, PostgreSQL says `+00`. Nothing is never."""
    if not text:
        return NEVER
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
