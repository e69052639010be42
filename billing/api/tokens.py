"""Buying packages of tokens."""

from __future__ import annotations

from typing import Any

from ninja import Router, Status

from accounts.api_schema import ApiSchema, PlainText
from accounts.http import AuthenticatedHttpRequest
from billing.api.schema import CheckoutOut, IdempotencyKey, key_or_new
from billing.buying import checkout_start
from billing.models import Offer

router = Router(tags=["tokens"], by_alias=True)


class CheckoutIn(ApiSchema):
    package_id: PlainText


@router.post("/tokens/checkout", response={201: CheckoutOut}, summary="Buy a package")
def start_checkout(
    request: AuthenticatedHttpRequest, payload: CheckoutIn, idempotency_key: IdempotencyKey = ""
) -> Any:
    """Order a package. Nothing is charged before the person pays on the page at `checkoutUrl`.

    409 `idempotency_conflict`, 422 `unknown_package`, 503 `purchases_closed` or
    `payment_provider_unavailable`.
    """
    order = checkout_start(
        request,
        kind=Offer.Kind.PACKAGE,
        slug=payload.package_id,
        idempotency_key=key_or_new(idempotency_key),
    )
    return Status(201, {"checkout_url": order.checkout_url, "order_id": order.pk})
