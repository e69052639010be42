"""Who a person is at Stripe: one customer each, made at the first order."""

from __future__ import annotations

import uuid

from accounts.models import User
from billing.models import Order
from billing.stripe.api import as_dict, stripe_client, stripe_errors

# dj-stripe links its Customer to the user by this key of the metadata.
SUBSCRIBER_KEY = "djstripe_subscriber"
# Begins the key of an order that was given up before it had a checkout page.
GIVEN_UP = "given-up:"
_NAMESPACE = uuid.UUID("5f4b7a52-5d0c-4a57-9c2b-8f0f5f6f6d3e")


def customer_id_of(*, user_id: int) -> str:
    """The person's customer at Stripe, "" if they never ordered anything."""
    known = Order.objects.filter(user_id=user_id).exclude(stripe_customer_id="")
    return known.order_by("-created_at").values_list("stripe_customer_id", flat=True).first() or ""


def customer_create(*, user: User, instead_of: str = "") -> str:
    """Make the person a customer and return its id; twice at once, or again within a day: the
    same one.

    instead_of: the customer that was there before and that Stripe no longer knows. Raises
    PurchasesClosed, PaymentProviderUnavailable.
    """
    # Not the bare id: two copies of the app may share a test account and both have a user 1. The
    # address too, because Stripe refuses one key with two bodies; and how often it went wrong,
    # because Stripe repeats a server error to whoever comes with the same key.
    given_up = Order.objects.filter(user=user, idempotency_key__startswith=GIVEN_UP).count()
    fact = f"{user.pk} {user.date_joined.isoformat()} {user.email} {instead_of} {given_up}"
    with stripe_errors():
        customer = stripe_client().v1.customers.create(
            {"email": user.email, "metadata": {SUBSCRIBER_KEY: str(user.pk)}},
            {"idempotency_key": f"customer:{uuid.uuid5(_NAMESPACE, fact)}"},
        )
    return str(as_dict(customer)["id"])
