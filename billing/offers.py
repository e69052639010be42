"""What is on offer, as the owner priced it. Tokens are whole, prices are US cents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Package:
    """Tokens bought once; they never expire."""

    slug: str
    amount_cents: int
    tokens: int

    @property
    def cents_per_100k(self) -> float:
        """US cents for 100,000 tokens."""
        return self.amount_cents * 100_000 / self.tokens


@dataclass(frozen=True, slots=True)
class Subscription:
    """Tokens each UTC day while it is paid for."""

    slug: str
    amount_cents: int
    tokens_per_day: int

    @property
    def tokens_per_month(self) -> int:
        """Of a month of 30 days."""
        return self.tokens_per_day * 30


PACKAGES: Final = (
    Package("tokens_200k", 500, 200_000),
    Package("tokens_450k", 1000, 450_000),
    Package("tokens_1m", 1500, 1_000_000),
    Package("tokens_2m", 2000, 2_000_000),
)
PREMIUM: Final = Subscription("premium_monthly", 1000, 30_000)
