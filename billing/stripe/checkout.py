"""What a checkout session of Stripe's says: how it ended, and whether it is what was ordered.

Pure functions of the session (fetched with `EXPAND`) and of our own row. Nothing of a session's
metadata, and nothing that a browser sent, is believed.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.conf import settings

from billing.models import Offer, Order
from billing.stripe.api import StripeDict
from billing.stripe.facts import id_of

EXPAND: Final = ("line_items", "payment_intent.latest_charge", "invoice", "subscription")
# Says, on objects at Stripe, that they are of this app. For people who look, and to tell our own
# lost orders from those of other systems on the same account; never for amounts.
ORDER_KEY: Final = "sitewright_order"
MODES: Final = {
    Offer.Kind.PACKAGE.value: "payment",
    Offer.Kind.SUBSCRIPTION.value: "subscription",
}


class Outcome(enum.Enum):
    OPEN = "open"
    EXPIRED = "expired"
    PROCESSING = "processing"
    FAILED = "failed"
    PAID = "paid"


def outcome_of(session: StripeDict) -> Outcome:
    """How the checkout stands. Complete does not mean paid: bank debits and the like take days.

    https://docs.stripe.com/checkout/fulfillment (`status`, `payment_status`)
    """
    if session.get("status") != "complete":
        return Outcome.EXPIRED if session.get("status") == "expired" else Outcome.OPEN
    if session.get("payment_status") != "unpaid":
        # Also `no_payment_required`: what was to be paid is compared with our row in any case.
        return Outcome.PAID
    return Outcome.FAILED if _payment_failed(session) else Outcome.PROCESSING


def _payment_failed(session: StripeDict) -> bool:
    """A delayed payment leaves the session complete and unpaid when it fails."""
    return (
        _status(session, "payment_intent") in ("requires_payment_method", "canceled")
        or _status(session, "subscription") in ("incomplete_expired", "canceled")
        or _status(session, "invoice") in ("void", "uncollectible")
    )


def order_reference(session: StripeDict) -> uuid.UUID | None:
    """The order that the session was made for, as we wrote it there."""
    try:
        return uuid.UUID(str(session.get("client_reference_id")))
    except ValueError:
        return None


def is_of_this_app(session: StripeDict) -> bool:
    return ORDER_KEY in (session.get("metadata") or {})


def charge_of(session: StripeDict) -> StripeDict:
    """The charge that paid a package, {} where there is none."""
    intent = session.get("payment_intent")
    charge = intent.get("latest_charge") if isinstance(intent, Mapping) else None
    return dict(charge) if isinstance(charge, Mapping) else {}


def mismatches(order: Order, session: StripeDict) -> list[str]:
    """Where a complete session is not what was ordered, in words for staff; [] if it all fits."""
    return [
        f"{name}: ordered {wanted!r}, got {got!r}"
        for name, wanted, got in _comparisons(order, session)
        if wanted != got
    ]


def _comparisons(order: Order, session: StripeDict) -> Iterator[tuple[str, Any, Any]]:
    yield "session", order.checkout_session_id, session.get("id")
    yield "order", str(order.pk), session.get("client_reference_id")
    yield "mode", MODES[order.kind], session.get("mode")
    yield "currency", order.currency, session.get("currency")
    yield "amount_subtotal", order.amount_cents, session.get("amount_subtotal")
    yield "amount_total", order.amount_cents, session.get("amount_total")
    yield "livemode", settings.STRIPE_LIVE_MODE, session.get("livemode")
    # An order without a customer was never sent to Stripe.
    yield "customer", order.stripe_customer_id or "one", id_of(session.get("customer"))
    yield "line_items", [(order.stripe_price_id, 1)], _bought(session)
    if order.kind == Offer.Kind.PACKAGE and outcome_of(session) is Outcome.PAID:
        yield from _intent_comparisons(order, session.get("payment_intent"))
    if order.kind == Offer.Kind.SUBSCRIPTION:
        yield "subscription", True, bool(id_of(session.get("subscription")))
        yield "invoice", True, bool(id_of(session.get("invoice")))


def _intent_comparisons(order: Order, intent: object) -> Iterator[tuple[str, Any, Any]]:
    """What really came in, beside what the session says should have."""
    facts = intent if isinstance(intent, Mapping) else {}
    yield "payment status", "succeeded", facts.get("status")
    yield "amount received", order.amount_cents, facts.get("amount_received")
    yield "currency received", order.currency, facts.get("currency")


def _bought(session: StripeDict) -> list[tuple[str, Any]]:
    items = session.get("line_items") or {}
    bought = [(id_of(item.get("price")), item.get("quantity")) for item in items.get("data") or ()]
    return [*bought, ("more", None)] if items.get("has_more") else bought


def _status(session: StripeDict, name: str) -> object:
    found = session.get(name)
    return found.get("status") if isinstance(found, Mapping) else None
