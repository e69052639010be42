"""Our offers as products and prices at Stripe. Ours are the truth; running this again changes
nothing.

A price at Stripe can not be changed: another amount is a new price, and the old one is archived
(https://docs.stripe.com/products-prices/manage-prices). Open checkouts keep the price they have.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

from billing.models import Offer
from billing.stripe.api import (
    StripeDict,
    as_dict,
    stripe_client,
    stripe_errors,
    stripe_get,
    stripe_list,
)
from billing.stripe.facts import id_of

OFFER_KEY: Final = "sitewright_offer"


def catalogue_sync() -> Iterator[str]:
    """Bring Stripe's products and prices to what the offers say; yields what was done, in words.

    An offer that can not be had any more keeps its product and price. Raises PurchasesClosed,
    PaymentProviderUnavailable, stripe.InvalidRequestError.
    """
    for offer in Offer.objects.exclude(kind=Offer.Kind.FREE).filter(enabled=True):
        done = list(_offer_sync(offer))
        yield from (f"{offer.slug}: {line}" for line in done or ["as it should be"])


def _offer_sync(offer: Offer) -> Iterator[str]:
    price = _price_of(offer)
    product = _product_of(offer, price)
    if product is None:
        product = _create("products", _product_body(offer), after=offer.stripe_product_id)
        yield f"made product {product['id']}"
    elif changes := _product_changes(offer, product):
        _update("products", product["id"], changes)
        yield f"updated product {product['id']}"
    if price is None or not _fits(offer, price, product["id"]):
        old, body = price, _price_body(offer, product["id"])
        price = _create("prices", body, after=old["id"] if old else offer.stripe_price_id)
        yield f"made price {price['id']} ({offer.amount_cents} {offer.currency})"
        if old is not None and old.get("active"):
            _update("prices", old["id"], {"active": False})
            yield f"archived price {old['id']}"
    ids = {"stripe_product_id": product["id"], "stripe_price_id": price["id"]}
    if (offer.stripe_product_id, offer.stripe_price_id) != tuple(ids.values()):
        Offer.objects.filter(pk=offer.pk).update(**ids)
        yield "wrote down its ids"


# --- What is there -----------------------------------------------------------------------------


def _price_of(offer: Offer) -> StripeDict | None:
    """By the id we know, else by its lookup key: another database may have made it before."""
    known = stripe_get("price", offer.stripe_price_id)
    if known is not None:
        return known
    found = stripe_list("price", lookup_keys=[_lookup_key(offer)], active=True)
    return next(iter(found), None)


def _product_of(offer: Offer, price: StripeDict | None) -> StripeDict | None:
    for product_id in (offer.stripe_product_id, id_of(price["product"]) if price else ""):
        product = stripe_get("product", product_id)
        if product is not None:
            return product
    for product in stripe_list("product", active=True):
        if (product.get("metadata") or {}).get(OFFER_KEY) == offer.slug:
            return product
    return None


def _fits(offer: Offer, price: StripeDict, product_id: str) -> bool:
    return (
        bool(price.get("active"))
        and price.get("unit_amount") == offer.amount_cents
        and price.get("currency") == offer.currency
        and id_of(price.get("product")) == product_id
        and _interval(price.get("recurring")) == _interval(_recurring(offer))
    )


def _product_changes(offer: Offer, product: StripeDict) -> dict[str, Any]:
    wanted: dict[str, Any] = {"name": offer.name, "active": True}
    changes = {name: value for name, value in wanted.items() if product.get(name) != value}
    if (product.get("metadata") or {}).get(OFFER_KEY) != offer.slug:
        changes["metadata"] = {OFFER_KEY: offer.slug}
    return changes


# --- What should be ----------------------------------------------------------------------------


def _product_body(offer: Offer) -> dict[str, Any]:
    return {"name": offer.name, "metadata": {OFFER_KEY: offer.slug}}


def _price_body(offer: Offer, product_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "product": product_id,
        "currency": offer.currency,
        # Minor units, as the row has them: dj-stripe's own helper would round 19.99 to 1998.
        "unit_amount": offer.amount_cents,
        "lookup_key": _lookup_key(offer),
        "transfer_lookup_key": True,
        "metadata": {OFFER_KEY: offer.slug},
    }
    recurring = _recurring(offer)
    return body if recurring is None else {**body, "recurring": recurring}


def _recurring(offer: Offer) -> dict[str, Any] | None:
    if offer.kind == Offer.Kind.SUBSCRIPTION:
        return {"interval": "month", "interval_count": 1}
    return None


def _interval(recurring: dict[str, Any] | None) -> tuple[Any, Any] | None:
    return (recurring["interval"], recurring.get("interval_count", 1)) if recurring else None


def _lookup_key(offer: Offer) -> str:
    return f"sitewright_{offer.slug}"


# --- Writing -----------------------------------------------------------------------------------


def _create(service: str, body: dict[str, Any], *, after: str) -> StripeDict:
    """after: the one that was there before, so that the same again later is a new one."""
    told = json.dumps([body, after], sort_keys=True)
    key = f"{service}:{hashlib.sha256(told.encode()).hexdigest()[:32]}"
    with stripe_errors():
        return as_dict(getattr(stripe_client().v1, service).create(body, {"idempotency_key": key}))


def _update(service: str, object_id: str, changes: dict[str, Any]) -> None:
    with stripe_errors():
        getattr(stripe_client().v1, service).update(object_id, changes)
