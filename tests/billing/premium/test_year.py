"""A year of premium on a moved clock: every day that was entitled has its tokens, no other has."""

from datetime import UTC, date, datetime, timedelta

import pytest

from billing.entitlement import entitled_on
from billing.models import Grant, Payment, PremiumPeriod
from billing.plan import PlanState, plan_of
from billing.selectors import standing_of
from billing.services.batches import free_grants_premake, grants_expire
from billing.services.premium_batch import premium_grants_premake
from billing.services.subscriptions import subscription_cancel
from tests.billing.premium.shop import Shop, days_granted

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# Which renewals the bank declines, and on which day after the first failure it lets one through.
RECOVERED, LOST = {3, 7}, 12


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def months_after(start: datetime, months: int) -> datetime:
    """The same day of a later month, or its last: how Stripe counts from the first payment.

    https://docs.stripe.com/billing/subscriptions/billing-cycle
    """
    years, month = divmod(start.month - 1 + months, 12)
    day = start.day
    while True:
        try:
            return start.replace(year=start.year + years, month=month + 1, day=day)
        except ValueError:
            day -= 1


def days(first: date, last: date) -> list[str]:
    return [f"{first + n * DAY:%Y-%m-%d}" for n in range((last - first).days + 1)]


def beat(now: datetime) -> None:
    """What the scheduler runs at midnight, twice: two schedulers by mistake."""
    for _ in range(2):
        free_grants_premake(now=now)
        premium_grants_premake(now=now)
        grants_expire(now=now)


def live_through_a_year(shop: Shop, user, *, beats: bool) -> None:
    """Twelve renewals: two recovered on the third day, the last one lost. Visits every noon."""
    start = shop.now
    order = shop.subscribe(user)
    renewals = [months_after(start, number) for number in range(1, LOST + 1)]
    customer = order.stripe_customer_id
    first_noon = datetime(start.year, start.month, start.day, 12, tzinfo=UTC)
    for number in range((renewals[-1] - start).days + 25):
        noon = first_noon + number * DAY
        midnight = noon - 12 * HOUR
        if beats and midnight > start:
            pass_to(shop, midnight, renewals)
            beat(midnight)
        if noon > start:
            pass_to(shop, noon, renewals)
        for place, renewal in enumerate(renewals, 1):
            if renewal.date() == (noon + DAY).date() and place in {*RECOVERED, LOST}:
                shop.move(noon)
                shop.emulated.fail_renewals(customer, times=99 if place == LOST else 1)
        standing_of(user, max(noon, start))


def pass_to(shop: Shop, moment: datetime, renewals: list[datetime]) -> None:
    """Stripe is only asked in the days after a renewal: on others nothing happens there."""
    since = min((moment - renewal for renewal in renewals if renewal <= moment), default=-DAY)
    if timedelta(0) <= since <= 5 * DAY or moment > renewals[-1]:
        shop.move(moment)
    else:
        shop.wait(moment)


def ledger(user) -> list[tuple[object, ...]]:
    grants = Grant.objects.filter(user=user).order_by("source")
    names = ("kind", "amount", "available", "spent", "expired", "effective_at", "expires_at")
    return [
        (grant.source.replace(f":{user.pk}:", ":"), *(getattr(grant, name) for name in names))
        for grant in grants
    ]


def assert_exactly_the_entitled_days(user, start: datetime) -> None:
    """Against days counted on the calendar, from the facts of the story alone."""
    lost_at = months_after(start, LOST)
    # The lost renewal has its grace: three days from the end of what was paid, whole in UTC.
    expected = days(start.date(), (lost_at + 3 * DAY).date())
    assert days_granted(user) == expected
    entitled = [entitled_on(user_id=user.pk, day=date.fromisoformat(day)) for day in expected]
    assert all(entitled)
    assert not entitled_on(user_id=user.pk, day=(lost_at + 4 * DAY).date())
    assert not entitled_on(user_id=user.pk, day=(start - DAY).date())
    assert Payment.objects.filter(user=user).count() == 12
    paid = PremiumPeriod.objects.filter(user=user, kind="paid").order_by("starts_at")
    assert [period.starts_at for period in paid] == [months_after(start, n) for n in range(12)]
    assert [period.ends_at for period in paid] == [months_after(start, n) for n in range(1, 13)]
    grace = PremiumPeriod.objects.filter(user=user, kind="grace").order_by("starts_at")
    assert [period.starts_at for period in grace] == [months_after(start, n) for n in (3, 7, 12)]
    premium = Grant.objects.filter(user=user, kind="premium_daily")
    assert {grant.amount for grant in premium} == {30_000}


