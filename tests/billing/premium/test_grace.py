"""Grace after a failed payment: three days, once for the month that was not paid."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from billing.entitlement import entitled_on
from billing.models import Payment, PremiumPeriod
from billing.services.premium_periods import grace_refresh
from billing.services.reversals import payment_reverse
from billing.stripe.facts import SubscriptionFacts

pytestmark = pytest.mark.django_db

START = datetime(2026, 10, 20, 9, 30, tzinfo=UTC)
END = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def facts(status: str, **changes) -> SubscriptionFacts:
    values = {
        "id": "sub_1",
        "status": status,
        "customer_id": "cus_1",
        "metadata": {},
        "created_at": START,
        "period_start": END,
        "period_end": END + 30 * DAY,
        "cancel_at_period_end": False,
        "cancels_at": None,
        "ended_at": None,
        "payment_failed": False,
        "price_id": "price_1",
        "price_cents": 1_000,
        "currency": "usd",
    }
    return SubscriptionFacts(**{**values, **changes})


def refresh(seen: SubscriptionFacts, now: datetime = END + HOUR) -> PremiumPeriod | None:
    with transaction.atomic():
        return grace_refresh(facts=seen, now=now)


def grace() -> list[tuple[datetime, datetime]]:
    rows = PremiumPeriod.objects.filter(kind="grace").order_by("starts_at")
    return list(rows.values_list("starts_at", "ends_at"))


@pytest.fixture
def month(user, paid_month):
    return paid_month(user, START, END)


def test_past_due_has_three_days_from_the_end_of_what_was_paid(user, month):
    refresh(facts("past_due"))
    assert grace() == [(END, END + 3 * DAY)]
    row = PremiumPeriod.objects.get(kind="grace")
    assert (row.source, row.tokens_per_day) == ("grace:sub_1:2026-11-20", 30_000)
    entitled = [entitled_on(user_id=user.pk, day=(END + n * DAY).date()) for n in range(6)]
    assert entitled == [True, True, True, True, False, False]


def test_grace_does_not_grow_however_long_it_lasts(month):
    for hours in (1, 30, 71, 73, 300):
        refresh(facts("past_due"), END + hours * HOUR)
    # Stripe may begin further periods that nobody pays either.
    refresh(facts("past_due", period_start=END + 30 * DAY), END + 31 * DAY)
    assert grace() == [(END, END + 3 * DAY)]


def test_the_days_of_grace_are_a_setting(month, settings):
    settings.PREMIUM_GRACE_DAYS = 1
    refresh(facts("past_due"))
    assert grace() == [(END, END + DAY)]
    settings.PREMIUM_GRACE_DAYS = 0
    refresh(facts("past_due"))
    assert grace() == [(END, END)]


def test_no_grace_without_days(month, settings):
    settings.PREMIUM_GRACE_DAYS = 0
    assert refresh(facts("past_due")) is None
    assert grace() == []


@pytest.mark.parametrize("status", ["active", "trialing", "incomplete", "paused"])
def test_who_paid_or_never_did_gets_no_grace(month, status):
    assert refresh(facts(status)) is None
    assert grace() == []


def test_a_first_payment_that_failed_gets_no_grace():
    assert refresh(facts("past_due")) is None
    assert grace() == []


def test_an_unpaid_extra_in_a_paid_month_gets_no_grace(month):
    assert refresh(facts("past_due", period_start=START), START + DAY) is None
    assert grace() == []


def test_a_cancellation_in_the_grace_ends_it(month):
    refresh(facts("past_due"))
    refresh(facts("canceled", ended_at=END + DAY))
    assert grace() == [(END, END + DAY)]


def test_a_cancellation_at_the_periods_end_has_no_grace(month):
    # Stripe may take a second for it.
    ended_at = END + timedelta(seconds=1)
    assert refresh(facts("canceled", ended_at=ended_at, period_start=START)) is None
    assert refresh(facts("canceled", ended_at=ended_at)) is None
    assert grace() == []


def test_who_was_cancelled_for_not_paying_had_the_grace_that_nobody_told_us_of(month):
    seen = facts("canceled", payment_failed=True, ended_at=END + 15 * DAY)
    refresh(seen, END + 20 * DAY)
    assert grace() == [(END, END + 3 * DAY)]


def test_giving_up_ends_the_grace_at_once(month):
    refresh(facts("past_due"), END + HOUR)
    refresh(facts("unpaid"), END + DAY)
    assert grace() == [(END, END + DAY)]
    refresh(facts("unpaid"), END + 2 * DAY)
    assert grace() == [(END, END + DAY)]


def test_a_recovery_leaves_the_grace_as_it_was(user, month, paid_month):
    refresh(facts("past_due"))
    paid_month(user, END, END + 30 * DAY)
    refresh(facts("active"))
    assert grace() == [(END, END + 3 * DAY)]


def test_a_second_failure_has_a_grace_of_its_own(user, month, paid_month):
    refresh(facts("past_due"))
    next_end = END + 30 * DAY
    paid_month(user, END, next_end)
    refresh(facts("past_due", period_start=next_end), next_end + HOUR)
    assert grace() == [(END, END + 3 * DAY), (next_end, next_end + 3 * DAY)]


def test_another_subscriptions_month_gives_no_grace(user, paid_month):
    paid_month(user, START, END, subscription_id="sub_2")
    assert refresh(facts("past_due")) is None


def reverse(month: PremiumPeriod, now: datetime, **values) -> None:
    assert month.payment_id is not None
    Payment.objects.filter(pk=month.payment_id).update(**values)
    payment_reverse(payment_id=month.payment_id, now=now)


def test_who_got_the_month_back_gets_no_grace_for_it(month):
    reverse(month, START + 5 * DAY, refunded_cents=1_000)
    refresh(facts("past_due"))
    assert grace() == [(END, END)]


def test_a_refund_in_the_grace_ends_it_before_today(user, month):
    refresh(facts("past_due"))
    reverse(month, END + DAY + HOUR, refunded_cents=1_000)
    today = datetime(2026, 11, 21, tzinfo=UTC)
    assert grace() == [(END, today)]
    assert not entitled_on(user_id=user.pk, day=today.date())
    refresh(facts("past_due"), END + 2 * DAY)
    assert grace() == [(END, today)]


@pytest.mark.parametrize("disputed_first", [True, False])
def test_a_won_dispute_gives_the_grace_back(month, disputed_first):
    dispute = {"dispute": "open", "disputed_cents": 1_000}
    if disputed_first:
        reverse(month, END - DAY, **dispute)
        refresh(facts("past_due"))
        assert grace() == [(END, END)]
    else:
        refresh(facts("past_due"))
        reverse(month, END + HOUR, **dispute)
        assert grace() == [(END, END)]
    reverse(month, END + 2 * HOUR, dispute="won")
    month.refresh_from_db()
    assert (month.ends_at, month.cut_from) == (END, None)
    assert grace() == [(END, END + 3 * DAY)]
