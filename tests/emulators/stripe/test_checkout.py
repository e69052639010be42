"""Checkout through Stripe's own client: paid, declined, paid later, let lapse."""

from __future__ import annotations

import pytest
import stripe

from tests.emulators.stripe.shop import Shop


def test_a_paid_session_has_a_charge_of_the_whole_amount(shop: Shop) -> None:
    session = shop.session(
        client_reference_id="order-1",
        metadata={"order": "1"},
        payment_intent_data={"metadata": {"order": "1"}},
        expand=["line_items"],
    )
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_total, session.currency) == (500, "usd")
    assert session.payment_intent is None
    assert session.line_items is not None
    assert [line.price.id for line in session.line_items.data if line.price] == [shop.package.id]
    assert session.url == f"{shop.emulated.url}/c/pay/{session.id}"

    shop.emulated.pay(session.url)
    paid = shop.read(session.id, "payment_intent.latest_charge", "customer")
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.client_reference_id == "order-1"
    assert isinstance(paid.customer, stripe.Customer)
    intent = paid.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.status, intent.amount_received) == ("succeeded", 500)
    assert intent.metadata.to_dict() == {"order": "1"}
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.amount, charge.paid, charge.status) == (500, True, "succeeded")
    assert charge.receipt_url == f"{shop.emulated.url}/receipts/{charge.id}"


def test_a_declined_card_leaves_the_session_open_for_another(shop: Shop) -> None:
    session = shop.session()
    assert shop.emulated.pay(session.id, card="declined")["outcome"] == "failed"
    tried = shop.read(session.id, "payment_intent")
    assert (tried.status, tried.payment_status) == ("open", "unpaid")
    assert isinstance(tried.payment_intent, stripe.PaymentIntent)
    assert tried.payment_intent.status == "requires_payment_method"
    assert tried.payment_intent.last_payment_error is not None
    assert tried.payment_intent.last_payment_error.decline_code == "generic_decline"
    assert shop.emulated.pay(session.id)["outcome"] == "succeeded"
    charges = shop.client.v1.charges.list({"payment_intent": tried.payment_intent.id}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]


@pytest.mark.parametrize(
    ("succeeded", "status", "last"),
    [
        (True, "paid", "checkout.session.async_payment_succeeded"),
        (False, "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_a_bank_debit_completes_first_and_is_paid_or_not_later(
    shop: Shop, succeeded: bool, status: str, last: str
) -> None:
    session = shop.session()
    assert shop.emulated.pay(session.id, card="delayed")["outcome"] == "processing"
    waiting = shop.read(session.id, "payment_intent.latest_charge")
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert isinstance(waiting.payment_intent, stripe.PaymentIntent)
    assert waiting.payment_intent.status == "processing"
    shop.emulated.settle(session.id, succeeded=succeeded)
    assert shop.read(session.id).payment_status == status
    assert shop.emulated.events()[-1]["type"] == last


def test_a_bank_debit_comes_through_by_the_clock(shop: Shop) -> None:
    session = shop.session()
    shop.emulated.pay(session.id, card="delayed")
    shop.emulated.advance(days=2.9)
    assert shop.read(session.id).payment_status == "unpaid"
    shop.emulated.advance(days=0.2)
    assert shop.read(session.id).payment_status == "paid"


def test_an_abandoned_session_expires_after_a_day(shop: Shop) -> None:
    session = shop.session()
    shop.emulated.advance(days=0.99)
    assert shop.read(session.id).status == "open"
    shop.emulated.advance(days=0.02)
    assert shop.read(session.id).status == "expired"
    assert [event["type"] for event in shop.emulated.events("checkout.session.expired")] == [
        "checkout.session.expired"
    ]
    with pytest.raises(ValueError, match="is expired, not open"):
        shop.emulated.pay(session.id)


def test_a_session_can_be_expired_once(shop: Shop) -> None:
    session = shop.session()
    assert shop.client.v1.checkout.sessions.expire(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        shop.client.v1.checkout.sessions.expire(session.id)


def test_a_session_is_paid_once(shop: Shop) -> None:
    session = shop.session()
    shop.emulated.pay(session.id)
    with pytest.raises(ValueError, match="is complete, not open"):
        shop.emulated.pay(session.id)
    assert len(shop.client.v1.charges.list().data) == 1


def test_a_subscription_starts_with_its_first_invoice_paid(shop: Shop) -> None:
    started = shop.subscribed(subscription_data={"metadata": {"order": "7"}})
    item = started["items"].data[0]
    assert (started.status, started.metadata.to_dict()) == ("active", {"order": "7"})
    assert not hasattr(started, "current_period_end")
    assert item.current_period_start == started.billing_cycle_anchor
    (invoice,) = shop.invoices()
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_create")
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == started.id
    assert invoice.parent.subscription_details.metadata is not None
    period = invoice.lines.data[0].period
    assert (period.start, period.end) == (item.current_period_start, item.current_period_end)
    expand = {"expand": ["payments.data.payment.payment_intent.latest_charge"]}
    whole = shop.client.v1.invoices.retrieve(str(invoice.id), expand)  # type: ignore[arg-type]
    assert whole.payments is not None
    intent = whole.payments.data[0].payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert isinstance(intent.latest_charge, stripe.Charge)
    found = shop.client.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": intent.id}}
    )
    assert [row.invoice for row in found.data] == [invoice.id]


def test_one_subscription_comes_of_a_decline_and_a_second_try(shop: Shop) -> None:
    session = shop.session("subscription")
    shop.emulated.pay(session.id, card="declined")
    shop.emulated.pay(session.id)
    rows = shop.client.v1.subscriptions.list({"customer": shop.customer.id, "status": "all"}).data
    assert [row.status for row in rows] == ["active"]
    assert shop.read(session.id).subscription == rows[0].id
    assert [invoice.status for invoice in shop.invoices()] == ["paid"]


def test_a_subscription_that_is_never_paid_expires(shop: Shop) -> None:
    session = shop.session("subscription")
    shop.emulated.pay(session.id, card="declined")
    shop.emulated.advance(days=1.1)
    (row,) = shop.client.v1.subscriptions.list({"status": "all"}).data
    assert row.status == "incomplete_expired"
    assert [invoice.status for invoice in shop.invoices()] == ["void"]


def test_an_invoice_of_a_one_time_payment_is_made_when_asked_for(shop: Shop) -> None:
    session = shop.session(invoice_creation={"enabled": True})
    shop.emulated.pay(session.id)
    (invoice,) = shop.invoices()
    assert shop.read(session.id).invoice == invoice.id
    assert (invoice.status, invoice.amount_paid, invoice.parent) == ("paid", 500, None)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"mode": "setup"}, "mode"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "line_items[0][price]"),
        ({"success_url": "not a url"}, "success_url"),
        ({"customer": "cus_none"}, "customer"),
        ({"expires_at": 1}, "expires_at"),
        ({"discounts": [{"coupon": "half"}]}, "discounts"),
        ({"bogus": "1"}, "bogus"),
    ],
)
def test_a_session_that_real_stripe_would_refuse_is_refused(
    shop: Shop, change: dict[str, object], param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.session(**change)  # type: ignore[arg-type]
    assert (refusal.value.http_status, refusal.value.param) == (400, param)
    assert shop.client.v1.checkout.sessions.list().data == []


@pytest.mark.parametrize("mode", ["payment", "subscription"])
def test_a_price_of_the_other_kind_is_refused(shop: Shop, mode: str) -> None:
    wrong = shop.plan if mode == "payment" else shop.package
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.session(mode, line_items=[{"price": wrong.id, "quantity": 1}])
    assert refusal.value.param == "mode"
