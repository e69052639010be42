"""People, offers and rows of every kind, made through services where there are any."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import count
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.models import Offer, Order, Payment
from tests.billing.stripe.conftest import running_stripe, shop, stripe_there

__all__ = ["running_stripe", "shop", "stripe_there"]

_numbers = count(1)


@pytest.fixture(autouse=True)
def sites_apart(settings: Any) -> None:
    settings.SITES_DOMAIN = "sites.example"


@pytest.fixture
def now() -> datetime:
    """The present, whole seconds: pages read the clock themselves."""
    return timezone.now().astimezone(UTC).replace(microsecond=0)


@pytest.fixture
def offers(db: None) -> dict[str, Offer]:
    call_command("offers_seed", stdout=StringIO())
    rows = {offer.slug: offer for offer in Offer.objects.all()}
    for offer in rows.values():
        Offer.objects.filter(pk=offer.pk).update(stripe_price_id=f"price_{offer.slug}")
    return rows


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("ana@example.com", "correct horse battery")


@pytest.fixture
def member(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


@pytest.fixture
def make_order(person: User, offers: dict[str, Offer]) -> Callable[..., Order]:
    """make_order(slug="tokens_200k", state="open"): an order as it was quoted."""

    def make(slug: str = "tokens_200k", **facts: Any) -> Order:
        offer, number = offers[slug], next(_numbers)
        paid = facts.get("state") == "paid"
        standard = {
            "user": person,
            "offer": offer,
            "kind": offer.kind,
            "tokens": offer.tokens,
            "amount_cents": offer.amount_cents,
            "currency": "usd",
            "stripe_price_id": f"price_{slug}",
            "stripe_customer_id": "cus_ana",
            "idempotency_key": str(number),
            "state": "open",
            "checkout_session_id": f"cs_test_{number}",
            "checkout_url": f"https://checkout.stripe.com/c/{number}",
            "paid_at": timezone.now() if paid else None,
        }
        return Order.objects.create(**{**standard, **facts})

    return make


@pytest.fixture
def make_payment() -> Callable[..., Payment]:
    """make_payment(order): what came in for an order."""

    def make(order: Order, **facts: Any) -> Payment:
        standard = {
            "user": order.user,
            "order": order,
            "offer": order.offer,
            "source": order.checkout_session_id,
            "payment_intent_id": f"pi_{order.checkout_session_id}",
            "amount_cents": order.amount_cents,
            "currency": "usd",
            "tokens": order.tokens,
            "paid_at": timezone.now() - timedelta(minutes=1),
        }
        return Payment.objects.create(**{**standard, **facts})

    return make
