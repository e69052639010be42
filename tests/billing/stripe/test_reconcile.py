"""Webhooks that never came: one run of the reconcile heals a day of them, and doubles nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from billing.models import Grant, Order, Payment, PremiumPeriod, WebhookReceipt
from billing.services import receipts, stripe_reconcile
from billing.services.fulfilment import checkout_settle
from billing.stripe import api as stripe_api
from emulators.stripe.testing import StripeControl
from tests.billing.stripe.conftest import Door

pytestmark = pytest.mark.django_db
Ordering = Callable[..., Order]
Purchased = Callable[[], list[int]]


def reconcile(shop: StripeControl) -> stripe_reconcile.Reconciled:
    """As beat would, at the emulated time."""
    now = datetime.fromtimestamp(shop.now(), UTC)
    return stripe_reconcile.stripe_reconcile(now=now)


def test_a_day_of_lost_webhooks_is_healed_in_one_run(
    shop: StripeControl, order: Ordering, user: User, other_user: User, purchased: Purchased
) -> None:
    paid = order("tokens_200k", "paid")
    shop.pay(paid.checkout_url)
    later = order("tokens_450k", "later")
    shop.pay(later.checkout_url, card="delayed")
    back = order("tokens_1m", "back")
    refunded = shop.pay(back.checkout_url)
    left = order("tokens_2m", "left")
    premium = order("premium_monthly", "premium", other_user)
    shop.pay(premium.checkout_url)
    shop.settle(str(later.checkout_session_id))
    shop.refund(refunded["session"]["payment_intent"])
    shop.advance(days=1.1)

    assert reconcile(shop).failed == 0
    states = {each.idempotency_key: each.state for each in Order.objects.all()}
    assert states == {
        "paid": "paid",
        "later": "paid",
        "back": "paid",
        "left": "expired",
        "premium": "paid",
    }
    grants = Grant.objects.filter(user=user, kind=Grant.Kind.PURCHASED)
    assert sorted(grants.values_list("amount", "available", "voided")) == [
        (200_000, 200_000, 0),
        (450_000, 450_000, 0),
        (1_000_000, 0, 1_000_000),
    ]
    assert PremiumPeriod.objects.get().user_id == other_user.pk
    assert left.pk

    before = sorted(Payment.objects.values_list("source", "reversals"))
    again = reconcile(shop)
    assert (again.failed, sorted(purchased())) == (0, [200_000, 450_000, 1_000_000])
    assert sorted(Payment.objects.values_list("source", "reversals")) == before
    assert PremiumPeriod.objects.count() == 1


def test_late_webhooks_after_the_reconcile_change_nothing(
    shop: StripeControl, order: Ordering, door: Door, purchased: Purchased
) -> None:
    shop.pay(order().checkout_url)
    reconcile(shop)
    for event in shop.events():
        assert door.deliver(shop.signed(event["id"])) == 200
    assert door.work_off() == []
    assert purchased() == [450_000]


def test_what_was_heard_is_not_asked_about_again(
    shop: StripeControl, order: Ordering, deliver_all: Callable[..., list[int]]
) -> None:
    shop.pay(order().checkout_url)
    deliver_all()
    assert reconcile(shop) == stripe_reconcile.Reconciled(looked_at=0, failed=0, given_up=0)


def test_an_order_killed_before_its_session_was_written_down_is_found(
    shop: StripeControl, order: Ordering, purchased: Purchased
) -> None:
    placed = order()
    Order.objects.filter(pk=placed.pk).update(
        state=Order.State.CREATED, checkout_session_id=None, checkout_url=""
    )
    reconcile(shop)
    found = Order.objects.get()
    assert (found.state, found.checkout_url) == (Order.State.OPEN, placed.checkout_url)
    shop.pay(found.checkout_url)
    reconcile(shop)
    assert purchased() == [450_000]


def test_an_order_killed_before_it_had_a_session_is_given_up_after_a_day(
    shop: StripeControl, order: Ordering
) -> None:
    placed = order()
    Order.objects.filter(pk=placed.pk).update(
        state=Order.State.CREATED,
        checkout_session_id=None,
        created_at=timezone.now() - timedelta(hours=26),
    )
    Order.objects.filter(pk=placed.pk).update(id="7b6f1c0e-8f3c-4d8e-9a52-0f2d9f6f7a11")
    assert reconcile(shop).given_up == 1
    assert Order.objects.get().state == Order.State.EXPIRED


def test_a_payment_that_took_a_week_is_noticed(
    shop: StripeControl, order: Ordering, purchased: Purchased
) -> None:
    shop.settings(delayed_payment_seconds=7 * 86_400)
    shop.pay(order().checkout_url, card="delayed")
    shop.advance(days=8)
    reconcile(shop)
    assert purchased() == [450_000]


def test_a_lost_renewal_is_noticed(shop: StripeControl, order: Ordering, user: User) -> None:
    shop.pay(order("premium_monthly").checkout_url)
    reconcile(shop)
    shop.advance(days=31.5)
    reconcile(shop)
    assert PremiumPeriod.objects.filter(user=user, kind=PremiumPeriod.Kind.PAID).count() == 2
    assert Payment.objects.count() == 2


def test_one_object_that_fails_does_not_keep_the_others_from_healing(
    shop: StripeControl,
    order: Ordering,
    purchased: Purchased,
    alerts: Callable[[], list[str]],
) -> None:
    broken, good = order("tokens_200k", "a"), order("tokens_450k", "b")
    for each in (broken, good):
        shop.pay(each.checkout_url)
    path = f"/v1/checkout/sessions/{broken.checkout_session_id}"
    shop.fault(method="GET", path=path, status=503, times=60)
    assert reconcile(shop).failed > 0
    assert purchased() == [450_000]
    assert alerts() == ["stripe-reconcile"]
    shop.clear_faults()
    assert reconcile(shop).failed == 0
    assert sorted(purchased()) == [200_000, 450_000]


def test_other_systems_on_the_account_leave_no_trace(
    shop: StripeControl, order: Ordering, traces: Callable[[], dict[str, int]]
) -> None:
    shop.pay(order("tokens_200k", "a").checkout_url)
    shop.pay(order("premium_monthly", "b").checkout_url)
    before = traces()
    Order.objects.all().delete()
    assert reconcile(shop).failed == 0
    after = traces()
    # All they carry is our name, which staff are told about: nobody gets anything.
    assert after.pop("StaffAlert") > before.pop("StaffAlert")
    assert after == before


def test_with_webhooks_lost_one_look_on_return_is_enough(
    shop: StripeControl, order: Ordering, purchased: Purchased
) -> None:
    """What the page people come back to does: no wait, no retry, so it is there at once."""
    placed = order()
    shop.pay(placed.checkout_url)
    asked = len(shop.requests())
    settled = checkout_settle(session_id=str(placed.checkout_session_id))
    assert settled is not None
    assert settled.state == Order.State.PAID
    assert purchased() == [450_000]
    # The session, and once the tokens are there whether the money has gone back meanwhile.
    assert [row["path"].split("/")[2] for row in shop.requests()[asked:]] == [
        "checkout",
        "charges",
    ]


# --- Receipts ----------------------------------------------------------------------------------


def receipt(**facts: object) -> WebhookReceipt:
    defaults: dict[str, object] = {
        "event_id": "evt_1",
        "event_type": "checkout.session.completed",
        "object_type": "checkout.session",
        "object_id": "cs_1",
    }
    return WebhookReceipt.objects.create(**{**defaults, **facts})


def test_a_receipt_that_fails_is_tried_again_with_longer_waits_and_a_bound(
    shop: StripeControl, alerts: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library's own retries within an attempt would only make it longer.
    monkeypatch.setattr(stripe_api, "NETWORK_RETRIES", 0)
    stripe_api._client.cache_clear()
    shop.fault(method="GET", status=503, times=10_000)
    start = timezone.now()
    made = receipt(received_at=start)
    moment = start
    waits = (30, 90, 210, 450, 930, 1890, 3810, 7650, 15330, 30690)
    assert len(waits) == receipts.MAX_ATTEMPTS
    for seconds in waits:
        moment = start + timedelta(seconds=seconds)
        assert receipts.receipts_due(now=moment - timedelta(seconds=1)) == []
        assert receipts.receipts_due(now=moment) == [made.pk]
        assert alerts() == []
        assert receipts.receipt_handle(receipt_id=made.pk, now=moment) is False
    made.refresh_from_db()
    assert (made.attempts, made.handled_at) == (10, None)
    assert made.error.startswith("PaymentProviderUnavailable")
    assert alerts() == ["receipt"]
    assert receipts.receipts_due(now=moment + timedelta(days=30)) == []
    shop.clear_faults()
    WebhookReceipt.objects.update(attempts=0)
    assert receipts.receipts_due(now=moment) == [made.pk]
    assert receipts.receipt_handle(receipt_id=made.pk) is True


def test_a_handled_receipt_is_left_alone(shop: StripeControl) -> None:
    made = receipt()
    assert receipts.receipt_handle(receipt_id=made.pk) is True
    asked = len(shop.requests())
    assert receipts.receipt_handle(receipt_id=made.pk) is True
    assert receipts.receipt_handle(receipt_id=made.pk + 1) is False
    assert len(shop.requests()) == asked
    made.refresh_from_db()
    assert made.attempts == 1


def test_only_old_handled_receipts_are_forgotten(shop: StripeControl) -> None:
    now = timezone.now()
    old, young = now - timedelta(days=31), now - timedelta(days=29)
    receipt(event_id="evt_old", received_at=old, handled_at=old)
    receipt(event_id="evt_young", received_at=young, handled_at=young)
    receipt(event_id="evt_waiting", received_at=old)
    assert receipts.intake_prune(now=now) == (1, 0)
    left = set(WebhookReceipt.objects.values_list("event_id", flat=True))
    assert left == {"evt_young", "evt_waiting"}
