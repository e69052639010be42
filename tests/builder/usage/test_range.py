"""Which instants a range of days is, in any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from builder.usage_range import DayRange, last_30_days, last_month, range_asked, this_month
from config.errors import InvalidInput
from tests.builder.usage.conftest import NOON, days


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("UTC", "2026-11-22T00:00", "2026-11-23T00:00"),
        ("Pacific/Kiritimati", "2026-11-21T10:00", "2026-11-22T10:00"),  # UTC+14
        ("Etc/GMT+12", "2026-11-22T12:00", "2026-11-23T12:00"),  # UTC-12
        ("Asia/Kathmandu", "2026-11-21T18:15", "2026-11-22T18:15"),  # UTC+5:45
    ],
)
def test_a_day_is_the_one_of_the_zone(zone: str, start: str, end: str) -> None:
    one = days("2026-11-22", "2026-11-22", zone)
    assert one.start == datetime.fromisoformat(f"{start}+00:00")
    assert one.end == datetime.fromisoformat(f"{end}+00:00")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Paris", "2026-03-29", 23),
        ("Europe/Paris", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Africa/Cairo", "2026-04-24", 23),  # midnight itself is skipped
        ("Africa/Cairo", "2026-10-29", 25),  # 23:00 to 24:00 happens twice
        ("Asia/Beirut", "2026-10-24", 25),
        ("Atlantic/Azores", "2026-10-25", 25),  # midnight itself happens twice
    ],
)
def test_a_day_of_a_clock_change_has_its_true_length(zone: str, day: str, hours: float) -> None:
    one = days(day, day, zone)
    assert (one.end - one.start).total_seconds() / 3600 == hours
    before = days("2026-01-01", day, zone)
    assert before.end == one.end, "ranges meet without a gap"


def test_days_follow_each_other_without_gap_or_overlap() -> None:
    for zone in ("Africa/Cairo", "Atlantic/Azores", "America/New_York", "Pacific/Apia"):
        whole = days("2026-01-01", "2026-12-31", zone)
        ends = [DayRange(day, day, whole.zone) for day in whole.days()]
        assert all(one.end == two.start for one, two in pairwise(ends))
        assert (len(ends), ends[0].start, ends[-1].end) == (365, whole.start, whole.end)


def test_presets() -> None:
    zone = ZoneInfo("UTC")
    spans = {
        preset(day, zone).first.isoformat() + "/" + preset(day, zone).last.isoformat()
        for day in (date(2026, 3, 1),)
        for preset in (this_month, last_month, last_30_days)
    }
    assert spans == {
        "2026-03-01/2026-03-01",
        "2026-02-01/2026-02-28",
        "2026-01-31/2026-03-01",
    }


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({}, "2026-11-01", "2026-11-22"),
        ({"from": "", "to": ""}, "2026-11-01", "2026-11-22"),
        ({"from": "2026-10-05"}, "2026-10-05", "2026-11-22"),
        ({"to": "2026-02-10"}, "2026-02-01", "2026-02-10"),
        ({"from": "2026-12-24"}, "2026-12-24", "2026-12-24"),
        ({"from": "2026-01-01", "to": "2027-01-01"}, "2026-01-01", "2027-01-01"),
        ({"from": "2024-02-29", "to": "2024-02-29"}, "2024-02-29", "2024-02-29"),
        ({"from": "2100-12-31", "to": "2100-12-31"}, "2100-12-31", "2100-12-31"),
    ],
)
def test_what_is_not_said_is_the_usual(given: dict[str, str], first: str, last: str) -> None:
    asked = range_asked(given, zone=ZoneInfo("UTC"), now=NOON)
    assert (asked.first.isoformat(), asked.last.isoformat()) == (first, last)


def test_today_is_the_persons_own() -> None:
    late = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    asked = range_asked({}, zone=ZoneInfo("Pacific/Kiritimati"), now=late)
    assert (asked.first, asked.last) == (date(2026, 12, 1), date(2026, 12, 1))
    asked = range_asked({}, zone=ZoneInfo("Etc/GMT+12"), now=late)
    assert (asked.first, asked.last) == (date(2026, 11, 1), date(2026, 11, 30))


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"from": "yesterday"}, ["from"]),
        ({"from": "2026-02-30"}, ["from"]),
        ({"from": "2026-11-1"}, ["from"]),
        ({"from": "20261101"}, ["from"]),
        ({"from": "2026-W45-1"}, ["from"]),
        ({"from": "2026-11-01T00:00"}, ["from"]),
        ({"from": " 2026-11-01"}, ["from"]),
        ({"from": "２０２６-11-01"}, ["from"]),
        ({"from": "2026-11-01\x00"}, ["from"]),
        ({"to": "-1"}, ["to"]),
        ({"from": "x", "to": "y"}, ["from", "to"]),
        ({"from": "1999-12-31", "to": "2000-01-01"}, ["from"]),
        ({"to": "2101-01-01"}, ["to"]),
        ({"from": "0001-01-01"}, ["from"]),
        ({"to": "9999-12-31"}, ["to"]),
        ({"from": "2026-11-22", "to": "2026-11-21"}, ["from"]),
        ({"from": "2026-01-01", "to": "2027-01-02"}, ["from"]),
        ({"from": "2025-01-01"}, ["from"]),
    ],
)
def test_what_can_not_be_is_refused_by_name(given: dict[str, str], wrong: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        range_asked(given, zone=ZoneInfo("Pacific/Kiritimati"), now=NOON)
    assert refused.value.code == "invalid_range"
    assert [one["field"] for one in refused.value.extra["errors"]] == wrong


def test_an_instant_told_as_the_day_beside_the_range_stays_in_it() -> None:
    month = days("2026-11-01", "2026-11-30")
    assert month.nearest(date(2026, 10, 31)) == date(2026, 11, 1)
    assert month.nearest(date(2026, 12, 1)) == date(2026, 11, 30)
    assert month.nearest(date(2026, 11, 5)) == date(2026, 11, 5)
