"""Around midnight: month ends, the leap day, the year's end, on both engines."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.errors import InsufficientTokens
from billing.models import Grant, Movement
from billing.selectors import standing_of
from billing.services.batches import free_grants_premake, grants_expire
from billing.services.holds import hold_release, hold_settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("both_engines")]

MONTH_STARTS = [
    datetime(2026, 12, 1, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
    datetime(2027, 3, 1, tzinfo=UTC),
    datetime(2028, 3, 1, tzinfo=UTC),
    datetime(2027, 5, 1, tzinfo=UTC),
]
LAST_INSTANTS = [timedelta(microseconds=1), timedelta(milliseconds=1), timedelta(seconds=1)]


@pytest.mark.parametrize("start", MONTH_STARTS, ids=str)
@pytest.mark.parametrize("before", LAST_INSTANTS, ids=str)
def test_the_old_month_lasts_to_its_last_instant_and_the_new_begins_at_midnight(
    user, hold, start, before
):
    with pytest.raises(InsufficientTokens):
        hold(user, 10_001, now=start - before)
    hold(user, 10_000, now=start - before)
    with pytest.raises(InsufficientTokens):
        hold(user, 1, now=start - before)
    hold(user, 10_000, now=start)
    with pytest.raises(InsufficientTokens):
        hold(user, 1, now=start)
    months = list(Grant.objects.order_by("pk").values_list("source", flat=True))
    assert months == [
        f"grant:free:{user.pk}:{start - before:%Y-%m}",
        f"grant:free:{user.pk}:{start:%Y-%m}",
    ]


@pytest.mark.parametrize("start", MONTH_STARTS, ids=str)
def test_a_hold_over_midnight_is_charged_to_the_old_month(user, hold, totals, start):
    taken = hold(user, 4_000, now=start - timedelta(milliseconds=1))
    settlement = hold_settle(hold_id=taken.pk, amount=1_500, now=start)
    assert settlement == (1_500, (("free_monthly", 1_500),))
    assert totals(user) == [("free_monthly", 6_000, 0, 1_500, 2_500)]
    standing = standing_of(user, start)
    assert (standing.available, standing.tokens_used_this_month) == (10_000, 0)
    assert totals(user) == [
        ("free_monthly", 6_000, 0, 1_500, 2_500),
        ("free_monthly", 10_000, 0, 0, 0),
    ]


def test_a_hold_resolved_in_the_last_instant_goes_back_to_its_month(user, hold, totals):
    end = datetime(2028, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
    taken = hold(user, 4_000, now=end)
    hold_release(hold_id=taken.pk, now=end)
    assert totals(user) == [("free_monthly", 10_000, 0, 0, 0)]


@pytest.mark.parametrize("start", MONTH_STARTS, ids=str)
@pytest.mark.parametrize("beats", [0, 1, 2])
def test_a_month_end_is_the_same_with_no_beat_one_or_two(user, hold, totals, start, beats):
    hold(user, 3_000, now=start - timedelta(days=1))
    made = [free_grants_premake(now=start) for _ in range(beats)]
    assert made == [1, 0][:beats]
    assert standing_of(user, start).available == 10_000
    hold(user, 2_000, now=start)
    expired = [grants_expire(now=start) for _ in range(beats)] or [grants_expire(now=start)]
    assert expired[0] == 1
    assert totals(user) == [
        ("free_monthly", 0, 3_000, 0, 7_000),
        ("free_monthly", 8_000, 2_000, 0, 0),
    ]


def test_a_year_of_visits_is_twelve_grants_of_which_eleven_lapsed(user, hold):
    instant = datetime(2027, 1, 1, tzinfo=UTC)
    for _ in range(24):
        taken = hold(user, 1, 100, now=instant)
        hold_settle(hold_id=taken.pk, amount=10, now=instant)
        grants_expire(now=instant)
        instant += timedelta(days=15, hours=5)
    grants = list(Grant.objects.order_by("effective_at"))
    assert [grant.effective_at.month for grant in grants] == list(range(1, 13))
    assert sum(grant.spent for grant in grants) == 240
    assert [grant.available for grant in grants[:-1]] == [0] * 11
    assert Movement.objects.filter(to_state="expired").count() == 11


@pytest.mark.parametrize(
    "day", [datetime(2028, 2, 29, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]
)
def test_premium_is_one_grant_for_each_utc_day(user, hold, premium, day):
    premium(user, starts_at=day - timedelta(days=9), ends_at=day + timedelta(days=9))
    before = day - timedelta(milliseconds=1)
    hold(user, 40_000, now=before)
    with pytest.raises(InsufficientTokens):
        hold(user, 1, now=before)
    standing = standing_of(user, day)
    assert standing.daily is not None
    assert standing.daily.next_reset == day + timedelta(days=1)
    assert (standing.daily.used, standing.daily.limit) == (0, 30_000)
    days = Grant.objects.filter(kind="premium_daily").order_by("pk")
    assert [grant.source for grant in days] == [
        f"grant:premium:{user.pk}:{before:%Y-%m-%d}",
        f"grant:premium:{user.pk}:{day:%Y-%m-%d}",
    ]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Paris"])
def test_the_users_time_zone_moves_no_period(user, zone):
    user.time_zone = zone
    user.save()
    end = datetime(2026, 12, 1, tzinfo=UTC)
    assert standing_of(user, end - timedelta(microseconds=1)).next_reset == end
    assert standing_of(user, end).next_reset == datetime(2027, 1, 1, tzinfo=UTC)
    assert Grant.objects.filter(user=user).count() == 2