@pytest.mark.parametrize(
    "start",
    [utc(2027, 12, 31, 9, 30), utc(2028, 2, 29, 23, 59, 59)],
    ids=["31 December, before a leap day", "leap day, at its last second"],
)
def test_a_year_of_premium_has_exactly_its_entitled_days(shop, user, start):
    live_through_a_year(shop, user, beats=False)
    assert_exactly_the_entitled_days(user, start)
    plan = plan_of(user, shop.now)
    assert (plan.state, plan.grace_until) == (PlanState.ENDED, None)


@pytest.mark.parametrize("start", [utc(2027, 1, 31, 9, 30)])
def test_the_ledger_of_a_year_is_the_same_with_two_beats_and_with_none(
    shop, user, other_user, start
):
    live_through_a_year(shop, user, beats=True)
    assert_exactly_the_entitled_days(user, start)
    with_beats = ledger(user)
    with shop.again(start) as second:
        live_through_a_year(second, other_user, beats=False)
        grants_expire(now=second.now)
        assert_exactly_the_entitled_days(other_user, start)
        assert ledger(other_user) == with_beats


MIDNIGHTS = [
    datetime(2027, 3, 1, tzinfo=UTC),
    datetime(2028, 2, 29, tzinfo=UTC),
    datetime(2028, 3, 1, tzinfo=UTC),
    datetime(2028, 1, 1, tzinfo=UTC),
    datetime(2027, 11, 1, tzinfo=UTC),
]


@pytest.mark.parametrize("midnight", MIDNIGHTS, ids=lambda day: f"{day:%Y-%m-%d}")
@pytest.mark.parametrize("start", [datetime(2027, 2, 20, 12, tzinfo=UTC)])
def test_a_day_ends_with_its_last_millisecond_and_the_next_begins_at_midnight(
    shop, user, midnight, start
):
    shop.subscribe(user)
    shop.move(midnight - timedelta(milliseconds=1))
    last = midnight - timedelta(milliseconds=1)
    standing = standing_of(user, last)
    assert standing.daily is not None
    assert (standing.daily.next_reset, standing.daily.used) == (midnight, 0)
    first = standing_of(user, midnight)
    assert first.daily is not None
    assert first.daily.next_reset == midnight + DAY
    assert days_granted(user) == [f"{last:%Y-%m-%d}", f"{midnight:%Y-%m-%d}"]
    assert {first.available, standing.available} == {40_000}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (utc(2027, 1, 31, 23, 59, 59), utc(2027, 2, 28, 23, 59, 59)),
        (utc(2028, 1, 31, 23, 59, 59), utc(2028, 2, 29, 23, 59, 59)),
        (utc(2027, 11, 30), utc(2027, 12, 30)),
        (utc(2027, 12, 1), utc(2028, 1, 1)),
    ],
    ids=str,
)
def test_a_cancelled_month_entitles_to_the_days_it_touches_and_no_more(shop, user, start, end):
    shop.subscribe(user)
    subscription_cancel(user=user)
    shop.move(end + 2 * DAY)
    period = PremiumPeriod.objects.get()
    assert (period.starts_at, period.ends_at) == (start, end)
    # A period that ends at midnight has no share in the day that begins then.
    last = (end - timedelta(microseconds=1)).date()
    entitled = [
        f"{day}"
        for day in days((start - 2 * DAY).date(), (end + 2 * DAY).date())
        if entitled_on(user_id=user.pk, day=date.fromisoformat(day))
    ]
    assert entitled == days(start.date(), last)


@pytest.mark.parametrize("start", [datetime(2027, 5, 10, 23, 30, tzinfo=UTC)])
def test_a_renewal_that_is_charged_after_midnight_entitles_to_the_day_it_is_charged_on(
    shop, user, start
):
    """Stripe charges an hour after the period began; beat was there in between."""
    shop.subscribe(user)
    midnight = datetime(2027, 6, 11, tzinfo=UTC)
    shop.move(midnight)
    beat(midnight)
    assert "2027-06-11" not in days_granted(user)
    shop.move(midnight + HOUR)
    assert shop.available(user) == 40_000
    assert days_granted(user)[-1] == "2027-06-11"
