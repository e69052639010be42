"""Buttons of the plan: cancel, resume, and the provider's portal for cards and invoices."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest
from billing.buying import billing_url
from billing.services.subscriptions import portal_url, subscription_cancel, subscription_resume
from billing.views.edge import money_page


@require_POST
@money_page(back_to="billing:overview")
def cancel(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Let premium end with the paid month."""
    subscription_cancel(user=request.user)
    messages.success(
        request,
        gettext("Premium is cancelled. You keep it to the end of the month you paid for."),
    )
    return redirect("billing:overview")


@require_POST
@money_page(back_to="billing:overview")
def resume(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Take a cancellation back."""
    subscription_resume(user=request.user)
    messages.success(request, gettext("Premium goes on. Nothing was charged now."))
    return redirect("billing:overview")


@require_POST
@money_page(back_to="billing:overview")
def portal(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Go to the payment provider's page for cards and invoices."""
    return redirect(portal_url(user=request.user, return_url=billing_url(request)))
