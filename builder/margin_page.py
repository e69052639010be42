"""What the margin page lays out: the sums, the chart of days, the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.formats import date_format

from builder.charts import Chart, standing_bars
from builder.selectors.margin import MarginRow, margin_total, summed_by
from builder.selectors.taken_back import TakenBack, taken_back_total
from builder.usage_range import DayRange

MICRO: Final = 1_000_000
CSV_COLUMNS: Final = (
    *("Day", "Model", "Calls", "Tokens sold", "of them free", "Revenue USD", "Cost USD"),
    *("Margin USD", "Calls costed by list price", "Calls of unknown cost"),
)

# In the place of a model's id, which never has a space.
TAKEN_BACK: Final = "taken back after use"


@dataclass(frozen=True, slots=True)
class MarginPage:
    """chart: one bar a day, as high as the larger of revenue and cost, in millionths of a dollar.
    top, half: its scale in dollars."""

    total: MarginRow
    by_model: list[MarginRow]
    by_day: list[MarginRow]
    rows: list[MarginRow]
    taken_back: TakenBack
    chart: Chart

    @property
    def margin_kept_usd(self) -> Decimal:
        """The margin without the revenue that was taken back."""
        return self.total.margin_usd - self.taken_back.usd

    @property
    def top(self) -> Decimal:
        return Decimal(self.chart.top) / MICRO

    @property
    def half(self) -> Decimal:
        return self.top / 2


def margin_page(
    days: DayRange, rows: Sequence[MarginRow], taken_back: Sequence[TakenBack] = ()
) -> MarginPage:
    by_day = summed_by(rows, "day")
    known = {row.day: row for row in by_day}
    columns = [
        (date_format(day, "j M"), bar_parts(known.get(day, MarginRow()))) for day in days.days()
    ]
    return MarginPage(
        total=margin_total(rows),
        by_model=sorted(summed_by(rows, "model"), key=lambda row: row.margin_usd),
        by_day=by_day[::-1],
        rows=list(rows)[::-1],
        taken_back=taken_back_total(taken_back),
        chart=standing_bars(columns),
    )


def bar_parts(row: MarginRow) -> dict[str, int]:
    """A day's bar, from the bottom up: what the cost took of the revenue, then what was left of
    it (margin) or what it did not cover (loss). Millionths of a dollar."""
    covered = min(row.revenue_usd, row.cost_usd)
    return {
        "cost": int(covered * MICRO),
        "margin": int(max(row.margin_usd, Decimal(0)) * MICRO),
        "loss": int(max(-row.margin_usd, Decimal(0)) * MICRO),
    }


def margin_lines(
    rows: Iterable[MarginRow], taken_back: Iterable[TakenBack] = ()
) -> Iterator[Sequence[Any]]:
    """A header, a line per day and model, then one per day on which revenue was taken back."""
    yield CSV_COLUMNS
    for row in rows:
        yield [
            *(row.day, row.model, row.attempts, row.sold, row.free),
            *(round(usd, 8) for usd in (row.revenue_usd, row.cost_usd, row.margin_usd)),
            *(row.estimated, row.unknown),
        ]
    for lost in taken_back:
        revenue = round(-lost.usd, 8)
        yield [lost.day, TAKEN_BACK, 0, 0, 0, revenue, round(Decimal(0), 8), revenue, 0, 0]
