"""Premium: subscribe, cancel at the period's end, resume, and the provider's portal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from ninja import Router, Status

from accounts.api_schema import ApiSchema, PlainText
from accounts.http import AuthenticatedHttpRequest
from accounts.models import User
from billing.api.schema import CheckoutOut, IdempotencyKey, key_or_new
from billing.buying import billing_url, checkout_start
from billing.models import Offer
from billing.plan import plan_of
from billing.services.subscriptions import portal_url, subscription_cancel, subscription_resume

router = Router(tags=["subscription"], by_alias=True)


class SubscribeIn(ApiSchema):
    plan_id: PlainText


class PlanOut(ApiSchema):
    """state: none, active, cancelling, past_due, ended. endsAt: when premium stops, if it does.

    renewsAt: when the next month is charged. graceUntil: until when premium goes on after a
    payment that failed.
    """

    state: str
    renews_at: datetime | None
    ends_at: datetime | None
    grace_until: datetime | None


class PlanEnvelope(ApiSchema):
    subscription: PlanOut


class PortalOut(ApiSchema):
    portal_url: str


@router.post("/subscription/subscribe", response={201: CheckoutOut}, summary="Subscribe")
def subscribe(
    request: AuthenticatedHttpRequest, payload: SubscribeIn, idempotency_key: IdempotencyKey = ""
) -> Any:
    """Order premium. Nothing is charged before the person pays on the page at `checkoutUrl`.

    409 `already_subscribed` or `idempotency_conflict`, 422 `unknown_plan`, 503
    `purchases_closed` or `payment_provider_unavailable`. A checkout that is still open is given
    again.
    """
    order = checkout_start(
        request,
        kind=Offer.Kind.SUBSCRIPTION,
        slug=payload.plan_id,
        idempotency_key=key_or_new(idempotency_key),
    )
    return Status(201, {"checkout_url": order.checkout_url, "order_id": order.pk})


@router.post("/subscription/cancel", response=PlanEnvelope, summary="Cancel at the period's end")
def cancel(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    """Premium stays until `endsAt`, then nothing more is charged. 409 `not_subscribed`."""
    subscription_cancel(user=request.user)
    return _plan(request.user)


@router.post("/subscription/resume", response=PlanEnvelope, summary="Take a cancellation back")
def resume(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    """Premium renews as before. Only while it has not ended. 409 `not_subscribed`."""
    subscription_resume(user=request.user)
    return _plan(request.user)


@router.post("/subscription/portal", response=PortalOut, summary="Cards and invoices")
def portal(request: AuthenticatedHttpRequest) -> dict[str, str]:
    """The payment provider's own page for cards and invoices, made for this person."""
    return {"portal_url": portal_url(user=request.user, return_url=billing_url(request))}


def _plan(user: User) -> dict[str, Any]:
    plan = plan_of(user, timezone.now())
    return {
        "subscription": {
            "state": plan.state,
            "renews_at": plan.renews_at,
            "ends_at": plan.ends_at,
            "grace_until": plan.grace_until,
        }
    }
