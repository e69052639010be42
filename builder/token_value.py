"""What one of our tokens brings, in US dollars: the rule behind margins and `below_cost`.

- purchased: the price per token of the cheapest package on sale, whichever package it came from.
  It is the least anybody pays, so a margin shown is never too good.
- premium daily: the subscription's price over 30 days of its daily tokens, as if all were used.
- free monthly, adjustment: nothing. They cost us all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from billing.models import Grant, Offer
from billing.offers import SEEDS, packages, subscriptions

PREMIUM_DAYS: Final = 30
CENTS: Final = 100


def token_usd_least() -> Decimal:
    """Dollars per token of the cheapest package; of those shipped where none is on sale."""
    priced = [(offer.amount_cents, offer.tokens) for offer in packages()] or [
        (seed.amount_cents, seed.tokens) for seed in SEEDS if seed.kind == Offer.Kind.PACKAGE
    ]
    return min(Decimal(cents) / CENTS / tokens for cents, tokens in priced)


def pocket_usd() -> Mapping[str, Decimal]:
    """Dollars per token by the kind of the grant it was spent from."""
    least = token_usd_least()
    plans = [
        Decimal(offer.amount_cents) / CENTS / (offer.tokens * PREMIUM_DAYS)
        for offer in subscriptions()
    ]
    return {
        Grant.Kind.FREE_MONTHLY: Decimal(0),
        Grant.Kind.PURCHASED: least,
        Grant.Kind.PREMIUM_DAILY: min(plans, default=least),
        Grant.Kind.ADJUSTMENT: Decimal(0),
    }
