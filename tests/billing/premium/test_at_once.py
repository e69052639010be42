"""The same word of Stripe's at the same instant, to several workers."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from billing.models import Grant, Payment, PremiumPeriod
from billing.services.reconcile import reconcile
from billing.services.reversals import charge_refresh, dispute_refresh
from billing.services.stripe_objects import object_refresh
from billing.services.subscriptions import invoice_settle, subscription_refresh
from billing.stripe.webhooks import EVENTS

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 6


def all_at_once(calls: list[Any]) -> None:
    """Run the calls in a thread and on a connection each, started together."""
    barrier = Barrier(len(calls))

    def run(call: Any) -> None:
        try:
            barrier.wait(timeout=60)
            call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(run, call) for call in calls]:
            done.result()


def test_one_invoice_settled_by_many_is_one_month(shop, user):
    order = shop.order(user, "premium_monthly")
    shop.emulated.pay(order.checkout_session_id)
    (event,) = shop.emulated.events("invoice.paid")
    invoice = event["data"]["object"]["id"]
    all_at_once([lambda: invoice_settle(invoice_id=invoice)] * WORKERS)
    assert (Payment.objects.count(), PremiumPeriod.objects.count()) == (1, 1)
    shop.tell()
    assert shop.available(user) == 40_000
    assert reconcile() == []


def test_every_word_of_a_subscription_at_once_is_one_month(shop, user):
    order = shop.order(user, "premium_monthly")
    shop.emulated.pay(order.checkout_session_id)
    about = [event["data"]["object"] for event in shop.emulated.events(*EVENTS)]
    all_at_once(
        [
            lambda one=one: object_refresh(object_type=one["object"], object_id=one["id"])
            for one in about
        ]
    )
    order.refresh_from_db()
    assert order.state == "paid"
    assert (Payment.objects.count(), PremiumPeriod.objects.count()) == (1, 1)
    assert shop.available(user) == 40_000


def test_a_refund_and_a_lost_dispute_at_once_take_the_tokens_once(shop, user):
    shop.buy(user, "tokens_450k")
    payment = Payment.objects.get()
    shop.use(user, 10_000 + 400_000)
    shop.emulated.refund(payment.charge_id, 300)
    dispute = shop.emulated.dispute(payment.charge_id, 700)
    shop.emulated.resolve_dispute(dispute["id"], "lost")
    charge_id, dispute_id = payment.charge_id, dispute["id"]
    all_at_once(
        [lambda: charge_refresh(charge_id=charge_id)] * 3
        + [lambda: dispute_refresh(dispute_id=dispute_id)] * 3
    )
    grant = Grant.objects.get(kind="purchased")
    assert (grant.available, grant.spent, grant.voided, grant.owed) == (0, 400_000, 50_000, 265_000)
    assert reconcile() == []


def test_many_looks_at_a_past_due_subscription_write_one_grace(shop, user):
    order = shop.subscribe(user)
    shop.emulated.fail_renewals(order.stripe_customer_id, times=99)
    period = PremiumPeriod.objects.get()
    shop.emulated.advance(until=period.ends_at.timestamp() + 7200)
    name = order.subscription_id
    all_at_once([lambda: subscription_refresh(subscription_id=name)] * WORKERS)
    grace = PremiumPeriod.objects.get(kind="grace")
    assert grace.starts_at == period.ends_at
