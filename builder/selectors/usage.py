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

from django.db.models import Count, F, FilteredRelation, Q, QuerySet, Sum, Value
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
    """One group's sums. charged: tokens. pockets: its parts by a grant's kind, in spending order.

    runs: finished runs, charged or not. input_tokens, output_tokens: the models' own, of the runs
    that were charged. Of what it is not grouped by, and of what no run made, the key is None.
    """

    day: date | None = None
    model: str | None = None
    site_id: UUID | None = None
    charged: int = 0
    pockets: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class _Rows:
    """Rows by their keys, made as they are found."""

    def __init__(self, scope: UsageScope, by: Sequence[str]) -> None:
        self.scope, self.by = scope, by
        self.rows: dict[tuple[Any, ...], UsageRow] = {}

    def of(self, found: dict[str, Any]) -> UsageRow:
        if DAY in self.by:
            found[DAY] = self.scope.days.nearest(found[DAY])
        names = {_attribute(name): found[name] for name in self.by}
        return self.rows.setdefault(tuple(names.values()), UsageRow(**names))

    def in_order(self) -> list[UsageRow]:
        return _in_order(row for row in self.rows.values() if row.runs or row.charged)


def usage_rows(scope: UsageScope, by: Sequence[str]) -> list[UsageRow]:
    """The sums of every group that has any, by at least one of `GROUPS`, in two queries.

    Ordered by day, then by tokens, the most first.
    """
    rows = _Rows(scope, by)
    _add_spent(rows)
    _add_finished(rows, charged=False)
    return rows.in_order()


def pocket_rows(scope: UsageScope, by: Sequence[str]) -> list[UsageRow]:
    """The same, but for runs and the models' tokens: only what the pockets paid."""
    rows = _Rows(scope, by)
    _add_spent(rows)
    return rows.in_order()


def run_rows(scope: UsageScope, by: Sequence[str]) -> list[UsageRow]:
    """The same, but for the pockets: from holds and runs alone, which is quicker."""
    rows = _Rows(scope, by)
    _add_finished(rows, charged=True)
    return rows.in_order()


def regrouped(rows: Iterable[UsageRow], name: str) -> list[UsageRow]:
    """Rows by several keys as rows by one of them (`DAY`, `MODEL` or `SITE`)."""
    attribute = _attribute(name)
    groups: dict[Any, list[UsageRow]] = {}
    for row in rows:
        groups.setdefault(getattr(row, attribute), []).append(row)
    totals = {key: usage_total(members) for key, members in groups.items()}
    for key, total in totals.items():
        setattr(total, attribute, key)
    return _in_order(totals.values())


def usage_total(rows: Iterable[UsageRow]) -> UsageRow:
    """All rows as one."""
    total = UsageRow()
    for row in rows:
        total.charged += row.charged
        for kind, tokens in row.pockets.items():
            total.pockets[kind] = total.pockets.get(kind, 0) + tokens
        total.runs += row.runs
        total.input_tokens += row.input_tokens
        total.output_tokens += row.output_tokens
    return total


def _attribute(name: str) -> str:
    return "site_id" if name == SITE else name


def _add_spent(rows: _Rows) -> None:
    for found in _spent(rows.scope, rows.by).iterator():
        row = rows.of(found)
        kind, tokens = found["grant__kind"], found["tokens"]
        row.pockets[kind] = row.pockets.get(kind, 0) + tokens
        row.charged += tokens


def _add_finished(rows: _Rows, *, charged: bool) -> None:
    for found in _finished(rows.scope, rows.by).iterator():
        row = rows.of(found)
        row.runs += found["runs"]
        row.input_tokens += found["input_tokens"] or 0
        row.output_tokens += found["output_tokens"] or 0
        if charged:
            row.charged += found["charged"] or 0


def _in_order(rows: Iterable[UsageRow]) -> list[UsageRow]:
    def place(row: UsageRow) -> tuple[Any, ...]:
        return (row.day or date.min, -row.charged, row.model or "~", str(row.site_id))

    return sorted(rows, key=place)


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


def _spent(scope: UsageScope, by: Sequence[str]) -> Any:
    # By the owner of the grant, not of the hold: the grants are needed anyway, and they are few.
    movements = Movement.objects.filter(
        Movement.MOVED,
        grant__user_id=scope.user_id,
        to_state=Movement.State.SPENT,
        created_at__gte=scope.days.start,
        created_at__lt=scope.days.end,
    )
    # Only that person's runs are joined: else PostgreSQL may read everybody's to find them.
    own = FilteredRelation("hold__run", condition=Q(hold__run__owner_id=scope.user_id))
    grouped = _keyed(movements.annotate(own=own), scope, by, at="created_at")
    # The priority before the kind: pockets come in spending order.
    kinds = grouped.values(*by, "grant__kind", "grant__priority")
    return kinds.annotate(tokens=Sum("amount")).order_by("grant__priority")


def _finished(scope: UsageScope, by: Sequence[str]) -> Any:
    # The instant a hold is resolved at is that of its movements, to the microsecond; the run's
    # own end is noted a moment later, which may be the next day.
    holds = Hold.objects.filter(
        user_id=scope.user_id,
        resolved_at__gte=scope.days.start,
        resolved_at__lt=scope.days.end,
    )
    charged = Q(settled_amount__gt=0)
    grouped = _keyed(with_own_run(holds, scope), scope, by, at="resolved_at").values(*by)
    return grouped.annotate(
        runs=Count("own"),
        charged=Sum("settled_amount"),
        input_tokens=Sum("own__input_tokens", filter=charged),
        output_tokens=Sum("own__output_tokens", filter=charged),
    ).order_by()


def with_own_run(holds: QuerySet[Hold], scope: UsageScope) -> Any:
    """The holds, left-joined as `own` to their runs, among those of the person alone."""
    return holds.annotate(own=FilteredRelation("run", condition=Q(run__owner_id=scope.user_id)))


def narrowed(rows: Any, scope: UsageScope) -> Any:
    """Of rows joined to their runs as `own`, those of the model and the site asked for."""
    if scope.model:
        rows = rows.annotate(answered_by=model_of("own__")).filter(answered_by=scope.model)
    if scope.site_id:
        rows = rows.filter(own__site_id=scope.site_id)
    return rows


def _keyed(rows: Any, scope: UsageScope, by: Sequence[str], *, at: str) -> Any:
    """The same with the groups' keys. at: the column of the instant that a day is told from."""
    keys: dict[str, Combinable] = {
        DAY: TruncDate(at, tzinfo=scope.days.zone),
        MODEL: model_of("own__"),
        SITE: F("own__site_id"),
    }
    return narrowed(rows, scope).annotate(**{name: keys[name] for name in by})
