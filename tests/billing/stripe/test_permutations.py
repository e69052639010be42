"""Whatever order the events come in, however often, with two workers at once: one grant."""

from __future__ import annotations

import json
import random
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import permutations
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection

from accounts.models import StaffAlert, User
from billing.models import Grant, Movement, Order, Payment, PremiumPeriod
from billing.services import fulfilment, reversals, stripe_objects, subscription_mirror
from billing.services import subscriptions as subscriptions_service
from billing.services.fulfilment import checkout_settle
from billing.services.stripe_objects import object_refresh
from billing.stripe import api as stripe_api
from emulators.stripe.testing import StripeControl

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
KINDS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "invoice.paid",
    "customer.subscription.created",
    "customer.subscription.updated",
    "charge.succeeded",
)
Told = tuple[str, str]


class Copies:
    """Stripe's own answers about one purchase and one subscription, asked for over HTTP once, and
    the same for their copies number 0, 1, 2 … under ids of their own. What is tested is the order
    of events; nothing changes at Stripe meanwhile."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.get, self.list = stripe_api.stripe_get, stripe_api.stripe_list
        self.ids: list[str] = []
        self.orders: list[Order] = []

    def of(self, base: str, number: int) -> str:
        return f"{base}Px{number}x"

    def reference(self, order: Order, number: int) -> uuid.UUID:
        return uuid.uuid5(order.pk, str(number))

    def stripe_get(self, kind: str, object_id: str, *, expand: Any = ()) -> Any:
        base, number = _parted(object_id)
        key = f"{kind} {base} {sorted(expand)}"
        if key not in self.answers:
            self.answers[key] = json.dumps(self.get(kind, base, expand=expand))
        return self._copy(self.answers[key], number)

    def stripe_list(self, kind: str, **params: Any) -> Iterator[Any]:
        parted = {name: _parted(str(value)) for name, value in params.items()}
        number = max(number for _, number in parted.values())
        bases = {name: base for name, (base, _) in parted.items()}
        key = f"{kind} {sorted(bases.items())}"
        if key not in self.answers:
            self.answers[key] = json.dumps(list(self.list(kind, **bases)))
        return iter(self._copy(self.answers[key], number))

    def _copy(self, text: str, number: int) -> Any:
        for base in self.ids:
            text = text.replace(f'"{base}"', f'"{self.of(base, number)}"')
        for order in self.orders:
            text = text.replace(str(order.pk), str(self.reference(order, number)))
        return json.loads(text)


def _parted(object_id: str) -> tuple[str, int]:
    found = re.fullmatch(r"(.*)Px(\d+)x", object_id)
    return (found[1], int(found[2])) if found else (object_id, -1)


@pytest.fixture
def copies(shop: StripeControl, monkeypatch: pytest.MonkeyPatch) -> Copies:
    made = Copies()
    for module in (
        fulfilment,
        reversals,
        stripe_objects,
        subscription_mirror,
        subscriptions_service,
    ):
        for name in ("stripe_get", "stripe_list"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, getattr(made, name))
    return made


def objects_of(shop: StripeControl) -> dict[str, Told]:
    """The object that each kind of event is about, of one purchase paid later and one
    subscription."""
    found = {}
    for event in shop.events(*KINDS):
        told = event["data"]["object"]
        found[event["type"]] = (told["object"], told["id"])
    return found


def people_of(copies: Copies, count: int) -> list[User]:
    """A person for each copy, with both orders open."""
    people = User.objects.bulk_create(
        User(email=f"copy{number}@example.com") for number in range(count)
    )
    Order.objects.bulk_create(
        Order(
            pk=copies.reference(base, number),
            user=person,
            offer_id=base.offer_id,
            idempotency_key=base.idempotency_key,
            state=Order.State.OPEN,
            kind=base.kind,
            tokens=base.tokens,
            amount_cents=base.amount_cents,
            currency=base.currency,
            stripe_price_id=base.stripe_price_id,
            stripe_customer_id=copies.of(base.stripe_customer_id, number),
            checkout_session_id=copies.of(str(base.checkout_session_id), number),
        )
        for number, person in enumerate(people)
        for base in copies.orders
    )
    return people


def end_state(person: User) -> str:
    """All that is left of one copy, under the ids of the original."""
    grants = Grant.objects.filter(user=person)
    payments = Payment.objects.filter(user=person)
    state = [
        sorted(Order.objects.filter(user=person).values_list("kind", "state")),
        sorted(grants.values_list("source", "amount", "available")),
        sorted(Movement.objects.filter(grant__user=person).values_list("key", "amount")),
        sorted(payments.values_list("source", "amount_cents", "tokens", "refunded_cents")),
        sorted(
            PremiumPeriod.objects.filter(user=person).values_list("source", "starts_at", "ends_at")
        ),
    ]
    return re.sub(r"Px\d+x", "", repr(state))


def work(rounds: list[list[Told]], barrier: Barrier, errors: list[BaseException]) -> None:
    """A worker: its share of each round, beginning it at the same instant as the other one."""
    try:
        for told in rounds:
            barrier.wait()
            for kind, object_id in told:
                object_refresh(object_type=kind, object_id=object_id)
    except BaseException as error:  # noqa: BLE001 - told to the test
        errors.append(error)
        barrier.abort()
    finally:
        connection.close()


def by_two_workers(rounds: list[list[Told]]) -> None:
    """Each round's deliveries dealt out to two workers."""
    errors: list[BaseException] = []
    barrier = Barrier(2)
    workers = [
        Thread(target=work, args=([told[half::2] for told in rounds], barrier, errors))
        for half in (0, 1)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == []


@pytest.fixture
def told(shop: StripeControl, order: Callable[..., Order], copies: Copies) -> dict[str, Told]:
    """What each kind of event is about: a package paid later, and a subscription."""
    package, premium = order("tokens_450k", "a"), order("premium_monthly", "b")
    shop.pay(package.checkout_url, card="delayed")
    shop.pay(premium.checkout_url)
    shop.settle(str(package.checkout_session_id))
    found = objects_of(shop)
    found["customer.subscription.updated"] = found["customer.subscription.created"]
    for kind, placed in (("completed", premium), ("async_payment_succeeded", package)):
        found[f"checkout.session.{kind}"] = ("checkout.session", str(placed.checkout_session_id))
    intents = [each["data"]["object"]["id"] for each in shop.events("payment_intent.created")]
    charges = [each["data"]["object"]["id"] for each in shop.events("charge.succeeded")]
    objects = [object_id for _, object_id in found.values()]
    copies.ids = sorted({*intents, *charges, *objects, package.stripe_customer_id})
    copies.orders = [package, premium]
    return found


@pytest.mark.parametrize("first", KINDS)
def test_all_720_orders_of_events_end_the_same(
    copies: Copies, told: dict[str, Told], first: str
) -> None:
    """Each event comes one to three times, dealt out to two workers that run at once.

    By what comes first, so that they are spread where there are processors.
    """
    assert sorted(told) == sorted(KINDS)
    orderings = [ordering for ordering in permutations(KINDS) if ordering[0] == first]
    assert len(orderings) == 120
    people = people_of(copies, len(orderings))
    rng = random.Random(first)
    rounds = [
        [
            (told[kind][0], copies.of(told[kind][1], number))
            for kind in ordering
            for _ in range(rng.choices((1, 2, 3), (8, 1, 1))[0])
        ]
        for number, ordering in enumerate(orderings)
    ]
    by_two_workers(rounds)
    ends = Counter(end_state(person) for person in people)
    assert list(ends.values()) == [120], list(ends)
    assert Grant.objects.filter(kind=Grant.Kind.PURCHASED, amount=450_000).count() == 120
    assert Payment.objects.count() == 2 * 120
    assert PremiumPeriod.objects.count() == 120
    assert Order.objects.filter(state=Order.State.PAID).count() == 2 * 120
    assert not StaffAlert.objects.exists()


def test_two_events_of_one_purchase_at_the_same_instant_are_one_grant(
    copies: Copies, told: dict[str, Told]
) -> None:
    """The session and the charge of a package, the session and the invoice of premium: 40 times."""
    people = people_of(copies, 40)
    pairs = [
        ("checkout.session.async_payment_succeeded", "charge.succeeded"),
        ("checkout.session.completed", "invoice.paid"),
    ]
    by_two_workers(
        [
            [(told[kind][0], copies.of(told[kind][1], number)) for kind in pair]
            for number in range(40)
            for pair in pairs
        ]
    )
    ends = Counter(end_state(person) for person in people)
    assert list(ends.values()) == [40], list(ends)
    assert Grant.objects.filter(kind=Grant.Kind.PURCHASED).count() == 40
    assert (Payment.objects.count(), PremiumPeriod.objects.count()) == (80, 40)


def test_without_the_compare_and_set_there_would_be_two(
    shop: StripeControl,
    order: Callable[..., Order],
    user: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: with the guard taken out, only the database's constraint says no."""
    placed = order()
    shop.pay(placed.checkout_url)
    monkeypatch.setattr(fulfilment, "order_move", lambda **facts: True)
    checkout_settle(session_id=str(placed.checkout_session_id))
    with pytest.raises(IntegrityError):
        checkout_settle(session_id=str(placed.checkout_session_id))
    assert Grant.objects.filter(user=user, kind=Grant.Kind.PURCHASED).count() == 1
