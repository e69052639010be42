"""What a shop does at Stripe, done through Stripe's own Python client."""

from __future__ import annotations

from typing import Any

import stripe

from emulators.stripe.testing import StripeControl

SUCCESS_URL = "http://localhost:8000/paid/?session={CHECKOUT_SESSION_ID}"
CANCEL_URL = "http://localhost:8000/pricing/"


class Shop:
    """One customer, one package, one plan."""

    def __init__(self, emulated: StripeControl) -> None:
        self.emulated = emulated
        self.client = stripe.StripeClient(
            emulated.secret_key, base_addresses={"api": emulated.url}, max_network_retries=0
        )
        v1 = self.client.v1
        self.customer = v1.customers.create({"email": "alice@example.com"})
        self.product = v1.products.create({"name": "200,000 tokens"})
        self.package = v1.prices.create(
            {"product": self.product.id, "currency": "usd", "unit_amount": 500}
        )
        self.premium = v1.products.create({"name": "Premium"})
        self.plan = v1.prices.create(
            {
                "product": self.premium.id,
                "currency": "usd",
                "unit_amount": 1000,
                "recurring": {"interval": "month"},
            }
        )

    def session(self, mode: str = "payment", **more: Any) -> stripe.checkout.Session:
        """An open checkout session for the package, or for the plan."""
        price = self.package if mode == "payment" else self.plan
        params: Any = {
            "mode": mode,
            "customer": self.customer.id,
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": SUCCESS_URL,
            "cancel_url": CANCEL_URL,
            **more,
        }
        return self.client.v1.checkout.sessions.create(params)

    def read(self, session_id: str, *expand: str) -> stripe.checkout.Session:
        """The session as it is now."""
        return self.client.v1.checkout.sessions.retrieve(session_id, {"expand": list(expand)})

    def bought(self, **more: Any) -> stripe.Charge:
        """The charge of a package that was bought."""
        session = self.session(**more)
        assert self.emulated.pay(session.id)["outcome"] == "succeeded"
        paid = self.read(session.id, "payment_intent.latest_charge")
        assert isinstance(paid.payment_intent, stripe.PaymentIntent)
        assert isinstance(paid.payment_intent.latest_charge, stripe.Charge)
        return paid.payment_intent.latest_charge

    def subscribed(self, card: str = "4242424242424242", **more: Any) -> stripe.Subscription:
        """A subscription whose first month was paid."""
        session = self.session("subscription", **more)
        self.emulated.pay(session.id, card=card)
        started = self.read(session.id, "subscription").subscription
        assert isinstance(started, stripe.Subscription)
        return started

    def subscription(self, subscription_id: str) -> stripe.Subscription:
        return self.client.v1.subscriptions.retrieve(subscription_id)

    def charge(self, charge_id: str) -> stripe.Charge:
        return self.client.v1.charges.retrieve(charge_id)

    def invoices(self) -> list[stripe.Invoice]:
        """The customer's invoices, oldest first."""
        rows = self.client.v1.invoices.list({"customer": self.customer.id, "limit": 100})
        return list(reversed(rows.data))
