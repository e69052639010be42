"""Every answer has the shape of Stripe's own classes at the pinned version; so has every event."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from django.conf import settings
from stripe import _object_classes

from emulators.stripe.testing import StripeControl
from emulators.stripe.version import API_VERSION, is_spoken
from tests.emulators.stripe.shapes import object_faults
from tests.emulators.stripe.shop import Shop

LISTS = {
    "customer": "/v1/customers",
    "product": "/v1/products",
    "price": "/v1/prices",
    "checkout.session": "/v1/checkout/sessions",
    "subscription": "/v1/subscriptions?status=all",
    "invoice": "/v1/invoices",
    "invoice_payment": "/v1/invoice_payments",
    "payment_intent": "/v1/payment_intents",
    "charge": "/v1/charges",
    "refund": "/v1/refunds",
    "dispute": "/v1/disputes",
    "balance_transaction": "/v1/balance_transactions",
    "event": "/v1/events",
    "webhook_endpoint": "/v1/webhook_endpoints",
}


def class_of(kind: str) -> type[stripe.StripeObject]:
    """Stripe's own class for objects of that kind."""
    return _object_classes.get_object_class("V1", kind)


def lived(shop: Shop) -> None:
    """A life with everything in it."""
    emulated = shop.emulated
    shop.client.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:9/hook", "enabled_events": ["account.updated"]}
    )
    session = shop.session(invoice_creation={"enabled": True})
    emulated.pay(session.id, card="declined")
    emulated.pay(session.id)
    shop.session()
    emulated.pay(shop.session().id, card="delayed")
    intent = shop.read(session.id).payment_intent
    assert isinstance(intent, str)
    emulated.refund(intent, 100)
    dispute = emulated.dispute(shop.bought().id)
    emulated.resolve_dispute(dispute["id"], "won")
    emulated.dispute(shop.bought().id)
    started = shop.subscribed()
    emulated.fail_renewals(shop.customer.id, 1)
    emulated.advance(days=40)
    shop.client.v1.subscriptions.update(started.id, {"cancel_at_period_end": True})
    emulated.advance(days=31)
    emulated.fail_refund(emulated.refund(shop.bought().id, 50)["id"])


@pytest.fixture
def life(shop: Shop) -> StripeControl:
    lived(shop)
    return shop.emulated


@pytest.fixture(autouse=True)
def real_delays(emulated: StripeControl) -> None:
    emulated.deliveries("on")


def test_every_object_has_the_shape_of_stripes_class(life: StripeControl) -> None:
    for kind, path in LISTS.items():
        mark = "&" if "?" in path else "?"
        rows = life.get(f"{path}{mark}limit=100")["data"]
        assert rows, kind
        for row in rows:
            assert object_faults(row, class_of(kind), row["id"]) == []
    customer = life.get("/v1/customers")["data"][0]["id"]
    for method in life.get(f"/v1/customers/{customer}/payment_methods")["data"]:
        assert object_faults(method, stripe.PaymentMethod, method["id"]) == []
    assert object_faults(life.get("/v1/account"), stripe.Account, "account") == []


def test_every_event_holds_an_object_of_stripes_shape(life: StripeControl) -> None:
    kinds = set()
    for event in life.events():
        thing = event["data"]["object"]
        assert object_faults(thing, class_of(thing["object"]), event["type"]) == []
        kinds.add(event["type"])
    known = str(stripe.Event.__annotations__["type"])
    assert [kind for kind in kinds if f"'{kind}'" not in known] == []
    assert len(kinds) >= 30


def test_expanded_objects_have_the_shape_too(shop: Shop) -> None:
    session = shop.session("subscription")
    shop.emulated.pay(session.id)
    query = "&".join(
        f"expand[]={name}"
        for name in (
            "line_items", "customer.subscriptions", "total_details.breakdown",
            "subscription.latest_invoice.payments", "invoice.payments.data.payment.payment_intent",
            "subscription.default_payment_method",
        )
    )  # fmt: skip
    whole = shop.emulated.get(f"/v1/checkout/sessions/{session.id}?{query}")
    assert object_faults(whole, stripe.checkout.Session, "session") == []
    assert whole["subscription"]["latest_invoice"]["payments"]["data"][0]["status"] == "paid"
    assert whole["line_items"]["data"][0]["price"]["id"] == shop.plan.id


def test_the_portal_session_has_the_shape(shop: Shop) -> None:
    made = shop.client.v1.billing_portal.sessions.create({"customer": shop.customer.id})
    assert object_faults(_plain(made), stripe.billing_portal.Session, "portal") == []


def test_a_wrong_shape_is_seen(shop: Shop) -> None:
    price = shop.emulated.get(f"/v1/prices/{shop.package.id}")
    assert object_faults(price, stripe.Price, "price") == []
    assert object_faults(price | {"unit_amount": "500"}, stripe.Price, "price") == [
        "price.unit_amount: '500' is no int"
    ]
    assert object_faults(price | {"cost": 5}, stripe.Price, "price") == [
        "price.cost: Stripe has no such field"
    ]
    del price["active"]
    assert object_faults(price, stripe.Price, "price") == ["price.active: is missing"]


def test_one_version_is_spoken_by_client_app_and_emulator() -> None:
    assert stripe.api_version in (None, API_VERSION)
    assert stripe._api_version._ApiVersion.CURRENT == API_VERSION
    assert settings.STRIPE_API_VERSION == API_VERSION
    assert is_spoken("2026-05-27.dahlia")
    assert not is_spoken("2025-03-31.basil")


def _plain(thing: stripe.StripeObject) -> dict[str, Any]:
    plain: dict[str, Any] = thing.to_dict()
    return plain
