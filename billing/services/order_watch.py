"""Looking after an order whose outcome somebody is waiting for."""

from __future__ import annotations

from typing import NamedTuple

from django.core.cache import cache
from redis.exceptions import RedisError

from billing.models import Order
from billing.services.fulfilment import checkout_settle
from billing.stripe.api import PaymentProviderUnavailable, PurchasesClosed

ASKED_EVERY_SECONDS = 3


class Watched(NamedTuple):
    """order: as it is now. reachable: False where the payment provider could not be asked."""

    order: Order
    reachable: bool


def order_refresh(*, order: Order) -> Watched:
    """Ask the payment provider what became of an unfinished order, and fulfil it if it is paid.

    At most one call in ASKED_EVERY_SECONDS for an order, whoever looks at it and how often.
    """
    if order.state not in Order.UNFINISHED or not order.checkout_session_id:
        return Watched(order, reachable=True)
    if not _our_turn(order):
        return Watched(order, reachable=True)
    try:
        checkout_settle(session_id=order.checkout_session_id)
    except (PaymentProviderUnavailable, PurchasesClosed):
        return Watched(order, reachable=False)
    fresh = Order.objects.select_related("offer").prefetch_related("payments").get(pk=order.pk)
    return Watched(fresh, reachable=True)


def _our_turn(order: Order) -> bool:
    try:
        return cache.add(f"order-asked:{order.pk}", 1, ASKED_EVERY_SECONDS)
    except (RedisError, OSError):
        # Somebody waits for tokens they paid for: without Redis we ask too often, not too little.
        return True
