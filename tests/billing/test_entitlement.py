"""Which UTC days are premium days, to the microsecond; on both engines."""

from datetime import UTC, date, datetime, timedelta

import pytest

from billing.entitlement import entitled_among, entitled_on, premium_tokens_on
from billing.models import Grant, PremiumPeriod
from billing.selectors import standing_of
from billing.services.grants import allowance_ensure
from billing.services.holds import hold_settle
from billing.services.premium_batch import premium_grants_premake

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("both_engines")]

TICK = timedelta(microseconds=1)
DAYS = [
    date(2026, 11, 30),
    date(2026, 12, 31),
    date(2027, 2, 28),
    date(2028, 2, 29),
    date(2027, 1, 1),
]


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def days_of(user, around: date) -> list[int]:
    """Which of the days from two before to two after are entitled."""
    return [
        shift
        for shift in range(-2, 3)
        if entitled_on(user_id=user.pk, day=around + timedelta(days=shift))
    ]


def test_nobody_is_entitled_without_a_period(user, other_user, premium, now):
    premium(other_user)
    assert not entitled_on(user_id=user.pk, day=now.date())
    assert premium_tokens_on(user_id=user.pk, day=now.date()) == 0
    assert entitled_on(user_id=other_user.pk, day=now.date())


@pytest.mark.parametrize("day", DAYS, ids=str)
@pytest.mark.parametrize(
    ("begins", "lasts", "entitled"),
    [
        (timedelta(0), timedelta(days=1), [0]),
        (timedelta(0), timedelta(days=1) + TICK, [0, 1]),
        (-TICK, timedelta(days=1), [-1, 0]),
        (timedelta(days=1) - TICK, TICK, [0]),
        (timedelta(days=1) - timedelta(milliseconds=1), timedelta(milliseconds=2), [0, 1]),
        (timedelta(hours=12), TICK, [0]),
        (timedelta(0), timedelta(0), []),
        (timedelta(hours=12), timedelta(0), []),
    ],
    ids=str,
)
def test_a_day_is_entitled_if_some_of_a_period_is_in_it(
    user, premium, day, begins, lasts, entitled
):
    start = midnight(day) + begins
    premium(user, starts_at=start, ends_at=start + lasts)
    assert days_of(user, day) == entitled


def test_overlapping_periods_give_the_best_never_the_sum(user, premium, now):
    premium(user, tokens_per_day=20_000)
    premium(user, tokens_per_day=50_000, ends_at=now)
    premium(user, tokens_per_day=90_000, starts_at=now, ends_at=now)
    assert premium_tokens_on(user_id=user.pk, day=now.date()) == 50_000
    assert premium_tokens_on(user_id=user.pk, day=now.date() + timedelta(days=1)) == 20_000


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_day_lasts_from_its_first_millisecond_to_its_last(user, premium, hold, totals, day):
    start = midnight(day)
    premium(user, starts_at=start, ends_at=start + timedelta(days=1))
    before, first = start - timedelta(milliseconds=1), start
    last, after = start + timedelta(days=1, milliseconds=-1), start + timedelta(days=1)
    assert standing_of(user, before).daily is None
    assert hold(user, 1, 99_999, now=first).amount == 40_000
    assert hold_settle(hold_id=user.holds.get().pk, amount=40_000, now=last).charged == 40_000
    standing = standing_of(user, last)
    assert standing.subscription_status == "premium_monthly"
    assert standing.daily is not None
    assert (standing.daily.used, standing.daily.limit) == (30_000, 30_000)
    assert standing.daily.next_reset == after
    assert standing_of(user, after).daily is None
    assert Grant.objects.filter(kind="premium_daily").count() == 1


def test_an_upgrade_gives_todays_tokens_at_once(user, premium, hold, now):
    hold(user, 10_000)
    assert standing_of(user, now).available == 0
    premium(user, starts_at=now)
    assert hold(user, 1, 99_999).amount == 30_000
    assert standing_of(user, now).subscription_status == "premium_monthly"


def test_an_upgrade_is_seen_by_the_standing_alone(user, premium, now):
    standing_of(user, now)
    premium(user, starts_at=now)
    assert standing_of(user, now).available == 40_000


def test_a_standing_is_one_query_with_premium_too(user, premium, now, django_assert_num_queries):
    premium(user)
    standing_of(user, now)
    with django_assert_num_queries(1):
        assert standing_of(user, now).available == 40_000


