"""What can be had: public, for anybody who asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from accounts.api_schema import ApiSchema
from billing.api.schema import PriceOut
from billing.models import Offer
from billing.offers import FREE, free_tokens, packages, subscriptions

router = Router(tags=["tokens"], by_alias=True)


class FreeTierOut(ApiSchema):
    """Everyone has it: back to the full amount on the 1st of the month, 00:00 UTC."""

    id: str
    name: str
    tokens_per_month: int


class PackageOut(ApiSchema):
    id: str
    name: str
    price: PriceOut
    tokens: int


class SubscriptionOut(ApiSchema):
    id: str
    price: PriceOut
    interval: str
    tokens_per_day: int


class PackagesOut(ApiSchema):
    free_tier: FreeTierOut
    packages: list[PackageOut]
    subscriptions: list[SubscriptionOut]


@router.get("/tokens/packages", response=PackagesOut, auth=None, summary="What can be had")
def list_packages(request: HttpRequest) -> dict[str, Any]:
    """The free tier, the packages (bought once, never expire) and the subscriptions."""
    return {
        "free_tier": {"id": FREE, "name": "Free", "tokens_per_month": free_tokens()},
        "packages": [
            {"id": row.slug, "name": row.name, "price": _price(row), "tokens": row.tokens}
            for row in packages()
        ],
        "subscriptions": [
            {
                "id": row.slug,
                "price": _price(row),
                "interval": "month",
                "tokens_per_day": row.tokens,
            }
            for row in subscriptions()
        ],
    }


def _price(offer: Offer) -> dict[str, Any]:
    return {"amount": offer.amount_cents, "currency": offer.currency}
