"""From a wish to buy, on a page or through the API, to the order with its checkout page."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

from accounts.http import AuthenticatedHttpRequest
from billing.models import Offer, Order
from billing.services.orders import order_start


def checkout_start(
    request: AuthenticatedHttpRequest, *, kind: Offer.Kind, slug: str, idempotency_key: str
) -> Order:
    """Order the offer; the provider sends the person back to the host they came from.

    Raises what `order_start` raises. Nothing is charged by it.
    """
    returned = request.build_absolute_uri(reverse("billing:returned"))
    return order_start(
        user=request.user,
        offer_slug=slug,
        kind=kind,
        idempotency_key=idempotency_key,
        # Put on last: building a URI would escape the braces that the provider looks for.
        return_url=returned + "?session_id={CHECKOUT_SESSION_ID}",
        cancel_url=request.build_absolute_uri(reverse("billing:left")),
    )


def billing_url(request: HttpRequest) -> str:
    """The billing overview, absolute."""
    return request.build_absolute_uri(reverse("billing:overview"))
