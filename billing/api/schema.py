"""Bodies and headers that several topics share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from ninja import Header

from accounts.api_schema import ApiSchema
from billing.models import Order

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=120,
        pattern=r"^[\x21-\x7e]*$",
        description="The same key gives the same order; for another offer it is refused (409).",
    ),
]


class PriceOut(ApiSchema):
    """amount: minor units of the currency, e.g. US cents."""

    amount: int
    currency: str


class CheckoutOut(ApiSchema):
    """checkoutUrl: the payment provider's page to send the person to."""

    checkout_url: str
    order_id: UUID


class OrderOut(ApiSchema):
    """state: created, open, processing, paid, failed, expired, rejected.

    tokens: in all for a package, a day for a subscription. checkoutUrl: while it can be paid.
    """

    id: UUID
    offer_id: str
    kind: str
    state: str
    tokens: int
    price: PriceOut
    created_at: datetime
    paid_at: datetime | None
    refunded: PriceOut | None
    checkout_url: str | None
    receipt_url: str | None


def key_or_new(idempotency_key: str) -> str:
    """Without a key every call is an order of its own."""
    return idempotency_key or uuid4().hex


def order_out(order: Order) -> OrderOut:
    """The order with its latest payment. Needs `offer` and `payments` loaded."""
    payment = next(iter(order.payments.all()), None)
    refunded = payment.refunded_cents if payment else 0
    return OrderOut(
        id=order.pk,
        offer_id=order.offer.slug,
        kind=order.kind,
        state=order.state,
        tokens=order.tokens,
        price=PriceOut(amount=order.amount_cents, currency=order.currency),
        created_at=order.created_at,
        paid_at=order.paid_at,
        refunded=PriceOut(amount=refunded, currency=order.currency) if refunded else None,
        checkout_url=order.checkout_url or None if order.state == Order.State.OPEN else None,
        receipt_url=payment.receipt_url or None if payment else None,
    )
