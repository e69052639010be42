"""Webhooks: signed so that Stripe's library takes them, tried again, held, lost, doubled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.emulators.stripe.receiver import Receiver, receiver
from tests.emulators.stripe.shop import Shop


@pytest.fixture
def hook(shop: Shop) -> Iterator[Receiver]:
    """An endpoint that is sent everything."""
    with receiver() as listening:
        shop.client.v1.webhook_endpoints.create({"url": listening.url, "enabled_events": ["*"]})
        yield listening
        for endpoint in shop.client.v1.webhook_endpoints.list().data:
            shop.client.v1.webhook_endpoints.delete(endpoint.id)


def test_a_purchase_sends_signed_events_of_what_happened(shop: Shop, hook: Receiver) -> None:
    session = shop.session()
    shop.emulated.pay(session.id)
    assert shop.emulated.wait_until_delivered()
    events = hook.events(shop.emulated.webhook_secret)
    assert sorted(event.type for event in events) == [
        "charge.succeeded",
        "checkout.session.completed",
        "payment_intent.created",
        "payment_intent.succeeded",
        "payment_method.attached",
    ]
    by_type = {event.type: event for event in events}
    completed = by_type["checkout.session.completed"]
    assert completed.data.object["id"] == session.id
    assert completed.data.object["payment_status"] == "paid"
    assert completed.api_version == "2026-08-26.dahlia"
    assert {row["state"] for row in shop.emulated.delivery_log()} == {"delivered"}
    assert shop.client.v1.events.retrieve(completed.id).pending_webhooks == 0


def test_a_subscription_sends_what_a_shop_listens_for(shop: Shop, hook: Receiver) -> None:
    shop.subscribed()
    assert shop.emulated.wait_until_delivered()
    kinds = {event.type for event in hook.events(shop.emulated.webhook_secret)}
    assert kinds >= {
        "checkout.session.completed",
        "customer.subscription.created",
        "customer.subscription.updated",
        "invoice.paid",
        "charge.succeeded",
    }


def test_an_altered_body_is_not_taken(shop: Shop, hook: Receiver) -> None:
    shop.emulated.pay(shop.session().id)
    assert shop.emulated.wait_until_delivered()
    body, signature = hook.got[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(
            body.replace(b"evt_", b"evt-"), signature, shop.emulated.webhook_secret
        )


def test_only_the_events_asked_for_are_sent(shop: Shop) -> None:
    with receiver() as listening:
        made = shop.client.v1.webhook_endpoints.create(
            {"url": listening.url, "enabled_events": ["charge.refunded"]}
        )
        assert made.secret == shop.emulated.webhook_secret
        assert not hasattr(shop.client.v1.webhook_endpoints.retrieve(made.id), "secret")
        charge = shop.bought()
        shop.emulated.refund(charge.id)
        assert shop.emulated.wait_until_delivered()
        events = listening.events(shop.emulated.webhook_secret)
        assert [event.type for event in events] == ["charge.refunded"]
        shop.client.v1.webhook_endpoints.update(made.id, {"disabled": True})
        shop.emulated.refund(shop.bought().id)
        assert shop.emulated.wait_until_delivered()
        assert len(listening.got) == 1


def test_a_failed_delivery_is_tried_again(shop: Shop, hook: Receiver) -> None:
    hook.statuses = [500]
    shop.client.v1.customers.create({})
    assert shop.emulated.wait_until_delivered()
    first, second = hook.events(shop.emulated.webhook_secret)
    assert first.id == second.id
    (row,) = shop.emulated.delivery_log("delivered")
    assert [attempt["status"] for attempt in row["attempts"]] == [500, 200]


def test_no_request_waits_for_a_slow_endpoint(shop: Shop, hook: Receiver) -> None:
    hook.released.clear()
    for number in range(5):
        shop.client.v1.customers.create({"name": str(number)})
    assert hook.got == []
    assert len(shop.emulated.delivery_log("waiting")) == 5
    hook.released.set()
    assert shop.emulated.wait_until_delivered()
    assert len(hook.got) == 5


def test_held_events_are_delivered_in_any_order_and_as_often_as_asked(
    shop: Shop, hook: Receiver
) -> None:
    shop.emulated.deliveries("hold")
    shop.emulated.pay(shop.session().id)
    held = shop.emulated.pending()
    assert len(held) == 5
    assert hook.got == []
    order = [held[4]["event"], held[0]["event"], held[4]["event"]]
    assert shop.emulated.deliver(*order) == [200, 200, 200]
    assert [event.id for event in hook.events(shop.emulated.webhook_secret)] == order
    assert len(shop.emulated.pending()) == 3
    shop.emulated.deliveries("on")
    assert shop.emulated.wait_until_delivered()
    assert len(hook.got) == 6


def test_dropped_events_never_arrive_and_can_be_listed(shop: Shop, hook: Receiver) -> None:
    shop.emulated.deliveries("drop")
    session = shop.session()
    shop.emulated.pay(session.id)
    shop.emulated.deliveries("on")
    assert shop.emulated.wait_until_delivered()
    assert hook.got == []
    (event,) = shop.client.v1.events.list({"type": "checkout.session.completed"}).data
    assert event.data.object["id"] == session.id


def test_a_signed_event_can_be_posted_by_the_test_itself(shop: Shop) -> None:
    shop.emulated.pay(shop.session().id)
    (event,) = shop.emulated.events("checkout.session.completed")
    signed = shop.emulated.signed(event["id"])
    taken: Any = stripe.Webhook.construct_event(
        signed.body, signed.headers["Stripe-Signature"], shop.emulated.webhook_secret
    )
    assert (taken.id, taken.type) == (signed.id, signed.type)
