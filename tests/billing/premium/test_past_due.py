"""A renewal that nobody paid: grace, recovery, loss. Stripe tries again on days 3, 5 and 7."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from billing.entitlement import entitled_on
from billing.models import Payment, PremiumPeriod
from billing.plan import PlanState, plan_of
from billing.selectors import standing_of
from billing.services.mails import mails_due, renewal_failed_send
from billing.services.subscriptions import invoice_settle, subscription_cancel
from tests.billing.premium.shop import Shop, days_granted

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
END = datetime(2026, 12, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def unpaid(shop: Shop, user):
    """A subscription whose renewal was declined an hour after its month had ended."""
    order = shop.subscribe(user)
    shop.move(END - HOUR)
    shop.emulated.fail_renewals(order.stripe_customer_id, times=99)
    shop.move(END + 2 * HOUR)
    return order


def entitled(user, first: datetime, days: int) -> list[bool]:
    return [entitled_on(user_id=user.pk, day=(first + n * DAY).date()) for n in range(days)]


def test_past_due_keeps_the_daily_tokens_for_three_days(shop, user, unpaid):
    plan = plan_of(user, shop.now)
    assert (plan.state, plan.grace_until) == (PlanState.PAST_DUE, END + 3 * DAY)
    assert (plan.renews_at, plan.ends_at) == (None, None)
    assert entitled(user, END, 5) == [True, True, True, True, False]
    days = []
    for _ in range(6):
        days.append(standing_of(user, shop.now).subscription_status)
        shop.move(DAY)
    assert days == ["premium_monthly"] * 4 + ["free"] * 2
    assert days_granted(user)[-3:] == ["2026-12-16", "2026-12-17", "2026-12-18"]
    assert Payment.objects.count() == 1


def test_a_failed_renewal_is_told_by_mail_once(shop, user, unpaid):
    grace = PremiumPeriod.objects.get(kind="grace")
    shop.move(5 * HOUR)
    assert grace.failure_mail_due_at is not None
    assert mails_due(now=shop.now).graces == [grace.pk]
    mail.outbox.clear()
    assert renewal_failed_send(grace_id=grace.pk)
    assert not renewal_failed_send(grace_id=grace.pk)
    shop.move(END + 2 * DAY)
    assert mails_due(now=shop.now).graces == []
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == ([user.email], "Your premium could not be renewed")
    for words in ("30,000 tokens a day until", "18 Dec", "update your card", "/billing/"):
        assert words in sent.body


def test_a_renewal_that_was_paid_meanwhile_is_not_told_as_failed(shop, user, unpaid):
    grace = PremiumPeriod.objects.get(kind="grace")
    shop.emulated.fail_renewals(unpaid.stripe_customer_id, times=0)
    shop.move(END + 4 * DAY)
    mail.outbox.clear()
    assert not renewal_failed_send(grace_id=grace.pk, now=END + 3 * HOUR)
    assert mail.outbox == []
    grace.refresh_from_db()
    assert grace.failure_mail_due_at is None


def test_a_recovery_on_day_3_covers_the_whole_month(shop, user, unpaid):
    shop.move(END + 2 * DAY)
    shop.emulated.fail_renewals(unpaid.stripe_customer_id, times=0)
    shop.move(END + 4 * DAY)
    assert Payment.objects.count() == 2
    month = PremiumPeriod.objects.get(kind="paid", starts_at=END)
    assert month.ends_at == datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
    assert all(entitled(user, END, 32))
    plan = plan_of(user, shop.now)
    assert (plan.state, plan.renews_at) == (PlanState.ACTIVE, month.ends_at)


def test_a_late_recovery_gives_the_rest_of_the_month_and_no_day_twice(shop, user, unpaid):
    for _ in range(7):
        shop.available(user)
        shop.move(DAY)
    assert days_granted(user)[-1] == "2026-12-18"
    shop.emulated.fail_renewals(unpaid.stripe_customer_id, times=0)
    shop.move(2 * DAY)
    assert plan_of(user, shop.now).state == PlanState.ACTIVE
    assert shop.available(user) == 40_000
    days = days_granted(user)
    assert len(days) == len(set(days))
    assert days[-2:] == ["2026-12-18", "2026-12-24"]


def test_a_lost_renewal_ends_premium_after_its_grace(shop, user, unpaid):
    shop.move(END + 20 * DAY)
    plan = plan_of(user, shop.now)
    assert plan.state == PlanState.ENDED
    assert shop.subscription(unpaid)["status"] == "canceled"
    assert entitled(user, END, 6) == [True, True, True, True, False, False]
    grace = PremiumPeriod.objects.get(kind="grace")
    assert (grace.starts_at, grace.ends_at) == (END, END + 3 * DAY)
    shop.emulated.fail_renewals(unpaid.stripe_customer_id, times=0)
    shop.subscribe(user)
    assert plan_of(user, shop.now).state == PlanState.ACTIVE
    assert shop.available(user) == 40_000


@pytest.mark.parametrize("outcome", ["unpaid", "past_due"])
def test_an_account_that_gives_up_otherwise_gives_no_more_days_either(shop, user, unpaid, outcome):
    shop.emulated.settings(after_retries=outcome)
    shop.move(END + 50 * DAY)
    assert shop.subscription(unpaid)["status"] == outcome
    assert entitled(user, END, 50) == [True] * 4 + [False] * 46
    plan = plan_of(user, shop.now)
    assert (plan.state, plan.grace_until) == (PlanState.PAST_DUE, None)
    # What Stripe no longer collects can still be given up.
    assert subscription_cancel(user=user).running


def test_a_subscription_ended_in_its_grace_has_no_further_days(shop, user, unpaid):
    shop.move(END + DAY)
    shop.end_at_once(unpaid)
    grace = PremiumPeriod.objects.get(kind="grace")
    assert (grace.starts_at, grace.ends_at) == (END, END + DAY)
    assert entitled(user, END, 4) == [True, True, False, False]


def test_a_failure_that_nobody_told_us_of_is_seen_at_the_next_word(shop, user):
    order = shop.subscribe(user)
    shop.emulated.fail_renewals(order.stripe_customer_id, times=99)
    shop.emulated.advance(until=END + 2 * HOUR)
    shop.withhold()
    invoice = shop.subscription(order)["latest_invoice"]
    assert invoice_settle(invoice_id=invoice) is None
    assert PremiumPeriod.objects.get(kind="grace").ends_at == END + 3 * DAY


def test_months_that_nobody_told_us_of_are_settled_before_a_grace_is_written(shop, user):
    order = shop.subscribe(user)
    second_end = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
    shop.emulated.advance(until=second_end - DAY)
    shop.withhold()
    shop.emulated.fail_renewals(order.stripe_customer_id, times=99)
    shop.move(second_end + 2 * HOUR)
    assert Payment.objects.count() == 2
    (grace,) = PremiumPeriod.objects.filter(kind="grace")
    assert (grace.starts_at, grace.ends_at) == (second_end, second_end + 3 * DAY)
