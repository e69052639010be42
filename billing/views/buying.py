"""Buttons that lead to the payment page, and the ways back from it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest
from billing.buying import checkout_start
from billing.forms import BuyForm
from billing.models import Offer, Order
from billing.sales_selectors import order_of_session, orders_of
from billing.views.edge import money_page
from config.errors import InvalidInput


@require_POST
@money_page(back_to="pricing")
def buy(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Order a package and go to its payment page. Nothing is charged before that."""
    return _to_checkout(request, Offer.Kind.PACKAGE)


@require_POST
@money_page(back_to="pricing")
def subscribe(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Order premium and go to its payment page. Nothing is charged before that."""
    return _to_checkout(request, Offer.Kind.SUBSCRIPTION)


@require_safe
@money_page(back_to="billing:orders")
def returned(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Back from the payment page, which names its session."""
    order = order_of_session(user=request.user, session_id=request.GET.get("session_id", ""))
    return redirect("billing:order", order.pk)


@require_safe
@money_page(back_to="billing:orders")
def left(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Back without paying: the latest order says what can be done now."""
    order = orders_of(request.user).first()
    return redirect("billing:order", order.pk) if order else redirect("pricing")


def _to_checkout(request: AuthenticatedHttpRequest, kind: Offer.Kind) -> HttpResponse:
    form = BuyForm(request.POST)
    if not form.is_valid():
        raise InvalidInput(
            gettext("This button is too old. Nothing was charged. Please press it again.")
        )
    order = checkout_start(
        request,
        kind=kind,
        slug=form.cleaned_data["offer"],
        idempotency_key=f"page:{form.cleaned_data['key']}",
    )
    if order.state == Order.State.OPEN and order.checkout_url:
        return redirect(order.checkout_url)
    # The same button of a page that was kept open: what became of that order is told.
    return redirect("billing:order", order.pk)
