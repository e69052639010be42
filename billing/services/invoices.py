"""What a paid invoice must say before it becomes a month of premium."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from billing.models import Offer, Order
from billing.services.subscription_mirror import user_of_customer
from billing.stripe.checkout import ORDER_KEY
from billing.stripe.facts import InvoiceFacts


@dataclass(frozen=True, slots=True)
class Quote:
    """What a person was to pay for each month, and what for.

    tokens: a UTC day. amount_cents: minor units. customer_id: "" if it is not known. order: None
    for a subscription that nobody ordered here.
    """

    user_id: int
    order: Order | None
    offer_id: int
    tokens: int
    amount_cents: int
    currency: str
    price_id: str
    customer_id: str


def quote_of(invoice: InvoiceFacts) -> Quote | None:
    """Whose invoice it is and what it must say; None if it is nobody's, or for nothing of ours.

    By our order; a subscription that staff made at Stripe for a customer of ours goes by the
    offer with its price.
    """
    order = order_of_subscription(invoice.subscription_id, invoice.metadata)
    if order is not None:
        return Quote(
            user_id=order.user_id,
            order=order,
            offer_id=order.offer_id,
            tokens=order.tokens,
            amount_cents=order.amount_cents,
            currency=order.currency,
            price_id=order.stripe_price_id,
            customer_id=order.stripe_customer_id,
        )
    user_id = user_of_customer(invoice.customer_id)
    offer = _offer_of(invoice)
    if user_id is None or offer is None:
        return None
    return Quote(
        user_id=user_id,
        order=None,
        offer_id=offer.pk,
        tokens=offer.tokens,
        amount_cents=offer.amount_cents,
        currency=offer.currency,
        price_id=offer.stripe_price_id,
        customer_id=invoice.customer_id,
    )


def order_of_subscription(subscription_id: str, metadata: Mapping[str, str]) -> Order | None:
    """The order that began a subscription, also while the order itself does not know it yet."""
    orders = Order.objects.filter(kind=Offer.Kind.SUBSCRIPTION)
    order = orders.filter(subscription_id=subscription_id).first()
    if order is not None:
        return order
    try:
        reference = UUID(metadata.get(ORDER_KEY, ""))
    except ValueError:
        return None
    return orders.filter(pk=reference, subscription_id="").first()


def mismatches(quote: Quote, invoice: InvoiceFacts) -> list[str]:
    """Where a paid invoice is not what was ordered, in words for staff; [] if it all fits."""
    return [
        f"{name}: ordered {wanted!r}, got {got!r}"
        for name, wanted, got in _comparisons(quote, invoice)
        if wanted != got
    ]


def is_for_us(invoice: InvoiceFacts) -> bool:
    """Whether it says that it is for an offer or an order of ours."""
    return ORDER_KEY in invoice.metadata or _offer_of(invoice) is not None


def _comparisons(quote: Quote, invoice: InvoiceFacts) -> Iterator[tuple[str, Any, Any]]:
    yield "amount_paid", quote.amount_cents, invoice.amount_paid_cents
    yield "currency", quote.currency, invoice.currency
    yield "customer", quote.customer_id or invoice.customer_id, invoice.customer_id
    yield "lines", [(quote.price_id, 1)], [(line.price_id, line.quantity) for line in invoice.lines]
    yield "other lines", 0, invoice.other_lines
    if quote.order is not None:
        rejected = quote.order.state == Order.State.REJECTED
        yield "order", "fulfilled", "rejected" if rejected else "fulfilled"


def _offer_of(invoice: InvoiceFacts) -> Offer | None:
    prices = [line.price_id for line in invoice.lines if line.price_id]
    subscriptions = Offer.objects.filter(kind=Offer.Kind.SUBSCRIPTION)
    return subscriptions.filter(stripe_price_id__in=prices).first()
