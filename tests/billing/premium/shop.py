"""The app and an emulated Stripe on one clock: people buy, time passes, Stripe tells.

What Stripe tells goes the way of the webhook's task: the type and id of an object, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import time_machine
from django.conf import settings

from accounts.models import User
from billing.models import Grant, Order, Payment
from billing.selectors import standing_of
from billing.services.holds import hold_create, hold_settle
from billing.services.orders import order_start
from billing.services.stripe_catalogue import catalogue_sync
from billing.services.stripe_objects import object_refresh
from billing.stripe.api import stripe_client, stripe_errors
from billing.stripe.webhooks import EVENTS
from emulators.stripe.testing import StripeControl, stripe_emulator

_numbers = count(1)


class Shop:
    """`now` is the app's clock and Stripe's; both stand still until `move`."""

    def __init__(self, emulated: StripeControl, clock: time_machine.Traveller) -> None:
        self.emulated = emulated
        self._clock = clock
        self._told: set[str] = set()
        list(catalogue_sync())

    @contextmanager
    def again(self, start: datetime) -> Iterator[Shop]:
        """The same shop with a Stripe of its own, back at an earlier time."""
        with stripe_emulator(start=start, frozen=True) as emulated:
            self._clock.move_to(start)
            settings.STRIPE_API_BASE = emulated.url
            settings.STRIPE_SECRET_KEY = emulated.secret_key
            yield Shop(emulated, self._clock)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.emulated.now(), UTC)

    def move(self, until: datetime | timedelta) -> None:
        """Let time pass up to an instant, or for a while; then Stripe tells what happened."""
        moment = self.now + until if isinstance(until, timedelta) else until
        # Stripe counts whole seconds.
        self.emulated.advance(until=moment.replace(microsecond=0))
        self._clock.move_to(moment)
        self.tell()

    def wait(self, moment: datetime) -> None:
        """Let time pass for the app alone; Stripe follows at the next `move`."""
        self._clock.move_to(moment)

    def tell(self) -> list[str]:
        """Hand every event that was not told yet to the task, oldest first; their types."""
        new = self._new_events()
        for event in new:
            self._told.add(event["id"])
            if event["type"] in EVENTS:
                about = event["data"]["object"]
                object_refresh(object_type=about["object"], object_id=about["id"])
        return [event["type"] for event in new]

    def withhold(self) -> list[str]:
        """Lose every event that was not told yet; their types."""
        lost = self._new_events()
        self._told.update(event["id"] for event in lost)
        return [event["type"] for event in lost]

    def _new_events(self) -> list[dict[str, Any]]:
        """What Stripe has not told yet, oldest first; only the pages that have any of it."""
        new: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.emulated.get(f"/v1/events?limit=25{after}")
            fresh = [event for event in page["data"] if event["id"] not in self._told]
            new += fresh
            if len(fresh) < len(page["data"]) or not page["has_more"]:
                return new[::-1]
            after = f"&starting_after={page['data'][-1]['id']}"

    def order(self, user: User, slug: str) -> Order:
        """Begin to buy something; not paid yet."""
        return order_start(
            user=user,
            offer_slug=slug,
            idempotency_key=f"wish-{next(_numbers)}",
            return_url="https://app.example/billing/?session={CHECKOUT_SESSION_ID}",
            cancel_url="https://app.example/pricing/",
        )

    def buy(self, user: User, slug: str) -> Order:
        """Buy something with a good card; told."""
        order = self.order(user, slug)
        self.emulated.pay(order.checkout_session_id or "")
        self.tell()
        order.refresh_from_db()
        return order

    def subscribe(self, user: User) -> Order:
        return self.buy(user, "premium_monthly")

    def use(self, user: User, tokens: int) -> None:
        """Spend tokens of whatever there is."""
        now = self.now
        hold = hold_create(
            user_id=user.pk,
            key=f"run:{next(_numbers)}",
            at_least=tokens,
            at_most=tokens,
            expires_at=now + timedelta(hours=1),
            now=now,
        )
        hold_settle(hold_id=hold.pk, amount=tokens, now=now)

    def available(self, user: User) -> int:
        return standing_of(user, self.now).available

    def end_at_once(self, order: Order) -> None:
        """Staff end a subscription in Stripe's dashboard, without a refund."""
        with stripe_errors():
            stripe_client().v1.subscriptions.cancel(order.subscription_id)
        self.tell()

    def charge_of(self, payment: Payment) -> str:
        payment.refresh_from_db()
        return payment.charge_id

    def subscription(self, order: Order) -> dict[str, Any]:
        """As Stripe has it."""
        return self.emulated.get(f"/v1/subscriptions/{order.subscription_id}")


def daily(user: User, day: date) -> Grant:
    """A day's premium tokens."""
    return Grant.objects.get(source=f"grant:premium:{user.pk}:{day:%Y-%m-%d}")


def days_granted(user: User) -> list[str]:
    """The days for which premium tokens were made, `2026-11-15`, in order."""
    grants = Grant.objects.filter(user=user, kind=Grant.Kind.PREMIUM_DAILY)
    return sorted(grant.source.rpartition(":")[2] for grant in grants)
