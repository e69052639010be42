"""People with premium, made from rows as `invoice_settle` writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
import time_machine

from accounts.models import User
from billing.models import Grant, Offer, Payment, PremiumPeriod
from billing.offers import SEEDS
from billing.services.grants import grant_create
from emulators.stripe.testing import stripe_emulator
from tests.billing.premium.shop import Shop

NOW = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture
def start() -> datetime:
    """When the shop opens. Tests that need another time override it by parametrization."""
    return NOW


@pytest.fixture
def shop(db: None, settings: Any, start: datetime) -> Iterator[Shop]:
    """An app that sells through an emulated Stripe, both at `start`."""
    for place, seed in enumerate(SEEDS):
        Offer.objects.get_or_create(
            slug=seed.slug,
            defaults={
                "kind": seed.kind,
                "name": seed.name,
                "tokens": seed.tokens,
                "amount_cents": seed.amount_cents,
                "order": place,
            },
        )
    with (
        stripe_emulator(start=start, frozen=True) as emulated,
        time_machine.travel(start, tick=False) as clock,
    ):
        settings.STRIPE_API_BASE = emulated.url
        settings.STRIPE_SECRET_KEY = emulated.secret_key
        yield Shop(emulated, clock)


@pytest.fixture
def premium_offer() -> Offer:
    """$10 a month for 30,000 tokens a day."""
    return _offer("premium_monthly", Offer.Kind.SUBSCRIPTION, 30_000, 1_000)


@pytest.fixture
def package_offer() -> Offer:
    """$10 once for 450,000 tokens."""
    return _offer("tokens_450k", Offer.Kind.PACKAGE, 450_000, 1_000)


def _offer(slug: str, kind: Offer.Kind, tokens: int, cents: int) -> Offer:
    facts = {"kind": kind, "name": slug, "tokens": tokens, "amount_cents": cents}
    return Offer.objects.get_or_create(slug=slug, defaults=facts)[0]


@pytest.fixture
def paid_month(premium_offer: Offer) -> Callable[..., PremiumPeriod]:
    """paid_month(user, starts_at, ends_at): a month of premium that an invoice paid."""

    def make(
        user: User, starts_at: datetime, ends_at: datetime, subscription_id: str = "sub_1"
    ) -> PremiumPeriod:
        invoice = f"in_{next(_numbers)}"
        payment = Payment.objects.create(
            user=user,
            offer=premium_offer,
            source=invoice,
            charge_id=f"ch_{invoice}",
            amount_cents=1_000,
            currency="usd",
            tokens=30_000,
            paid_at=starts_at,
        )
        return PremiumPeriod.objects.create(
            user=user,
            payment=payment,
            kind=PremiumPeriod.Kind.PAID,
            subscription_id=subscription_id,
            source=f"invoice:{invoice}",
            starts_at=starts_at,
            ends_at=ends_at,
            tokens_per_day=30_000,
        )

    return make


@pytest.fixture
def bought_package(package_offer: Offer) -> Callable[..., Payment]:
    """bought_package(user): a payment of $10 and its 450,000 tokens, or other amounts."""

    def make(user: User, tokens: int = 450_000, cents: int = 1_000) -> Payment:
        session = f"cs_{next(_numbers)}"
        payment = Payment.objects.create(
            user=user,
            offer=package_offer,
            source=session,
            charge_id=f"ch_{session}",
            amount_cents=cents,
            currency="usd",
            tokens=tokens,
            paid_at=NOW,
        )
        grant_create(
            user_id=user.pk,
            kind=Grant.Kind.PURCHASED,
            amount=tokens,
            source=f"purchase:{session}",
            effective_at=NOW,
        )
        return payment

    return make


@pytest.fixture
def tell() -> Callable[..., None]:
    """tell(payment, refunded=…, disputed=…, dispute=…): the facts, as Stripe's word writes them."""

    def write(payment: Payment, **facts: Any) -> None:
        names = {"refunded": "refunded_cents", "disputed": "disputed_cents"}
        values = {names.get(name, name): value for name, value in facts.items()}
        Payment.objects.filter(pk=payment.pk).update(**values)

    return write


@pytest.fixture
def grant_of() -> Callable[[Payment], Grant]:
    """grant_of(payment): the package's tokens, as they are now."""
    return lambda payment: Grant.objects.get(source=f"purchase:{payment.source}")
