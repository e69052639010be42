"""Orders: the list, and the page that people come back to from paying."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest
from billing.models import Order
from billing.sales_selectors import order_get, orders_of, payments_of
from billing.selectors import standing_of
from billing.services.order_watch import order_refresh
from billing.stripe.api import purchases_open
from billing.views.edge import money_page

ORDERS_A_PAGE = 20
PAYMENTS_SHOWN = 24
STOP_POLLING = 286  # htmx: swap this answer in and poll no more


@require_safe
@money_page(back_to="billing:overview")
def orders(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Every order with its state, and every payment with its receipt."""
    page = Paginator(orders_of(request.user), ORDERS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "payments": payments_of(request.user)[:PAYMENTS_SHOWN]}
    return render(request, "billing/orders.html", context)


@never_cache
@require_safe
@money_page(back_to="billing:orders")
def order(request: AuthenticatedHttpRequest, order_id: UUID) -> HttpResponse:
    """What became of one order. An unfinished one is looked up at the payment provider."""
    return render(request, "billing/order.html", _watched(request, order_id))


@never_cache
@require_safe
@money_page(back_to="billing:orders")
def order_state(request: AuthenticatedHttpRequest, order_id: UUID) -> HttpResponse:
    """The same, alone, for the page that waits: 204 while there is nothing new to say."""
    context = _watched(request, order_id)
    if context["said"] == request.GET.get("said"):
        return HttpResponse(status=204)
    status = 200 if context["again_in_seconds"] else STOP_POLLING
    return render(request, "billing/_order_state.html", context, status=status)


def _watched(request: AuthenticatedHttpRequest, order_id: UUID) -> dict[str, Any]:
    found = order_get(user=request.user, order_id=order_id)
    watched = order_refresh(order=found)
    again = again_in_seconds(watched.order, since=request.GET.get("since", ""))
    now = timezone.now()
    return {
        "order": watched.order,
        "payment": next(iter(watched.order.payments.all()), None),
        "reachable": watched.reachable,
        "again_in_seconds": again,
        "since": request.GET.get("since") or int(now.timestamp()),
        # What the page shows now: while this stays the same there is nothing to swap in.
        "said": f"{watched.order.state}-{int(watched.reachable)}-{again}",
        "own_standing": standing_of(request.user, now),
        "can_buy": purchases_open(),
    }


def again_in_seconds(order: Order, *, since: str) -> int:
    """How soon the page looks again, 0 for never: every second at first, then more calmly.

    since: when the page was opened, in seconds since 1970, as the page itself says.
    """
    if order.state not in Order.UNFINISHED:
        return 0
    opened = int(since) if since.isascii() and since.isdigit() and len(since) < 12 else None
    waited = timedelta(seconds=int(timezone.now().timestamp()) - opened if opened else 0)
    if waited < timedelta(minutes=1):
        return 1
    return 5 if waited < timedelta(minutes=15) else 0
