"""Which days a usage page, answer or file is about: calendar days in a person's own time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from config.errors import InvalidInput

DAYS_MAX = 366
# Years that every zone's offset keeps within what databases and Python can hold.
YEAR_MIN, YEAR_MAX = 2000, 2100
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DayRange:
    """The days from `first` to `last`, both included, as they pass in `zone`."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """The instant (UTC) at which `first` begins in the zone."""
        return _midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The instant (UTC) at which `last` is over: no part of the range."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    @property
    def length(self) -> int:
        return (self.last - self.first).days + 1

    def days(self) -> Iterator[date]:
        for number in range(self.length):
            yield self.first + timedelta(days=number)

    def nearest(self, day: date) -> date:
        """`day`, or the end of the range that is nearest to it.

        Where the database and Python know different versions of the zone, an instant at the edge
        may be told as the day beside it: it still belongs to the range, and to its sums.
        """
        return min(max(day, self.first), self.last)


def this_month(today: date, zone: ZoneInfo) -> DayRange:
    """From the 1st to today."""
    return DayRange(today.replace(day=1), today, zone)


def last_month(today: date, zone: ZoneInfo) -> DayRange:
    """The whole month before this one."""
    last = today.replace(day=1) - timedelta(days=1)
    return DayRange(last.replace(day=1), last, zone)


def last_30_days(today: date, zone: ZoneInfo) -> DayRange:
    """Today and the 29 days before."""
    return DayRange(today - timedelta(days=29), today, zone)


PRESETS = {"month": this_month, "30-days": last_30_days, "last-month": last_month}


def today_in(zone: ZoneInfo, now: datetime) -> date:
    return now.astimezone(zone).date()


def range_asked(given: Mapping[str, str], *, zone: ZoneInfo, now: datetime) -> DayRange:
    """The range of `from` and `to` (days as 2026-11-01); what is missing or empty is the first of
    the month of the other end, or today.

    Raises InvalidInput (code `invalid_range`) with `errors`, one per parameter that is wrong.
    """
    problems: dict[str, str] = {}
    first = _day(given, "from", problems)
    last = _day(given, "to", problems)
    if not problems:
        last = last or max(today_in(zone, now), first or date.min)
        found = DayRange(first or last.replace(day=1), last, zone)
        if found.length < 1:
            problems["from"] = _("The first day is after the last one. Change one of them.")
        elif found.length > DAYS_MAX:
            problems["from"] = _("At most %(days)d days can be shown at once. Choose fewer.") % {
                "days": DAYS_MAX
            }
        else:
            return found
    raise bad_parameters(problems, code="invalid_range")


def bad_parameters(problems: Mapping[str, str], *, code: str) -> InvalidInput:
    """One refusal for everything that is wrong with the parameters: {parameter: what}."""
    fields = [{"field": name, "message": message} for name, message in problems.items()]
    detail = " ".join(f"{name}: {message}" for name, message in problems.items())
    return InvalidInput(detail, code=code, errors=fields)


def _day(given: Mapping[str, str], name: str, problems: dict[str, str]) -> date | None:
    text = given.get(name, "")
    if not text:
        return None
    try:
        # The pattern first: fromisoformat also reads 20261101 and 2026-W45.
        day = date.fromisoformat(text) if _ISO_DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        problems[name] = _("Give a day that exists, as 2026-11-01.")
    elif not YEAR_MIN <= day.year <= YEAR_MAX:
        problems[name] = _("Give a day between the years %(first)d and %(last)d.") % {
            "first": YEAR_MIN,
            "last": YEAR_MAX,
        }
    else:
        return day
    return None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # Where a clock change skips midnight, the day begins at the change; where it happens twice,
    # at the first: that is what fold=0 means in both cases.
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
