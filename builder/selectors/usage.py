"""What a person used, added up by the database from the ledger's own rows.

Tokens are those of movements into `spent`; a hold says which run they were for, and a hold that
no run made (staff's, by hand) is told as neither a model's nor a site's. A day is the day, in
the person's zone, on which the tokens were charged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, NullIf, TruncDate

from billing.models import Hold, Movement
from builder.models import Site
from builder.usage_range import DayRange

DAY, MODEL, SITE = "day", "model", "site"
GROUPS = (DAY, MODEL, SITE)


@dataclass(frozen=True, slots=True)
class UsageScope:
    """Whose usage, of which days; `model` (a slug) and `site_id` narrow it down."""

    user_id: int
    days: DayRange
    model: str = ""
    site_id: UUID | None = None


@dataclass(slots=True)
class UsageRow:
    """One group's sums. pockets: tokens by a grant's kind, in spending order.

    runs: finished runs, charged or not. input_tokens, output_tokens: the models' own, of the runs
    that were charged. Of what it is not grouped by, and of what no run made, the key is None.
    """

    day: date | None = None
    model: str | None = None
    site_id: UUID | None = None
    pockets: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def charged(self) -> int:
        """Tokens charged, over all pockets."""
        return sum(self.pockets.values())


def usage_rows(scope: UsageScope, by: Sequence[str]) -> list[UsageRow]:
    """The sums of every group that has any, by at least one of `GROUPS`: two queries.

    Ordered by day, then by tokens, the most first.
    """
    rows: dict[tuple[Any, ...], UsageRow] = {}

    def row_of(found: dict[str, Any]) -> UsageRow:
        if DAY in by:
            found[DAY] = scope.days.nearest(found[DAY])
        key = tuple(found[name] for name in by)
        names = {"site_id" if name == SITE else name: found[name] for name in by}
        return rows.setdefault(key, UsageRow(**names))

    for found in _spent(scope, by).iterator():
        pockets = row_of(found).pockets
        kind = found["grant__kind"]
        pockets[kind] = pockets.get(kind, 0) + found["tokens"]
    for found in _finished(scope, by).iterator():
        row = row_of(found)
        row.runs += found["runs"]
        row.input_tokens += found["input_tokens"] or 0
        row.output_tokens += found["output_tokens"] or 0
    return sorted(
        (row for row in rows.values() if row.runs or row.pockets),
        key=lambda row: (row.day or date.min, -row.charged, row.model or "~", str(row.site_id)),
    )


def usage_total(rows: Iterable[UsageRow]) -> UsageRow:
    """All rows as one."""
    total = UsageRow()
    for row in rows:
        for kind, tokens in row.pockets.items():
            total.pockets[kind] = total.pockets.get(kind, 0) + tokens
        total.runs += row.runs
        total.input_tokens += row.input_tokens
        total.output_tokens += row.output_tokens
    return total


def site_names(scope: UsageScope, rows: Iterable[UsageRow]) -> dict[UUID, str]:
    """The names of the sites in some rows, also of deleted ones, by id."""
    ids = {row.site_id for row in rows if row.site_id}
    sites = Site.objects.filter(owner_id=scope.user_id, pk__in=ids) if ids else Site.objects.none()
    return dict(sites.values_list("pk", "name"))


def model_of(run: str) -> Combinable:
    """The model that answered, else the one asked for; NULL without a run. `run`: the path to it
    with its `__`."""
    answered = NullIf(F(f"{run}model_used_slug"), Value(""))
    return Coalesce(answered, F(f"{run}model_slug"))


def _spent(scope: UsageScope, by: Sequence[str]) -> QuerySet[Movement, dict[str, Any]]:
    # By the owner of the grant, not of the hold: the grants are needed anyway, and they are few.
    movements = Movement.objects.filter(
        grant__user_id=scope.user_id,
        to_state=Movement.State.SPENT,
        created_at__gte=scope.days.start,
        created_at__lt=scope.days.end,
    )
    grouped = _narrowed(movements, scope, by, run="hold__run__", at="created_at")
    # The priority before the kind: pockets come in spending order.
    kinds = grouped.values(*by, "grant__kind", "grant__priority")
    return kinds.annotate(tokens=Sum("amount")).order_by("grant__priority")


def _finished(scope: UsageScope, by: Sequence[str]) -> QuerySet[Hold, dict[str, Any]]:
    # The instant a hold is resolved at is that of its movements, to the microsecond; the run's
    # own end is noted a moment later, which may be the next day.
    holds = Hold.objects.filter(
        user_id=scope.user_id,
        resolved_at__gte=scope.days.start,
        resolved_at__lt=scope.days.end,
    )
    charged = Q(settled_amount__gt=0)
    grouped = _narrowed(holds, scope, by, run="run__", at="resolved_at").values(*by)
    return grouped.annotate(
        runs=Count("run"),
        input_tokens=Sum("run__input_tokens", filter=charged),
        output_tokens=Sum("run__output_tokens", filter=charged),
    ).order_by()


def _narrowed(rows: Any, scope: UsageScope, by: Sequence[str], *, run: str, at: str) -> Any:
    """Rows with the groups' keys, only those of the model and the site asked for."""
    keys: dict[str, Combinable] = {
        DAY: TruncDate(at, tzinfo=scope.days.zone),
        MODEL: model_of(run),
        SITE: F(f"{run}site_id"),
    }
    if scope.model:
        rows = rows.annotate(answered_by=model_of(run)).filter(answered_by=scope.model)
    if scope.site_id:
        rows = rows.filter(**{f"{run}site_id": scope.site_id})
    return rows.annotate(**{name: keys[name] for name in by})
