import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.periods import day_of, month_of

# Hypothesis wants naive bounds.
YEAR_2000, YEAR_2100 = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001
INSTANTS = st.datetimes(YEAR_2000, YEAR_2100, timezones=st.timezones())


@pytest.mark.parametrize(
    ("instant", "key", "end"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), "2026-11", datetime(2026, 12, 1, tzinfo=UTC)),
        (
            datetime(2026, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            "2026-10",
            datetime(2026, 11, 1, tzinfo=UTC),
        ),
        (
            datetime(2026, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
            "2026-12",
            datetime(2027, 1, 1, tzinfo=UTC),
        ),
        (datetime(2027, 1, 1, tzinfo=UTC), "2027-01", datetime(2027, 2, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), "2028-02", datetime(2028, 3, 1, tzinfo=UTC)),
        (datetime(2027, 2, 28, 23, 59, tzinfo=UTC), "2027-02", datetime(2027, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_month_begins_on_the_first_and_ends_before_the_next(instant, key, end):
    month = month_of(instant)
    assert (month.key, month.end) == (key, end)
    assert month.start == instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def test_a_day_ends_at_midnight_of_the_leap_day_too():
    day = day_of(datetime(2028, 2, 28, 23, 59, 59, 999_000, tzinfo=UTC))
    assert day.key == "2028-02-28"
    assert day.end == datetime(2028, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize("hours", [14, -12])
def test_periods_are_utc_wherever_the_instant_was_written(hours):
    first_utc = datetime(2026, 11, 1, tzinfo=UTC)
    local = first_utc.astimezone(timezone(timedelta(hours=hours)))
    assert month_of(local) == month_of(first_utc)
    assert month_of(local - timedelta(microseconds=1)).key == "2026-10"
    assert day_of(local).key == "2026-11-01"


def test_an_instant_without_its_time_zone_is_refused():
    with pytest.raises(ValueError, match=r"^an instant needs its time zone$"):
        month_of(datetime(2026, 11, 1))  # noqa: DTZ001 - that is the point


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(INSTANTS)
def test_an_instant_is_in_exactly_its_period_and_periods_touch(instant):
    for period_of in (month_of, day_of):
        period = period_of(instant)
        assert period.start <= instant < period.end
        assert period_of(period.end).start == period.end
        assert period_of(period.end - timedelta(microseconds=1)) == period


@pytest.fixture
def machine_in_tokyo(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("machine_in_tokyo")
def test_periods_are_utc_wherever_the_machine_stands():
    last_hour = datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert month_of(last_hour).key == "2026-10"
    assert day_of(last_hour).end == datetime(2026, 11, 1, tzinfo=UTC)
