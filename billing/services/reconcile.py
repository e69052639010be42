"""Proves that the totals are what the movements say. Reads only.

Each check is one statement, so one snapshot: it finds nothing on a busy, correct ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.db.models import (
    BigIntegerField,
    Case,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from billing.models import DebtEntry, Grant, Hold, Movement

_TOTALS = ("available", "held", "spent", "expired", "voided")


class Difference(NamedTuple):
    """stored: what the row says. counted: what its movements add up to. Both whole tokens."""

    row: str
    field: str
    stored: int
    counted: int

    def __str__(self) -> str:
        return f"{self.row}: {self.field} says {self.stored}, its movements say {self.counted}"


def reconcile() -> list[Difference]:
    """Every difference between totals and movements, empty if the ledger is right."""
    return [*_grants(), *_holds(), *_strays(), *_debts(), *_payments()]


def _grants() -> Iterator[Difference]:
    counted: dict[str, Combinable] = {name: _into(name) - _out_of(name) for name in _TOTALS}
    counted["amount"] = _out_of("issued")
    return _compare(Grant.objects.all(), {name: (F(name), counted[name]) for name in counted})


def _holds() -> Iterator[Difference]:
    still_held = Case(When(state=Hold.State.OPEN, then=F("amount")), default=Value(0))
    return _compare(
        Hold.objects.all(),
        {
            "amount": (F("amount"), _into("held")),
            "still held": (still_held, _into("held") - _out_of("held")),
            "settled_amount": (Coalesce("settled_amount", 0), _into("spent")),
        },
    )


def _compare(
    rows: QuerySet[Any], facts: Mapping[str, tuple[Any, Combinable]]
) -> Iterator[Difference]:
    """facts: by name, what a row says and what its movements say."""
    number = BigIntegerField()
    annotations: dict[str, Any] = {}
    differs = Q()
    for place, (stored, counted) in enumerate(facts.values()):
        annotations[f"stored_{place}"] = ExpressionWrapper(stored, number)
        annotations[f"counted_{place}"] = ExpressionWrapper(counted, number)
        differs |= ~Q(**{f"counted_{place}": F(f"stored_{place}")})
    for row in rows.annotate(**annotations).filter(differs).order_by("pk"):
        for place, name in enumerate(facts):
            # PostgreSQL sums into NUMERIC.
            says, moved = (int(getattr(row, f"{side}_{place}")) for side in ("stored", "counted"))
            if says != moved:
                label = f"{row._meta.verbose_name} {row.pk} ({row})"
                yield Difference(label, name, says, moved)


def _strays() -> Iterator[Difference]:
    """Movements through `held` that no hold explains, or that reach another user's grant."""
    held = Q(from_state=Movement.State.HELD) | Q(to_state=Movement.State.HELD)
    strange = Q(hold__isnull=True) & held | Q(hold__isnull=False) & ~Q(
        hold__user_id=F("grant__user_id")
    )
    for movement in Movement.objects.filter(strange).order_by("pk"):
        row = f"movement {movement.pk} ({movement.key})"
        yield Difference(row, "held for its own user", 0, movement.amount)


def _debts() -> Iterator[Difference]:
    entered = Coalesce(Sum("debt_entries__amount"), 0)
    return _compare(Grant.objects.all(), {"owed": (F("owed"), entered)})


def _payments() -> Iterator[Difference]:
    """Debts that were paid without the tokens that paid them."""
    tokens = Movement.objects.filter(
        Movement.MOVED,
        grant=Coalesce(OuterRef("payer"), OuterRef("grant")),
        key=OuterRef("key"),
        to_state=Movement.State.VOIDED,
        amount=-1 * OuterRef("amount"),
    )
    returned = Q(kind=DebtEntry.Kind.RETURNED, key__startswith="repay:")
    paid = Q(kind=DebtEntry.Kind.PAID, amount__lt=0)
    for entry in DebtEntry.objects.filter(returned | paid).exclude(Exists(tokens)).order_by("pk"):
        row = f"debt entry {entry.pk} ({entry.key})"
        yield Difference(row, "tokens that paid it", -entry.amount, 0)


def _into(state: str) -> Combinable:
    return Coalesce(Sum("movements__amount", filter=Q(movements__to_state=state)), 0)


def _out_of(state: str) -> Combinable:
    return Coalesce(Sum("movements__amount", filter=Q(movements__from_state=state)), 0)
