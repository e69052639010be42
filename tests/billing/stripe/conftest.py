"""An emulated Stripe over real HTTP, and people who buy from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import stripe
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import StaffAlert, User
from billing.models import Grant, Movement, Offer, Order, Payment, PremiumPeriod, WebhookReceipt
from billing.services.orders import order_start
from billing.services.receipts import receipt_handle
from billing.services.stripe_catalogue import catalogue_sync
from billing.services.stripe_endpoint import endpoint_of, endpoint_sync
from emulators.stripe.testing import SignedEvent, StripeControl, stripe_emulator

RETURN_URL = "http://localhost:8000/billing/returned/?session_id={CHECKOUT_SESSION_ID}"
CANCEL_URL = "http://localhost:8000/billing/left/"


@pytest.fixture
def running_stripe() -> Iterator[StripeControl]:
    # One per test: the clock of an emulator only moves forward.
    with stripe_emulator() as emulated:
        yield emulated


@pytest.fixture
def stripe_there(
    running_stripe: StripeControl, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> StripeControl:
    """An empty account at the emulated Stripe, and the app set up to use it."""
    running_stripe.deliveries("drop")
    settings.STRIPE_SECRET_KEY = running_stripe.secret_key
    settings.STRIPE_API_BASE = running_stripe.url
    settings.STRIPE_WEBHOOK_SECRET = running_stripe.webhook_secret
    # What dj-stripe sets from STRIPE_API_HOST when it is imported.
    monkeypatch.setattr(stripe, "api_base", running_stripe.url)
    return running_stripe


@pytest.fixture
def shop(stripe_there: StripeControl, db: None) -> StripeControl:
    """The account with our offers and our webhook endpoint in it."""
    call_command("offers_seed", stdout=_Nowhere())
    list(catalogue_sync())
    list(endpoint_sync())
    return stripe_there


class _Nowhere:
    def write(self, text: str) -> None:
        pass


@pytest.fixture
def order(shop: StripeControl, user: User) -> Callable[..., Order]:
    """order("tokens_450k"): the user's open order of an offer; another key, another order."""

    def start(slug: str = "tokens_450k", key: str = "key-1", who: User | None = None) -> Order:
        return order_start(
            user=who or user,
            offer_slug=slug,
            idempotency_key=key,
            return_url=RETURN_URL,
            cancel_url=CANCEL_URL,
        )

    return start


@dataclass(frozen=True)
class Door:
    """Posts to the webhook endpoint as Stripe does, and works receipts off as the worker does."""

    client: Client
    path: str

    def post(self, body: bytes | str, **headers: Any) -> int:
        headers.setdefault("content_type", "application/json; charset=utf-8")
        return int(self.client.post(self.path, body, **headers).status_code)

    def deliver(self, event: SignedEvent) -> int:
        return self.post(event.body, **event.django_headers)

    def work_off(self) -> list[bool]:
        waiting = WebhookReceipt.objects.filter(handled_at=None).order_by("pk")
        return [receipt_handle(receipt_id=each.pk) for each in waiting]


@pytest.fixture
def door(shop: StripeControl) -> Door:
    endpoint = endpoint_of()
    assert endpoint is not None
    path = f"/stripe/webhook/{endpoint.djstripe_uuid}/"
    return Door(Client(raise_request_exception=False), path)


@pytest.fixture
def deliver_all(shop: StripeControl, door: Door) -> Callable[..., list[int]]:
    """deliver_all(*types): every event so far (of the types), and the work they make."""

    def deliver(*types: str) -> list[int]:
        statuses = [door.deliver(shop.signed(event["id"])) for event in shop.events(*types)]
        door.work_off()
        return statuses

    return deliver


Traces = dict[str, int]


@pytest.fixture
def traces() -> Callable[[], Traces]:
    """How many rows there are of whatever a purchase leaves behind."""

    def count() -> Traces:
        tables = (Grant, Movement, Payment, PremiumPeriod, StaffAlert)
        rows = {table.__name__: table.objects.count() for table in tables}
        return rows | {"paid": Order.objects.filter(state=Order.State.PAID).count()}

    return count


@pytest.fixture
def purchased(user: User) -> Callable[[], list[int]]:
    """The amounts of the user's purchased grants."""
    return lambda: list(
        Grant.objects.filter(user=user, kind=Grant.Kind.PURCHASED)
        .order_by("pk")
        .values_list("amount", flat=True)
    )


@pytest.fixture
def alerts() -> Callable[[], list[str]]:
    """The keys of the open matters for staff, without what they are about."""
    return lambda: sorted(
        key.partition(":")[0] for key in StaffAlert.objects.values_list("key", flat=True)
    )


def offer_of(slug: str) -> Offer:
    return Offer.objects.get(slug=slug)
