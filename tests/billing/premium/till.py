"""One person, the app, and a Stripe of their own in this process: what histories are played on.

Our services run as they are, on the database. Not played here, because they are tested over real
HTTP elsewhere: the wire, the client library's reading, the webhook door.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import override_settings

from accounts.models import User
from billing.models import Offer, Order
from billing.offers import SEEDS
from billing.services.orders import order_start
from billing.services.stripe_catalogue import catalogue_sync
from billing.services.stripe_objects import PaymentNotKnown, object_refresh
from billing.services.stripe_reconcile import LOOKS_BACK, stripe_reconcile
from billing.stripe import api as stripe_api
from billing.stripe.webhooks import EVENTS
from emulators.stripe.errors import StripeError
from emulators.stripe.inprocess import EmulatedHere, Reads, Transport

START = datetime(2027, 1, 31, 22, 30, tzinfo=UTC)
Told = tuple[str, str]


class Street:
    """What is there before any history: offers, their prices at Stripe, a person, and a clock."""

    def __init__(self, transport: Transport, clock: time_machine.Traveller) -> None:
        self.transport = transport
        self.clock = clock
        for place, seed in enumerate(SEEDS):
            facts = {"kind": seed.kind, "name": seed.name, "tokens": seed.tokens, "order": place}
            Offer.objects.get_or_create(
                slug=seed.slug, defaults={**facts, "amount_cents": seed.amount_cents}
            )
        transport.emulated = EmulatedHere(start=START)
        list(catalogue_sync())
        self.catalogue = transport.emulated.catalogue()
        self.user = User.objects.create(email="machine@example.com")


@contextmanager
def street() -> Iterator[Street]:
    """The app sells through whatever emulator is set, without a socket."""
    transport = Transport()
    keys = {"STRIPE_SECRET_KEY": "sk_test_machine", "STRIPE_API_BASE": "https://stripe.invalid"}

    def service(kind: str) -> Reads:
        return Reads(transport, "/v1/" + stripe_api._SERVICES[kind].replace(".", "/"))

    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(**keys),
        time_machine.travel(START, tick=False) as clock,
    ):
        patch.setattr(stripe_api, "_http_client", lambda: transport)
        patch.setattr(stripe_api, "_service", service)
        stripe_api._client.cache_clear()
        yield Street(transport, clock)
    stripe_api._client.cache_clear()


class Till:
    """One history. `untold`: objects of which Stripe has not told us, and since when."""

    def __init__(self, street: Street) -> None:
        self.user = street.user
        self._clock = street.clock
        self.emulated = street.transport.emulated = EmulatedHere(start=START)
        self.emulated.stock(street.catalogue)
        self.now = START
        self._clock.move_to(START)
        self._heard = 0
        self._wishes = 0
        self._untold: dict[Told, datetime] = {}

    def move(self, until: datetime) -> None:
        """Time passes, for Stripe and for us."""
        self.emulated.advance(until)
        self._clock.move_to(until)
        self.now = until

    def order(self, slug: str) -> Order:
        """Raises Conflict where the person has a subscription already."""
        self._wishes += 1
        return order_start(
            user=self.user,
            offer_slug=slug,
            idempotency_key=f"wish-{self._wishes}",
            return_url="https://app.example/billing/?session={CHECKOUT_SESSION_ID}",
            cancel_url="https://app.example/pricing/",
        )

    @property
    def untold(self) -> dict[Told, datetime]:
        """By object, when its last event happened. Events of one object say all the same: look."""
        for event in self.emulated.happened[self._heard :]:
            if event["type"] in EVENTS:
                about = event["data"]["object"]
                when = datetime.fromtimestamp(event["created"], UTC)
                self._untold[(about["object"], about["id"])] = when
        self._heard = len(self.emulated.happened)
        return self._untold

    def tell(self, about: Told, times: int = 1) -> bool:
        """Stripe's word about one object. False: what it is about is not known yet; it comes
        again."""
        try:
            for _ in range(times):
                object_refresh(object_type=about[0], object_id=about[1])
        except PaymentNotKnown:
            return False
        self.untold.pop(about, None)
        return True

    def tell_all(self) -> None:
        """Everything that is still to be told, the latest first."""
        for _ in range(3):
            for about in reversed(self.untold.copy()):
                self.tell(about)
        assert not self.untold

    def reconcile(self) -> None:
        """What happened within two days is found by asking for it, with every webhook lost.

        All but money that went back of a month which is older and was never told: that word comes
        again.
        """
        if stripe_reconcile(now=self.now).failed:
            return
        for about, when in list(self.untold.items()):
            if when >= self.now - LOOKS_BACK:
                del self._untold[about]

    def attempt(self, act: Any, *arguments: Any, **named: Any) -> Any:
        """What the world may try and Stripe refuses, such as a refund of what was charged back."""
        try:
            return act(*arguments, **named)
        except StripeError:
            return None

    def charges(self) -> list[dict[str, Any]]:
        """Those that went through."""
        return [each for each in self.emulated.all("charge") if each["paid"]]

    def sessions(self, **facts: str) -> list[dict[str, Any]]:
        """Checkout sessions with these facts."""
        return [
            session
            for session in self.emulated.all("checkout.session")
            if all(session[name] == value for name, value in facts.items())
        ]
