"""What becomes of a checkout: paid, declined, paid later, failed later, left, not as ordered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from accounts.models import StaffAlert, User
from billing.entitlement import entitled_on
from billing.models import Grant, Order, Payment, PremiumPeriod
from billing.selectors import standing_of
from billing.services.fulfilment import checkout_settle
from billing.stripe.api import PaymentProviderUnavailable, as_dict, stripe_client
from emulators.stripe.testing import StripeControl
from tests.billing.stripe.conftest import CANCEL_URL, RETURN_URL, offer_of

pytestmark = pytest.mark.django_db
Ordering = Callable[..., Order]
Purchased = Callable[[], list[int]]


def settle(order: Order) -> Order:
    settled = checkout_settle(session_id=str(order.checkout_session_id))
    assert settled is not None
    return settled


@pytest.mark.parametrize(
    ("slug", "tokens", "cents"),
    [
        ("tokens_200k", 200_000, 500),
        ("tokens_450k", 450_000, 1000),
        ("tokens_1m", 1_000_000, 1500),
        ("tokens_2m", 2_000_000, 2000),
    ],
)
def test_a_paid_package_is_granted_whole(
    shop: StripeControl, order: Ordering, user: User, slug: str, tokens: int, cents: int
) -> None:
    placed = order(slug)
    shop.pay(placed.checkout_url)
    settled = settle(placed)
    assert settled.state == Order.State.PAID
    assert settled.paid_at is not None
    grant = Grant.objects.get(user=user, kind=Grant.Kind.PURCHASED)
    assert grant.source == f"purchase:{placed.checkout_session_id}"
    assert (grant.amount, grant.available, grant.expires_at) == (tokens, tokens, None)
    payment = Payment.objects.get()
    assert (payment.amount_cents, payment.currency, payment.tokens) == (cents, "usd", tokens)
    assert (payment.source, payment.order_id) == (placed.checkout_session_id, placed.pk)
    charge = shop.get(f"/v1/charges/{payment.charge_id}")
    assert payment.payment_intent_id == charge["payment_intent"]
    assert payment.receipt_url == charge["receipt_url"] != ""


def test_settling_again_and_again_grants_once(
    shop: StripeControl, order: Ordering, purchased: Purchased
) -> None:
    placed = order()
    shop.pay(placed.checkout_url)
    states = [settle(placed).state for _ in range(5)]
    assert states == [Order.State.PAID] * 5
    assert purchased() == [450_000]
    assert Payment.objects.count() == 1


def test_a_checkout_that_nobody_paid_stays_open(
    shop: StripeControl, order: Ordering, purchased: Purchased
) -> None:
    placed = order()
    assert settle(placed).state == Order.State.OPEN
    assert purchased() == []


def test_a_declined_card_leaves_it_open_and_another_card_pays(
    shop: StripeControl, order: Ordering, purchased: Purchased
) -> None:
    placed = order()
    assert shop.pay(placed.checkout_url, card="declined")["outcome"] == "failed"
    assert settle(placed).state == Order.State.OPEN
    assert purchased() == []
    shop.pay(placed.checkout_url)
    assert settle(placed).state == Order.State.PAID
    assert purchased() == [450_000]


def test_paid_later_is_granted_when_the_money_is_there(
    shop: StripeControl, order: Ordering, purchased: Purchased
) -> None:
    placed = order()
    shop.pay(placed.checkout_url, card="delayed")
    assert settle(placed).state == Order.State.PROCESSING
    assert purchased() == []
    shop.settle(str(placed.checkout_session_id))
    assert settle(placed).state == Order.State.PAID
    assert purchased() == [450_000]


def test_paid_later_that_fails_grants_nothing(
    shop: StripeControl, order: Ordering, purchased: Purchased
) -> None:
    placed = order()
    shop.pay(placed.checkout_url, card="delayed")
    assert settle(placed).state == Order.State.PROCESSING
    shop.settle(str(placed.checkout_session_id), succeeded=False)
    assert settle(placed).state == Order.State.FAILED
    assert purchased() == []
    assert not Payment.objects.exists()


def test_an_abandoned_checkout_expires(
    shop: StripeControl, order: Ordering, purchased: Purchased
) -> None:
    placed = order()
    shop.advance(days=2)
    assert settle(placed).state == Order.State.EXPIRED
    assert purchased() == []


def test_money_wins_over_what_was_said_before(
    shop: StripeControl, order: Ordering, purchased: Purchased
) -> None:
    placed = order()
    Order.objects.filter(pk=placed.pk).update(state=Order.State.EXPIRED)
    shop.pay(placed.checkout_url)
    assert settle(placed).state == Order.State.PAID
    assert purchased() == [450_000]


def test_a_purchase_refunded_before_it_was_noticed_leaves_nothing(
    shop: StripeControl, order: Ordering, user: User
) -> None:
    placed = order()
    paid = shop.pay(placed.checkout_url)
    shop.refund(paid["session"]["payment_intent"])
    assert settle(placed).state == Order.State.PAID
    grant = Grant.objects.get(user=user, kind=Grant.Kind.PURCHASED)
    assert (grant.available, grant.voided) == (0, 450_000)
    assert Payment.objects.get().refunded_cents == 1000


def test_stripe_being_away_changes_nothing(
    shop: StripeControl, order: Ordering, purchased: Purchased
) -> None:
    placed = order()
    shop.pay(placed.checkout_url)
    shop.fault(method="GET", path="/v1/checkout/sessions", status=503, times=20)
    with pytest.raises(PaymentProviderUnavailable):
        settle(placed)
    placed.refresh_from_db()
    assert placed.state == Order.State.OPEN
    shop.clear_faults()
    assert settle(placed).state == Order.State.PAID
    assert purchased() == [450_000]


@pytest.mark.parametrize(
    "session_id", ["cs_test_nothing", "", "../charges", "x" * 300, "cs_1\0", "cs 1", "ключ"]
)
def test_a_session_that_is_none_is_nothing(shop: StripeControl, session_id: str) -> None:
    assert checkout_settle(session_id=session_id) is None
    assert not StaffAlert.objects.exists()


# --- Premium -----------------------------------------------------------------------------------


def test_a_paid_subscription_begins_premium_today(
    shop: StripeControl, order: Ordering, user: User
) -> None:
    placed = order("premium_monthly")
    shop.pay(placed.checkout_url)
    settled = settle(placed)
    assert settled.state == Order.State.PAID
    assert settled.subscription_id.startswith("sub_")
    period = PremiumPeriod.objects.get(user=user)
    assert period.subscription_id == settled.subscription_id
    assert period.tokens_per_day == 30_000
    payment = Payment.objects.get()
    assert (payment.amount_cents, payment.order_id) == (1000, placed.pk)
    now = datetime.now(UTC)
    assert entitled_on(user_id=user.pk, day=now.date())
    assert standing_of(user, now).available == 40_000
    settle(placed)
    assert standing_of(user, now).available == 40_000
    assert Payment.objects.count() == PremiumPeriod.objects.count() == 1


def test_a_subscription_paid_later_begins_when_the_money_is_there(
    shop: StripeControl, order: Ordering
) -> None:
    placed = order("premium_monthly")
    shop.pay(placed.checkout_url, card="delayed")
    assert settle(placed).state == Order.State.PROCESSING
    assert not PremiumPeriod.objects.exists()
    shop.settle(str(placed.checkout_session_id))
    assert settle(placed).state == Order.State.PAID
    assert PremiumPeriod.objects.count() == 1


def test_a_subscription_whose_first_payment_fails_is_ended_and_another_can_be_begun(
    shop: StripeControl, order: Ordering
) -> None:
    placed = order("premium_monthly", "a")
    shop.pay(placed.checkout_url, card="delayed")
    shop.settle(str(placed.checkout_session_id), succeeded=False)
    settled = settle(placed)
    assert settled.state == Order.State.FAILED
    assert not PremiumPeriod.objects.exists()
    ended = shop.get(f"/v1/subscriptions/{settled.subscription_id}")
    assert ended["status"] in ("canceled", "incomplete_expired")
    again = order("premium_monthly", "b")
    assert (again.pk != placed.pk, again.state) == (True, Order.State.OPEN)


# --- Sessions that are not of an order ---------------------------------------------------------


def other_session(shop: StripeControl, **facts: object) -> str:
    body: dict[str, object] = {
        "mode": "payment",
        "line_items": [{"price": offer_of("tokens_450k").stripe_price_id, "quantity": 1}],
        "success_url": RETURN_URL,
        "cancel_url": CANCEL_URL,
        **facts,
    }
    session = as_dict(stripe_client().v1.checkout.sessions.create(body))  # type: ignore[arg-type]
    shop.pay(session["id"])
    return str(session["id"])


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"client_reference_id": "basket-17"},
        {"client_reference_id": "7b6f1c0e-8f3c-4d8e-9a52-0f2d9f6f7a11"},
        {"metadata": {"order": "17"}},
    ],
)
def test_sessions_of_other_systems_are_ignored_without_alert(
    shop: StripeControl, facts: dict[str, object], traces: Callable[[], dict[str, int]]
) -> None:
    before = traces()
    assert checkout_settle(session_id=other_session(shop, **facts)) is None
    assert traces() == before


def test_a_paid_session_of_an_order_of_ours_that_is_gone_alerts_staff(
    shop: StripeControl, alerts: Callable[[], list[str]], purchased: Purchased
) -> None:
    session_id = other_session(shop, metadata={"sitewright_order": "x"})
    assert checkout_settle(session_id=session_id) is None
    assert alerts() == ["session-unknown"]
    assert purchased() == []


def test_a_second_session_for_one_order_grants_nothing_and_alerts_staff(
    shop: StripeControl, order: Ordering, alerts: Callable[[], list[str]], purchased: Purchased
) -> None:
    placed = order()
    shop.pay(placed.checkout_url)
    settle(placed)
    session_id = other_session(
        shop, client_reference_id=str(placed.pk), customer=placed.stripe_customer_id
    )
    assert checkout_settle(session_id=session_id) is None
    assert purchased() == [450_000]
    assert alerts() == ["session-unknown"]
