"""What models earn and cost: per UTC day and model, from the attempts and the ledger.

A row is told by the attempts that began on that day: their cost (also of those that failed or
were not charged), and the tokens charged for them, worth what `builder/token_value.py` says of
the pocket they were spent from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncDate

from billing.models import Movement
from builder.models import Attempt
from builder.token_value import pocket_usd
from builder.usage_range import DayRange


@dataclass(slots=True)
class MarginRow:
    """Sums; dollars are exact decimals. day, model: None where summed over.

    attempts: calls of providers. unknown: those that used tokens at a cost nobody told and no
    price gives; they count 0. estimated: those costed by list price. sold: tokens charged; free:
    those of them that earned nothing.
    """

    day: date | None = None
    model: str | None = None
    attempts: int = 0
    unknown: int = 0
    estimated: int = 0
    sold: int = 0
    free: int = 0
    revenue_usd: Decimal = field(default_factory=Decimal)
    cost_usd: Decimal = field(default_factory=Decimal)

    @property
    def margin_usd(self) -> Decimal:
        return self.revenue_usd - self.cost_usd

    @property
    def margin_percent(self) -> Decimal | None:
        """Of the revenue; None without any."""
        return 100 * self.margin_usd / self.revenue_usd if self.revenue_usd else None

    def add(self, other: MarginRow) -> None:
        self.attempts += other.attempts
        self.unknown += other.unknown
        self.estimated += other.estimated
        self.sold += other.sold
        self.free += other.free
        self.revenue_usd += other.revenue_usd
        self.cost_usd += other.cost_usd


def margin_rows(days: DayRange) -> list[MarginRow]:
    """Every day and model with an attempt, in two queries; ordered by day, then model."""
    worth = pocket_usd()
    rows = {(found["day"], found["model_slug"]): _row(found) for found in _costs(days)}
    for found in _sold(days):
        row = rows[found["day"], found["model_slug"]]
        usd = worth.get(found["kind"], Decimal(0)) * found["tokens"]
        row.sold += found["tokens"]
        row.free += 0 if usd else found["tokens"]
        row.revenue_usd += usd
    return [rows[key] for key in sorted(rows)]


def summed_by(rows: Iterable[MarginRow], key: str) -> list[MarginRow]:
    """The rows summed by `day` or `model`, in the order of the key."""
    sums: dict[Any, MarginRow] = {}
    for row in rows:
        value = getattr(row, key)
        total = sums.setdefault(value, MarginRow(**{key: value}))
        total.add(row)
    return [sums[value] for value in sorted(sums)]


def margin_total(rows: Iterable[MarginRow]) -> MarginRow:
    total = MarginRow()
    for row in rows:
        total.add(row)
    return total


def _attempts(days: DayRange) -> Any:
    within = Attempt.objects.filter(
        started_at__gte=days.start, started_at__lt=days.end, ended_at__isnull=False
    )
    return within.annotate(day=TruncDate("started_at", tzinfo=UTC)).order_by()


def _costs(days: DayRange) -> Iterable[Mapping[str, Any]]:
    used = Q(output_tokens__gt=0) | Q(input_tokens__gt=0)
    gave = Q(first_content_at__isnull=False)
    grouped: Iterable[Mapping[str, Any]] = (
        _attempts(days)
        .values("day", "model_slug")
        .annotate(
            attempts=Count("pk"),
            unknown=Count("pk", filter=Q(cost_usd=None) & used & gave),
            estimated=Count("pk", filter=Q(cost_estimated=True)),
            cost=Sum("cost_usd"),
        )
    )
    return grouped


def _sold(days: DayRange) -> Iterable[Mapping[str, Any]]:
    # The tokens of the run's one hold were charged for the one attempt that was charged.
    kind, amount = "run__hold__movements__grant__kind", "run__hold__movements__amount"
    grouped: Iterable[Mapping[str, Any]] = (
        _attempts(days)
        .filter(charged__gt=0, run__hold__movements__to_state=Movement.State.SPENT)
        .values("day", "model_slug", kind=F(kind))
        .annotate(tokens=Sum(amount))
    )
    return grouped


def _row(found: Mapping[str, Any]) -> MarginRow:
    return MarginRow(
        day=found["day"],
        model=found["model_slug"],
        attempts=found["attempts"],
        unknown=found["unknown"],
        estimated=found["estimated"],
        cost_usd=Decimal(found["cost"] or 0),
    )
