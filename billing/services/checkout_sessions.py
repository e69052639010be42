"""The checkout session of an order at Stripe, and the customer it is for."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

import stripe
from django.utils import timezone

from accounts.models import User
from billing.models import Offer, Order
from billing.services.customers import customer_create
from billing.stripe.api import StripeDict, as_dict, is_missing, stripe_client, stripe_errors
from billing.stripe.checkout import MODES, ORDER_KEY


class Urls(NamedTuple):
    """Where Stripe sends the person: after paying (with `{CHECKOUT_SESSION_ID}`), after leaving."""

    success_url: str
    cancel_url: str


def customer_record(*, order: Order, customer_id: str) -> None:
    """Write down who pays before there is anything to pay."""
    if order.stripe_customer_id != customer_id:
        Order.objects.filter(pk=order.pk, state=Order.State.CREATED).update(
            stripe_customer_id=customer_id, updated_at=timezone.now()
        )
        order.stripe_customer_id = customer_id


def session_create(*, order: Order, user: User, urls: Urls) -> StripeDict:
    """The order's checkout session; again, or twice at once: the same one.

    Raises PurchasesClosed, PaymentProviderUnavailable, and stripe.StripeError where Stripe refuses
    this very request.
    """
    try:
        return _session_request(order, urls)
    except stripe.InvalidRequestError as error:
        if not (is_missing(error) and error.param == "customer"):
            raise
    # Somebody deleted the customer at Stripe, or the account is another one than before.
    gone = order.stripe_customer_id
    customer_record(order=order, customer_id=customer_create(user=user, instead_of=gone))
    return _session_request(order, urls)


def _session_request(order: Order, urls: Urls) -> StripeDict:
    body = _session_body(order, urls)
    # One key with another body is refused, and the pages to return to may differ between tries.
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    with stripe_errors():
        session = stripe_client().v1.checkout.sessions.create(
            body, {"idempotency_key": f"checkout:{order.pk}:{digest}"}
        )
    return as_dict(session)


def _session_body(order: Order, urls: Urls) -> Any:
    about = {"metadata": {ORDER_KEY: str(order.pk)}}
    paid_by = "payment_intent_data" if order.kind == Offer.Kind.PACKAGE else "subscription_data"
    return {
        "mode": MODES[order.kind],
        "client_reference_id": str(order.pk),
        "customer": order.stripe_customer_id,
        "line_items": [{"price": order.stripe_price_id, "quantity": 1}],
        "success_url": urls.success_url,
        "cancel_url": urls.cancel_url,
        paid_by: about,
        **about,
    }
