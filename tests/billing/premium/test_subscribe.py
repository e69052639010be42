"""Premium from the first payment to the last day, with an emulated Stripe over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import StaffAlert
from billing.errors import NothingBought, NotSubscribed
from billing.models import Grant, Order, Payment, PremiumPeriod
from billing.plan import PlanState, plan_of
from billing.selectors import standing_of
from billing.services.subscriptions import (
    invoice_settle,
    portal_url,
    subscription_cancel,
    subscription_refresh,
    subscription_resume,
)
from tests.billing.premium.shop import days_granted

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
END = datetime(2026, 12, 15, 12, 0, tzinfo=UTC)


def test_a_subscription_gives_30_000_today_and_30_000_tomorrow(shop, user):
    assert shop.available(user) == 10_000
    order = shop.subscribe(user)
    assert order.state == Order.State.PAID
    standing = standing_of(user, shop.now)
    assert (standing.subscription_status, standing.available) == ("premium_monthly", 40_000)
    shop.use(user, 40_000)
    assert shop.available(user) == 0
    shop.move(DAY)
    assert shop.available(user) == 30_000
    assert days_granted(user) == ["2026-11-15", "2026-11-16"]


def test_a_paid_month_is_one_payment_and_one_period(shop, user):
    order = shop.subscribe(user)
    payment = Payment.objects.get()
    subscription = shop.subscription(order)
    assert payment.source == subscription["latest_invoice"]
    assert (payment.user, payment.order, payment.offer) == (user, order, order.offer)
    assert (payment.amount_cents, payment.currency, payment.tokens) == (1_000, "usd", 30_000)
    assert (payment.refunded_cents, payment.dispute, payment.paid_at) == (0, "", shop.now)
    assert payment.charge_id.startswith("ch_")
    assert payment.payment_intent_id.startswith("pi_")
    period = PremiumPeriod.objects.get()
    assert period.source == f"invoice:{payment.source}"
    assert (period.kind, period.subscription_id) == ("paid", order.subscription_id)
    assert (period.starts_at, period.ends_at) == (shop.now, END)
    assert period.tokens_per_day == 30_000
    plan = plan_of(user, shop.now)
    assert (plan.state, plan.renews_at, plan.ends_at) == (PlanState.ACTIVE, END, None)
    assert (plan.subscription_id, plan.price_cents, plan.currency) == (
        order.subscription_id,
        1_000,
        "usd",
    )


def test_an_invoice_settled_again_and_again_is_one_month(shop, user):
    order = shop.subscribe(user)
    invoice = shop.subscription(order)["latest_invoice"]
    settled = [invoice_settle(invoice_id=invoice) for _ in range(3)]
    assert {payment.pk for payment in settled if payment} == {Payment.objects.get().pk}
    assert PremiumPeriod.objects.count() == 1


def test_an_invoice_that_comes_before_its_checkout_finds_its_order(shop, user):
    order = shop.order(user, "premium_monthly")
    shop.emulated.pay(order.checkout_session_id)
    (invoice,) = {event["data"]["object"]["id"] for event in shop.emulated.events("invoice.paid")}
    payment = invoice_settle(invoice_id=invoice)
    order.refresh_from_db()
    assert payment is not None
    assert (payment.user, payment.order, order.state) == (user, order, Order.State.OPEN)
    assert order.subscription_id
    shop.tell()
    order.refresh_from_db()
    assert order.state == Order.State.PAID
    assert (Payment.objects.count(), PremiumPeriod.objects.count()) == (1, 1)


def test_nothing_is_asked_of_unknown_invoices_and_subscriptions(shop):
    assert invoice_settle(invoice_id="in_unknown") is None
    assert subscription_refresh(subscription_id="sub_unknown") is None
    assert not StaffAlert.objects.exists()


def test_a_renewal_is_another_month_and_no_day_is_lost_or_doubled(shop, user):
    shop.subscribe(user)
    for _ in range(45):
        shop.available(user)
        shop.move(DAY)
    days = days_granted(user)
    assert (days[0], days[-1], len(days)) == ("2026-11-15", "2026-12-29", 45)
    assert Payment.objects.count() == 2
    assert plan_of(user, shop.now).renews_at == datetime(2027, 1, 15, 12, 0, tzinfo=UTC)


def test_a_cancelled_subscription_is_kept_to_the_end_of_its_period(shop, user):
    shop.subscribe(user)
    plan = subscription_cancel(user=user)
    assert (plan.state, plan.ends_at, plan.renews_at) == (PlanState.CANCELLING, END, None)
    assert subscription_cancel(user=user) == plan
    shop.tell()
    shop.move(END - timedelta(seconds=1))
    assert standing_of(user, shop.now).subscription_status == "premium_monthly"
    shop.move(END + timedelta(hours=11, minutes=59))
    # The last day is a whole day.
    assert standing_of(user, shop.now).subscription_status == "premium_monthly"
    shop.move(END + timedelta(hours=12))
    assert standing_of(user, shop.now).subscription_status == "free"
    plan = plan_of(user, shop.now)
    assert (plan.state, plan.ends_at) == (PlanState.ENDED, END)
    assert days_granted(user)[-1] == "2026-12-15"
    assert not PremiumPeriod.objects.filter(kind="grace").exists()
    with pytest.raises(NotSubscribed):
        subscription_cancel(user=user)
    with pytest.raises(NotSubscribed):
        subscription_resume(user=user)


def test_a_cancelled_subscription_can_be_resumed_and_renews(shop, user):
    shop.subscribe(user)
    subscription_cancel(user=user)
    shop.move(3 * DAY)
    plan = subscription_resume(user=user)
    assert (plan.state, plan.renews_at, plan.ends_at) == (PlanState.ACTIVE, END, None)
    assert subscription_resume(user=user) == plan
    # Cancelling once more is no replay of the first time.
    assert subscription_cancel(user=user).state == PlanState.CANCELLING
    assert subscription_resume(user=user).state == PlanState.ACTIVE
    shop.move(END + DAY)
    assert Payment.objects.count() == 2
    assert plan_of(user, shop.now).state == PlanState.ACTIVE


def test_the_pages_know_of_a_cancellation_whose_end_has_passed_without_stripes_word(shop, user):
    shop.subscribe(user)
    subscription_cancel(user=user)
    assert plan_of(user, END).state == PlanState.ENDED
    assert plan_of(user, END - DAY).state == PlanState.CANCELLING


def test_who_subscribes_again_on_the_last_day_gets_no_second_day(shop, user):
    shop.subscribe(user)
    subscription_cancel(user=user)
    shop.move(END - timedelta(hours=1))
    shop.use(user, 40_000)
    shop.move(END + timedelta(hours=1))
    again = shop.subscribe(user)
    assert again.state == Order.State.PAID
    assert shop.available(user) == 0
    assert days_granted(user).count("2026-12-15") == 1
    assert plan_of(user, shop.now).subscription_id == again.subscription_id
    shop.move(DAY)
    assert shop.available(user) == 30_000


def test_a_subscription_ended_at_once_keeps_the_days_that_were_paid(shop, user):
    order = shop.subscribe(user)
    shop.end_at_once(order)
    shop.move(DAY)
    assert shop.available(user) == 40_000
    plan = plan_of(user, shop.now)
    assert (plan.state, plan.ends_at) == (PlanState.ENDED, END)
    with pytest.raises(NotSubscribed):
        subscription_resume(user=user)


def test_an_upgrade_in_the_middle_of_a_day_gives_todays_tokens_at_once(shop, user, purchase):
    purchase(user, 200_000)
    shop.use(user, 15_000)
    shop.subscribe(user)
    assert shop.available(user) == 225_000
    assert Grant.objects.get(kind="premium_daily").available == 30_000


def test_the_portal_is_for_people_who_bought_something(shop, user, other_user):
    shop.subscribe(user)
    url = portal_url(user=user, return_url="https://app.example/billing/")
    assert url.startswith(shop.emulated.url)
    with pytest.raises(NothingBought):
        portal_url(user=other_user, return_url="https://app.example/billing/")


def test_who_never_subscribed_has_no_plan(shop, user):
    assert plan_of(user, shop.now).state == PlanState.NONE
    for verb in (subscription_cancel, subscription_resume):
        with pytest.raises(NotSubscribed):
            verb(user=user)


def test_a_checkout_that_was_declined_is_no_plan(shop, user):
    order = shop.order(user, "premium_monthly")
    shop.emulated.pay(order.checkout_session_id, card="declined")
    shop.tell()
    assert plan_of(user, shop.now).state == PlanState.NONE
    assert standing_of(user, shop.now).subscription_status == "free"
    assert not Payment.objects.exists()
