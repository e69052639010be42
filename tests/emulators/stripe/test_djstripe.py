"""dj-stripe, which nobody here wrote, syncs every kind of object from the emulated Stripe."""

from __future__ import annotations

from typing import Any

import djstripe.models as mirror
import pytest
import stripe
from pytest_django.fixtures import Settings

from emulators.stripe.testing import StripeControl
from tests.emulators.stripe.shop import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def dj_stripe_is_pointed_here(
    emulated: StripeControl, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STRIPE_SECRET_KEY = emulated.secret_key
    settings.STRIPE_TEST_SECRET_KEY = emulated.secret_key
    settings.STRIPE_LIVE_MODE = False
    # What dj-stripe sets from STRIPE_API_HOST when it is imported.
    monkeypatch.setattr(stripe, "api_base", emulated.url)
    monkeypatch.setattr(stripe, "api_key", emulated.secret_key)


def synced(emulated: StripeControl, model: Any, path: str) -> Any:
    """The mirror's row of an object, which dj-stripe fetches by itself."""
    data = model(id=path.rpartition("/")[2]).api_retrieve(api_key=emulated.secret_key)
    row = model.sync_from_stripe_data(data, api_key=emulated.secret_key)
    assert row.id == data.id
    assert row.stripe_data["id"] == data.id
    assert row.livemode is False
    return row


def test_customers_products_prices_and_methods_are_synced(shop: Shop) -> None:
    emulated = shop.emulated
    started = shop.subscribed()
    customer = synced(emulated, mirror.Customer, f"/v1/customers/{shop.customer.id}")
    assert customer.stripe_data["email"] == "alice@example.com"
    product = synced(emulated, mirror.Product, f"/v1/products/{shop.premium.id}")
    assert product.stripe_data["name"] == "Premium"
    price = synced(emulated, mirror.Price, f"/v1/prices/{shop.plan.id}")
    assert (price.product.id, price.stripe_data["unit_amount"]) == (shop.premium.id, 1000)
    method_id = started.default_payment_method
    method = synced(emulated, mirror.PaymentMethod, f"/v1/payment_methods/{method_id}")
    assert method.stripe_data["card"]["last4"] == "4242"


def test_a_paid_session_its_intent_and_charge_are_synced(shop: Shop) -> None:
    session = shop.session(metadata={"order": "1"})
    shop.emulated.pay(session.id)
    row = synced(shop.emulated, mirror.Session, f"/v1/checkout/sessions/{session.id}")
    assert row.stripe_data["payment_status"] == "paid"
    assert row.metadata == {"order": "1"}
    intent_id = row.stripe_data["payment_intent"]
    intent = synced(shop.emulated, mirror.PaymentIntent, f"/v1/payment_intents/{intent_id}")
    assert intent.customer.id == shop.customer.id
    charge_id = intent.stripe_data["latest_charge"]
    charge = synced(shop.emulated, mirror.Charge, f"/v1/charges/{charge_id}")
    assert charge.stripe_data["amount"] == 500
    balance_id = charge.stripe_data["balance_transaction"]["id"]
    synced_balance = shop.emulated.get(f"/v1/balance_transactions/{balance_id}")
    row = mirror.BalanceTransaction.sync_from_stripe_data(
        synced_balance, api_key=shop.emulated.secret_key
    )
    assert row.stripe_data["amount"] == 500


def test_a_subscription_and_its_invoices_are_synced(shop: Shop) -> None:
    started = shop.subscribed()
    shop.emulated.advance(days=32)
    row = synced(shop.emulated, mirror.Subscription, f"/v1/subscriptions/{started.id}")
    assert row.customer.id == shop.customer.id
    assert row.stripe_data["items"]["data"][0]["current_period_end"] > 0
    assert row.items.count() == 1
    for invoice in shop.invoices():
        mirrored = synced(shop.emulated, mirror.Invoice, f"/v1/invoices/{invoice.id}")
        assert mirrored.stripe_data["status"] == "paid"
        details = mirrored.stripe_data["parent"]["subscription_details"]
        assert details["subscription"] == started.id


def test_refunds_and_disputes_are_synced(shop: Shop) -> None:
    charge = shop.bought()
    refund = shop.emulated.refund(charge.id, 100)
    data = shop.emulated.get(f"/v1/refunds/{refund['id']}")
    row = mirror.Refund.sync_from_stripe_data(data, api_key=shop.emulated.secret_key)
    assert (row.charge.id, row.stripe_data["amount"]) == (charge.id, 100)
    dispute = shop.emulated.dispute(shop.bought().id)
    row = synced(shop.emulated, mirror.Dispute, f"/v1/disputes/{dispute['id']}")
    assert row.stripe_data["status"] == "needs_response"


def test_the_account_and_endpoints_are_synced(shop: Shop) -> None:
    account = shop.emulated.get("/v1/account")
    row = mirror.Account.sync_from_stripe_data(account, api_key=shop.emulated.secret_key)
    assert row.id == account["id"]
    made = shop.client.v1.webhook_endpoints.create(
        {
            "url": "http://127.0.0.1:9/stripe/webhook/",
            "enabled_events": ["charge.refunded"],
            "metadata": {"djstripe_uuid": "f6f9aa0e-cb6c-4e0f-b5ee-5e2b9e0716d8"},
        }
    )
    row = synced(shop.emulated, mirror.WebhookEndpoint, f"/v1/webhook_endpoints/{made.id}")
    assert row.enabled_events == ["charge.refunded"]


def test_every_event_of_a_life_is_processed(shop: Shop) -> None:
    """dj-stripe's own handlers read the objects back over HTTP, as in production."""
    shop.emulated.pay(shop.session().id)
    started = shop.subscribed()
    shop.emulated.fail_renewals(shop.customer.id, 1)
    shop.emulated.advance(days=40)
    charge = shop.bought()
    shop.emulated.refund(charge.id, 100)
    dispute = shop.emulated.dispute(shop.bought().id)
    shop.emulated.resolve_dispute(dispute["id"], "won")
    shop.client.v1.subscriptions.cancel(started.id)
    kinds = set()
    for event in shop.emulated.events():
        # Plain JSON, as its view passes it on: of a StripeObject it would not see `request.id`.
        processed = mirror.Event.process(event, api_key=shop.emulated.secret_key)
        assert processed.id == event["id"]
        kinds.add(processed.type)
    assert kinds >= {
        "checkout.session.completed", "customer.subscription.created", "invoice.paid",
        "invoice.payment_failed", "charge.refunded", "charge.dispute.closed",
        "customer.subscription.deleted",
    }  # fmt: skip
    assert mirror.Subscription.objects.get(id=started.id).stripe_data["status"] == "canceled"
    assert mirror.Charge.objects.get(id=charge.id).stripe_data["amount_refunded"] == 100
    assert mirror.Invoice.objects.count() == 2
