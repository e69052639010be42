"""Geometry of the bar charts that the server draws. Percentages, so that they fit any width."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LABELS_MAX = 6
# A bar's share of its column; the rest is the gap to the next one.
_BAR_SHARE = 0.72
_TOP_DIGITS = (1, 2, 4, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a bar, in one pocket's hue. start: its upper end, from the top; size: its height;
    both in per cent of the chart."""

    kind: str
    start: str
    size: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A standing bar and the column it stands in, in per cent of the chart. total, pockets:
    amounts. slices: from the bottom up."""

    label: str
    total: int
    pockets: tuple[tuple[str, int], ...]
    x: str
    width: str
    column_x: str
    column_width: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A label below the chart, at `x` per cent."""

    x: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """top: what the height of the chart stands for; half of it is a whole number too."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    top: int

    @property
    def half(self) -> int:
        return self.top // 2


def standing_bars(columns: Sequence[tuple[str, Mapping[str, int]]]) -> Chart:
    """A chart of bars beside each other, each stacked from the bottom in the order of its parts.

    columns: (label, {kind: amount, 0 or more}), from left to right.
    """
    top = round_top(max((sum(parts.values()) for _, parts in columns), default=0))
    width = 100 / max(1, len(columns))
    bars = []
    for number, (label, parts) in enumerate(columns):
        filled = 0
        slices = []
        for kind, amount in parts.items():
            if amount:
                filled += amount
                start = 100 * (1 - filled / top)
                slices.append(Slice(kind, percent(start), percent(100 * amount / top)))
        bars.append(
            Bar(
                label=label,
                total=filled,
                pockets=tuple((kind, amount) for kind, amount in parts.items() if amount),
                x=percent((number + (1 - _BAR_SHARE) / 2) * width),
                width=percent(_BAR_SHARE * width),
                column_x=percent(number * width),
                column_width=percent(width),
                slices=tuple(slices),
            )
        )
    return Chart(tuple(bars), _ticks([label for label, _ in columns]), top)


def round_top(most: int) -> int:
    """The least round number, of at least 10, that is not below `most`."""
    power = 10
    while True:
        for digit in _TOP_DIGITS:
            if digit * power >= most:
                return digit * power
        power *= 10


def _ticks(labels: Sequence[str]) -> tuple[Tick, ...]:
    """At most `LABELS_MAX` labels, evenly apart, below the middle of their bars."""
    apart = -(-len(labels) // LABELS_MAX) or 1
    return tuple(
        Tick(percent(100 * (number + 0.5) / len(labels)), label)
        for number, label in enumerate(labels)
        if number % apart == 0
    )


def percent(value: float) -> str:
    """For SVG: a comma of the reader's language would break it."""
    return f"{value:.3f}%"


def summed(parts: Iterable[Mapping[str, int]], order: Sequence[str]) -> dict[str, int]:
    """The sum of several {kind: amount}, in the given order of kinds, without empty ones."""
    sums = dict.fromkeys(order, 0)
    for each in parts:
        for kind, amount in each.items():
            sums[kind] = sums.get(kind, 0) + amount
    return {kind: amount for kind, amount in sums.items() if amount}
