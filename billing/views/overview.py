"""A person's plan, pockets, orders and what they owe."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest
from billing.offers import subscriptions
from billing.plan import plan_of
from billing.sales_selectors import orders_of
from billing.selectors import standing_of
from billing.stripe.api import purchases_open
from billing.views.edge import money_page

ORDERS_SHOWN = 5


@require_safe
@money_page(back_to="dashboard")
def overview(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Plan and its state, pockets and their resets, debt, the latest orders."""
    now = timezone.now()
    orders = list(orders_of(request.user)[:ORDERS_SHOWN])
    context = {
        "own_standing": standing_of(request.user, now),
        "plan": plan_of(request.user, now),
        "premium": subscriptions().first(),
        "orders": orders,
        "can_buy": purchases_open(),
        "has_customer": any(order.stripe_customer_id for order in orders),
    }
    return render(request, "billing/overview.html", context)
