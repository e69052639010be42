"""Stripe's objects in the shape of 2026-08-26.dahlia: what is read out of them."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from billing.models import Payment
from billing.stripe.facts import DisputeFacts, dispute_facts, invoice_facts, subscription_facts

START, END = 1_793_500_000, 1_796_092_000
INVOICE: dict[str, Any] = {
    "id": "in_1",
    "object": "invoice",
    "amount_paid": 1000,
    "currency": "usd",
    "customer": "cus_1",
    "lines": {
        "object": "list",
        "data": [
            {
                "id": "il_1",
                "object": "line_item",
                "amount": 1000,
                "parent": {
                    "invoice_item_details": None,
                    "subscription_item_details": {"proration": False, "subscription": "sub_1"},
                    "type": "subscription_item_details",
                },
                "period": {"start": START, "end": END},
                "pricing": {
                    "price_details": {"price": "price_1", "product": "prod_1"},
                    "type": "price_details",
                },
                "quantity": 1,
            }
        ],
    },
    "parent": {
        "quote_details": None,
        "subscription_details": {"metadata": {"order": "7"}, "subscription": "sub_1"},
        "type": "subscription_details",
    },
    "payments": {
        "object": "list",
        "data": [
            {"status": "canceled", "payment": {"payment_intent": "pi_0", "type": "payment_intent"}},
            {"status": "paid", "payment": {"payment_intent": "pi_1", "type": "payment_intent"}},
        ],
    },
    "status": "paid",
    "status_transitions": {"paid_at": START + 3600},
}
SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_1",
    "object": "subscription",
    "cancel_at": None,
    "cancel_at_period_end": False,
    "cancellation_details": {"comment": None, "feedback": None, "reason": None},
    "created": START,
    "currency": "usd",
    "customer": "cus_1",
    "ended_at": None,
    "items": {
        "object": "list",
        "data": [
            {
                "id": "si_1",
                "current_period_start": START,
                "current_period_end": END,
                "price": {"id": "price_1", "unit_amount": 1000, "currency": "usd"},
            }
        ],
    },
    "metadata": {},
    "status": "active",
}


def changed(data: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**deepcopy(data), **fields}


def test_an_invoice_says_whose_month_it_is_and_what_paid_it():
    facts = invoice_facts(INVOICE)
    assert (facts.id, facts.status, facts.customer_id) == ("in_1", "paid", "cus_1")
    assert (facts.subscription_id, facts.metadata) == ("sub_1", {"order": "7"})
    assert (facts.amount_paid_cents, facts.currency) == (1000, "usd")
    assert (facts.payment_intent_id, facts.charge_id) == ("pi_1", "")
    assert facts.paid_at == datetime.fromtimestamp(START + 3600, UTC)
    (line,) = facts.lines
    assert (line.price_id, line.quantity, facts.other_lines) == ("price_1", 1, 0)
    assert (line.starts_at.timestamp(), line.ends_at.timestamp()) == (START, END)


def test_expanded_objects_are_read_like_their_ids():
    data = changed(INVOICE, customer={"id": "cus_1", "object": "customer"})
    data["parent"]["subscription_details"]["subscription"] = {"id": "sub_1"}
    data["payments"]["data"][1]["payment"]["payment_intent"] = {"id": "pi_1"}
    assert invoice_facts(data) == invoice_facts(INVOICE)


def test_an_invoice_of_no_subscription_names_none():
    data = changed(INVOICE, parent=None, payments=None, status_transitions=None)
    facts = invoice_facts(data)
    assert (facts.subscription_id, facts.metadata) == ("", {})
    assert (facts.payment_intent_id, facts.paid_at) == ("", None)


def test_one_off_and_pro_rated_lines_are_no_periods():
    data = deepcopy(INVOICE)
    pro_rated = deepcopy(data["lines"]["data"][0])
    pro_rated["parent"]["subscription_item_details"]["proration"] = True
    data["lines"]["data"] += [pro_rated, {"id": "il_3", "parent": None, "pricing": None}]
    facts = invoice_facts(data)
    assert (len(facts.lines), facts.other_lines) == (1, 2)


def test_a_subscription_is_billed_by_its_items_period():
    facts = subscription_facts(SUBSCRIPTION)
    assert facts.running
    assert facts.period_start == datetime.fromtimestamp(START, UTC)
    assert facts.period_end == datetime.fromtimestamp(END, UTC)
    assert (facts.price_id, facts.price_cents, facts.currency) == ("price_1", 1000, "usd")
    assert (facts.cancels_at, facts.ended_at, facts.payment_failed) == (None, None, False)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cancel_at_period_end": True}, END),
        ({"cancel_at_period_end": True, "cancel_at": END}, END),
        ({"cancel_at": END - 5}, END - 5),
        ({}, None),
    ],
)
def test_a_subscription_ends_by_its_flag_or_by_its_date(fields, expected):
    cancels_at = subscription_facts(changed(SUBSCRIPTION, **fields)).cancels_at
    assert (cancels_at and cancels_at.timestamp()) == expected


def test_a_subscription_without_items_or_price_is_still_read():
    facts = subscription_facts(changed(SUBSCRIPTION, items=None, status="canceled"))
    assert (facts.period_end, facts.price_id, facts.price_cents) == (None, "", 0)
    assert (facts.currency, facts.running) == ("usd", False)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], DisputeFacts(Payment.Dispute.NONE, 0)),
        (["warning_needs_response"], DisputeFacts(Payment.Dispute.NONE, 0)),
        (["warning_closed", "prevented"], DisputeFacts(Payment.Dispute.NONE, 0)),
        (["needs_response"], DisputeFacts(Payment.Dispute.OPEN, 300)),
        (["under_review"], DisputeFacts(Payment.Dispute.OPEN, 300)),
        (["won"], DisputeFacts(Payment.Dispute.WON, 300)),
        (["won", "needs_response"], DisputeFacts(Payment.Dispute.OPEN, 300)),
        (["lost", "won", "needs_response"], DisputeFacts(Payment.Dispute.LOST, 300)),
        (["lost", "lost"], DisputeFacts(Payment.Dispute.LOST, 600)),
        (["lost", "lost", "lost", "lost"], DisputeFacts(Payment.Dispute.LOST, 1000)),
    ],
)
def test_disputes_of_a_charge_are_told_as_one(statuses, expected):
    disputes = [{"status": status, "amount": 300, "currency": "usd"} for status in statuses]
    assert dispute_facts(disputes, amount_cents=1000, currency="usd") == expected


def test_a_dispute_in_another_currency_is_about_everything():
    disputes = [{"status": "lost", "amount": 270, "currency": "eur"}]
    facts = dispute_facts(disputes, amount_cents=1000, currency="usd")
    assert facts == DisputeFacts(Payment.Dispute.LOST, 1000)