def test_subscribing_again_the_same_day_gives_no_second_day(user, premium, hold, now):
    first = premium(user, ends_at=now)
    hold(user, 1, 99_999)
    PremiumPeriod.objects.filter(pk=first.pk).update(ends_at=now.replace(hour=0))
    assert standing_of(user, now).subscription_status == "free"
    premium(user, starts_at=now)
    standing = standing_of(user, now)
    assert (standing.available, standing.held) == (0, 40_000)
    assert Grant.objects.filter(kind="premium_daily").count() == 1


def test_the_days_amount_stays_what_it_was_made_with(user, premium, now):
    period = premium(user)
    standing_of(user, now)
    PremiumPeriod.objects.filter(pk=period.pk).update(tokens_per_day=1)
    standing = standing_of(user, now)
    assert standing.daily is not None
    assert standing.daily.limit == 30_000


def test_premaking_premium_is_what_first_touch_makes(user, other_user, premium, now):
    premium(user)
    premium(user, tokens_per_day=70_000)
    premium(other_user, tokens_per_day=70_000)
    allowance_ensure(user_id=user.pk, now=now)
    assert premium_grants_premake(now=now + timedelta(hours=1)) == 1
    first = Grant.objects.get(user=user, kind="premium_daily")
    made = Grant.objects.get(user=other_user)
    assert made.source == f"grant:premium:{other_user.pk}:2026-11-15"
    for name in ("kind", "priority", "effective_at", "expires_at", "amount", "available", "owed"):
        assert getattr(made, name) == getattr(first, name)
    assert made.movements.get().key == made.source
    assert made.created_at == now + timedelta(hours=1)
    assert premium_grants_premake(now=now) == 0
    assert standing_of(user, now).available == 80_000


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 100])
def test_premaking_premium_reaches_everyone_entitled(django_user_model, premium, now, batch):
    people = [django_user_model.objects.create_user(f"p{n}@example.com") for n in range(7)]
    for number, person in enumerate(people):
        if number != 3:
            premium(person)
            premium(person)
    premium(people[3], ends_at=now.replace(hour=0))
    assert premium_grants_premake(now=now, batch=batch) == 6
    assert premium_grants_premake(now=now, batch=batch) == 0
    owners = Grant.objects.order_by("user_id").values_list("user_id", flat=True)
    assert list(owners) == [person.pk for person in people if person != people[3]]
    assert premium_grants_premake(now=now + timedelta(days=1), batch=batch) == 6


@pytest.mark.parametrize("beats", [0, 1, 2])
def test_a_premium_month_is_the_same_with_no_beat_one_or_two(user, premium, hold, beats):
    start = datetime(2028, 2, 15, 13, tzinfo=UTC)
    premium(user, starts_at=start, ends_at=start + timedelta(days=29))
    for number in range(-2, 33):
        instant = midnight(start.date()) + timedelta(days=number)
        for _ in range(beats):
            premium_grants_premake(now=instant)
        standing_of(user, instant + timedelta(hours=20))
    days = Grant.objects.filter(kind="premium_daily").order_by("effective_at")
    assert [grant.effective_at.date() for grant in days] == [
        start.date() + timedelta(days=number) for number in range(30)
    ]


def test_who_of_several_is_entitled_on_a_day(django_user_model, premium, now):
    midnight_today = now.replace(hour=0)
    spans = {
        "now": (now, now + TICK),
        "ended": (now - timedelta(days=3), midnight_today),
        "tomorrow": (midnight_today + timedelta(days=1), now + timedelta(days=3)),
        "not asked": (now, now + TICK),
        "never": None,
    }
    people = {}
    for name, span in spans.items():
        people[name] = django_user_model.objects.create_user(f"{name[:3]}@example.com")
        if span is not None:
            premium(people[name], starts_at=span[0], ends_at=span[1])
    asked = [person.pk for name, person in people.items() if name != "not asked"]
    assert entitled_among(user_ids=iter(asked), day=now.date()) == {people["now"].pk}
    assert entitled_among(user_ids=[], day=now.date()) == set()


def test_premaking_premium_goes_by_users_not_by_periods(django_user_model, premium, now):
    person = django_user_model.objects.create_user("late@example.com", pk=2_000_000_000)
    premium(person)
    assert premium_grants_premake(now=now, batch=1) == 1
    assert Grant.objects.get().user == person


def test_premium_that_is_over_or_to_come_is_no_reason_to_wait(user, premium, hold, now):
    today = now.replace(hour=0)
    premium(user, ends_at=today)
    premium(user, starts_at=today + timedelta(days=1))
    assert hold(user, 1, 99_999).amount == 10_000
