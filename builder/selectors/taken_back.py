"""Revenue that refunds and disputes took back after its tokens had been used.

A refund voids what is left of a purchase: that was never sold to a model, so no margin counted it.
What was used already becomes a debt; its money is gone, and comes again where the debt is paid with
tokens bought later. A debt that staff forgave stays lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from decimal import Decimal

from django.db.models import F, Sum
from django.db.models.functions import TruncDate

from billing.models import DebtEntry
from builder.token_value import pocket_usd
from builder.usage_range import DayRange

_Kind = DebtEntry.Kind


@dataclass(slots=True)
class TakenBack:
    """tokens: taken back after they were used, without those given back again. repaid: tokens
    that paid such a debt. usd: what both take off the revenue, by the pockets' worth; negative
    where more was repaid than taken. day: None where summed over."""

    day: date | None = None
    tokens: int = 0
    repaid: int = 0
    usd: Decimal = field(default_factory=Decimal)


def taken_back_rows(days: DayRange) -> list[TakenBack]:
    """By the UTC day on which it was booked; days without any are missing. Two queries."""
    worth = pocket_usd()
    rows: dict[date, TakenBack] = {}
    entries = DebtEntry.objects.filter(created_at__gte=days.start, created_at__lt=days.end)
    sums = (
        entries.exclude(kind=_Kind.FORGIVEN)
        .annotate(day=TruncDate("created_at", tzinfo=UTC))
        .order_by()
        .values("day", "kind", own=F("grant__kind"), payer_pocket=F("payer__kind"))
        .annotate(tokens=Sum("amount"))
    )
    for found in sums:
        row = rows.setdefault(found["day"], TakenBack(found["day"]))
        if found["kind"] == _Kind.PAID:
            row.repaid -= found["tokens"]
        else:
            row.tokens += found["tokens"]
        pocket = found["payer_pocket"] or found["own"]
        row.usd += worth.get(pocket, Decimal(0)) * found["tokens"]
    return [rows[day] for day in sorted(rows)]


def taken_back_total(rows: Sequence[TakenBack]) -> TakenBack:
    return TakenBack(
        tokens=sum(row.tokens for row in rows),
        repaid=sum(row.repaid for row in rows),
        usd=sum((row.usd for row in rows), Decimal(0)),
    )
