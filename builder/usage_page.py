"""What the usage page lays out: the sums as a chart, as rankings and as links to other views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from builder.charts import Chart, percent, standing_bars, summed
from builder.selectors.usage import UsageRow, UsageScope, usage_total
from builder.usage_range import PRESETS, DayRange

# More bars than this are too thin to tell apart: then a bar is a week.
DAYS_AS_BARS_MAX = 62
RANKED_MAX = 12


@dataclass(frozen=True, slots=True)
class Ranked:
    """A model or a site in its ranking. share: whole per cent of all. width: per cent of the
    longest bar. query: of the page narrowed down to it, "" where it can not be."""

    name: str
    charged: int
    share: int
    runs: int
    width: str
    query: str


@dataclass(frozen=True, slots=True)
class RangeChoice:
    """A range that is one click away."""

    name: str
    query: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class UsageColumn:
    """A bar of the chart as a line of its table. pockets: tokens by kind, in spending order."""

    label: str
    pockets: Mapping[str, int]

    @property
    def charged(self) -> int:
        return sum(self.pockets.values())


@dataclass(frozen=True, slots=True)
class Overview:
    """The sums of a range. kinds: the pockets that paid anything, in spending order; parts: what
    each paid. lines: (label, tokens of each of `kinds`, charged), without empty ones."""

    total: UsageRow
    kinds: list[str]
    chart: Chart
    weekly: bool
    lines: list[tuple[str, list[int], int]]
    busiest: UsageColumn | None

    @property
    def parts(self) -> list[tuple[str, int]]:
        return [(kind, self.total.pockets[kind]) for kind in self.kinds]


def overview_of(days: DayRange, rows: Sequence[UsageRow], *, runs: int) -> Overview:
    """rows: by day, without their runs. runs: in all."""
    columns = columns_of(days, rows)
    total = usage_total(rows)
    total.runs = runs
    kinds = [kind for kind in pocket_order() if total.pockets.get(kind)]
    return Overview(
        total=total,
        kinds=kinds,
        chart=standing_bars([(column.label, column.pockets) for column in columns]),
        weekly=is_weekly(days),
        lines=[
            (one.label, [one.pockets.get(kind, 0) for kind in kinds], one.charged)
            for one in columns
            if one.charged
        ],
        busiest=max(columns, key=lambda column: column.charged, default=None),
    )


def is_weekly(days: DayRange) -> bool:
    """Whether a bar stands for a week and not for a day."""
    return days.length > DAYS_AS_BARS_MAX


def pocket_order() -> list[str]:
    """The pockets' kinds in the order they are spent."""
    return sorted(settings.POCKET_PRIORITIES, key=settings.POCKET_PRIORITIES.__getitem__)


def columns_of(days: DayRange, rows: Iterable[UsageRow]) -> list[UsageColumn]:
    """Every day of the range, also without use; every week (from Monday) of a long one."""
    weekly = is_weekly(days)
    groups: dict[date, list[UsageRow]] = {}
    for day in days.days():
        groups.setdefault(_bucket(day, days.first, weekly), [])
    for row in rows:
        if row.day is not None:
            groups[_bucket(row.day, days.first, weekly)].append(row)
    order = pocket_order()
    return [
        UsageColumn(
            label=_day_label(begin),
            pockets=summed((row.pockets for row in members), order),
        )
        for begin, members in groups.items()
    ]


def models_ranked(
    scope: UsageScope, rows: Iterable[UsageRow], names: Mapping[str, str]
) -> list[Ranked]:
    """Models by what they cost. names: slug → name; what is gone keeps its slug."""
    named = [(row, names.get(row.model, row.model) if row.model else None) for row in rows]
    return _ranked([(row, name, query_of(scope, model=row.model or "")) for row, name in named])


def sites_ranked(
    scope: UsageScope, rows: Iterable[UsageRow], names: Mapping[UUID, str]
) -> list[Ranked]:
    """Sites by what they cost."""
    named = [(row, names.get(row.site_id) if row.site_id else None) for row in rows]
    return _ranked([(row, name, query_of(scope, site=row.site_id)) for row, name in named])


def range_choices(scope: UsageScope, today: date, *, chosen: bool) -> list[RangeChoice]:
    """The presets, with the filters of now kept; if `chosen`, the one whose days are shown is."""
    names = {
        "month": _("This month"),
        "30-days": _("Last 30 days"),
        "last-month": _("Last month"),
    }
    ranges = {key: preset(today, scope.days.zone) for key, preset in PRESETS.items()}
    # On the 30th of a month two of them are the same days: the first is the one.
    shown = next((key for key, days in ranges.items() if days == scope.days), "")
    return [
        RangeChoice(names[key], query_of(scope, days=days), chosen and key == shown)
        for key, days in ranges.items()
    ]


def query_of(
    scope: UsageScope,
    *,
    days: DayRange | None = None,
    model: str | None = None,
    site: UUID | None = None,
) -> str:
    """The query string of the same view with one thing changed."""
    shown = days or scope.days
    parts = {
        "from": shown.first.isoformat(),
        "to": shown.last.isoformat(),
        "model": scope.model if model is None else model,
        "site": str(site or scope.site_id or ""),
    }
    return urlencode({name: value for name, value in parts.items() if value})


def _ranked(found: list[tuple[UsageRow, str | None, str]]) -> list[Ranked]:
    """The dearest first; what never cost anything is left out, a long tail is one line."""
    entries = [
        (row.charged, row.runs, name or _("Other"), query if name else "")
        for row, name, query in found
        if row.charged
    ]
    total = sum(charged for charged, *_rest in entries)
    tail = entries[RANKED_MAX:]
    if len(tail) > 1:
        rest = _("%(count)d more") % {"count": len(tail)}
        sums = sum(one[0] for one in tail), sum(one[1] for one in tail)
        entries = [*entries[:RANKED_MAX], (*sums, rest, "")]
    longest = max((charged for charged, *_rest in entries), default=1)
    return [
        Ranked(
            name=name,
            charged=charged,
            share=round(100 * charged / total),
            runs=runs,
            width=percent(100 * charged / longest),
            query=query,
        )
        for charged, runs, name, query in entries
    ]


def _bucket(day: date, first: date, weekly: bool) -> date:
    """The day that a bar is named after: itself, or its Monday, but never before the range."""
    return max(first, day - timedelta(days=day.weekday())) if weekly else day


def _day_label(day: date) -> str:
    return date_format(day, pgettext("date format", "j M"))
