"""Refunds and disputes through Stripe's own client."""

from __future__ import annotations

import pytest
import stripe

from tests.emulators.stripe.shop import Shop


def test_refunds_add_up_and_end_at_the_amount(shop: Shop) -> None:
    charge = shop.bought()
    shop.client.v1.refunds.create({"charge": charge.id, "amount": 200})
    part = shop.charge(charge.id)
    assert (part.amount_refunded, part.refunded) == (200, False)
    assert isinstance(charge.payment_intent, str)
    shop.client.v1.refunds.create({"payment_intent": charge.payment_intent})
    whole = shop.client.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (whole.amount_refunded, whole.refunded) == (500, True)
    assert whole.refunds is not None
    assert [refund.amount for refund in whole.refunds.data] == [300, 200]
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.client.v1.refunds.create({"charge": charge.id})
    assert refusal.value.code == "charge_already_refunded"


def test_more_than_is_left_can_not_be_refunded(shop: Shop) -> None:
    charge = shop.bought()
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        shop.client.v1.refunds.create({"charge": charge.id, "amount": 501})
    assert shop.charge(charge.id).amount_refunded == 0


def test_a_refund_that_the_bank_sends_back_is_money_again(shop: Shop) -> None:
    charge = shop.bought()
    refund = shop.emulated.refund(charge.id)
    shop.emulated.fail_refund(refund["id"])
    after = shop.charge(charge.id)
    assert (after.amount_refunded, after.refunded) == (0, False)
    assert [event["type"] for event in shop.emulated.events()][-2:] == [
        "refund.failed",
        "charge.updated",
    ]


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_dispute_is_open_and_then_decided(shop: Shop, outcome: str) -> None:
    charge = shop.bought()
    dispute = shop.emulated.dispute(charge.id)
    assert (dispute["status"], dispute["amount"]) == ("needs_response", 500)
    assert shop.charge(charge.id).disputed is True
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.client.v1.refunds.create({"charge": charge.id})
    assert refusal.value.code == "charge_disputed"
    shop.emulated.resolve_dispute(dispute["id"], outcome)
    after = shop.client.v1.disputes.retrieve(dispute["id"])
    assert after.status == outcome
    net = sum(row.amount for row in after.balance_transactions)
    assert net == (0 if outcome == "won" else -500)
    kinds = [event["type"] for event in shop.emulated.events() if "dispute" in event["type"]]
    assert kinds == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        *(["charge.dispute.funds_reinstated"] if outcome == "won" else []),
    ]
    with pytest.raises(ValueError, match=f"is closed: {outcome}"):
        shop.emulated.resolve_dispute(dispute["id"], "lost")


def test_what_was_won_can_be_refunded(shop: Shop) -> None:
    charge = shop.bought()
    dispute = shop.emulated.dispute(charge.id)
    shop.emulated.resolve_dispute(dispute["id"], "won")
    shop.client.v1.refunds.create({"charge": charge.id})
    assert shop.charge(charge.id).refunded is True


def test_evidence_decides_as_with_stripes_test_cards(shop: Shop) -> None:
    session = shop.session()
    shop.emulated.pay(session.id, card="4000000000000259")
    (dispute,) = shop.client.v1.disputes.list().data
    shop.client.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}}
    )
    assert shop.client.v1.disputes.retrieve(dispute.id).status == "won"


def test_an_inquiry_withdraws_nothing_and_leaves_refunds_possible(shop: Shop) -> None:
    charge = shop.bought()
    dispute = shop.emulated.dispute(charge.id, inquiry=True)
    assert (dispute["status"], dispute["balance_transactions"]) == ("warning_needs_response", [])
    shop.client.v1.refunds.create({"charge": charge.id})
    shop.emulated.resolve_dispute(dispute["id"], "won")
    assert shop.client.v1.disputes.retrieve(dispute["id"]).status == "warning_closed"


def test_the_balance_is_what_was_paid_less_refunds_and_disputes(shop: Shop) -> None:
    first, second = shop.bought(), shop.bought()
    shop.emulated.refund(first.id, 200)
    shop.emulated.dispute(second.id)
    rows = shop.client.v1.balance_transactions.list({"limit": 100}).data
    assert sum(row.amount for row in rows) == 500 + 500 - 200 - 500
    assert all(row.net == row.amount - row.fee for row in rows)
