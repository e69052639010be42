"""What is on offer, as the owner priced it, and how to ask for it.

The rows are the truth; staff edit them. `SEEDS` is what `manage.py offers_seed` starts with, and
what the free month falls back to where no row was seeded yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db.models import QuerySet

from billing.models import Offer

FREE = "free_monthly"
PREMIUM = "premium_monthly"


@dataclass(frozen=True, slots=True)
class OfferSeed:
    """tokens: a month (free), once (package), a UTC day (subscription). amount_cents: US cents."""

    slug: str
    kind: Offer.Kind
    name: str
    tokens: int
    amount_cents: int


SEEDS: Final = (
    OfferSeed(FREE, Offer.Kind.FREE, "Free", 10_000, 0),
    OfferSeed("tokens_200k", Offer.Kind.PACKAGE, "200,000 tokens", 200_000, 500),
    OfferSeed("tokens_450k", Offer.Kind.PACKAGE, "450,000 tokens", 450_000, 1000),
    OfferSeed("tokens_1m", Offer.Kind.PACKAGE, "1,000,000 tokens", 1_000_000, 1500),
    OfferSeed("tokens_2m", Offer.Kind.PACKAGE, "2,000,000 tokens", 2_000_000, 2000),
    OfferSeed(PREMIUM, Offer.Kind.SUBSCRIPTION, "Premium", 30_000, 1000),
)


def packages() -> QuerySet[Offer]:
    """What can be bought once, in the order it is shown."""
    return Offer.objects.filter(kind=Offer.Kind.PACKAGE, enabled=True)


def subscriptions() -> QuerySet[Offer]:
    """What can be subscribed to, in the order it is shown."""
    return Offer.objects.filter(kind=Offer.Kind.SUBSCRIPTION, enabled=True)


def free_tokens() -> int:
    """Tokens of the free month. Free is for everyone: it can not be switched off."""
    row = Offer.objects.filter(kind=Offer.Kind.FREE).only("tokens").first()
    return row.tokens if row else settings.FREE_MONTHLY_TOKENS
