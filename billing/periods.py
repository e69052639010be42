"""Periods of allowances: calendar months and days, in UTC for everyone.

A period contains its first instant and not the first of the next: 23:59:59.999999 on the 31st is
the old month, 00:00:00 on the 1st is the new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """key: `2026-11` or `2026-11-30`. It lasts from `start` up to, not including, `end`."""

    key: str
    start: datetime
    end: datetime


def month_of(now: datetime) -> Period:
    """The UTC month that an aware instant falls in."""
    start = _midnight(now).replace(day=1)
    end = (start + timedelta(days=32)).replace(day=1)
    return Period(f"{start:%Y-%m}", start, end)


def day_of(now: datetime) -> Period:
    """The UTC day that an aware instant falls in."""
    start = _midnight(now)
    return Period(f"{start:%Y-%m-%d}", start, start + timedelta(days=1))


def _midnight(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
