"""Whatever order the events come in, however often, with two workers at once: one grant."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import permutations
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from accounts.models import StaffAlert, User
from billing import stripe_api
from billing.models import Grant, Movement, Order, Payment, PremiumPeriod
from billing.services import fulfilment, reversals, stripe_objects, subscription_mirror
from billing.services import subscriptions as subscriptions_service
from billing.services.fulfilment import checkout_settle
from billing.services.stripe_objects import object_refresh
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


class Remembered:
    """Stripe's own answers, asked for over HTTP once and then given from memory: what is tested is
    the order of events, and nothing changes at Stripe meanwhile."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.get, self.list = stripe_api.stripe_get, stripe_api.stripe_list

    def stripe_get(self, kind: str, object_id: str, *, expand: Any = ()) -> Any:
        key = f"{kind} {object_id} {sorted(expand)}"
        if key not in self.answers:
            self.answers[key] = self.get(kind, object_id, expand=expand)
        return self.answers[key]

    def stripe_list(self, kind: str, **params: Any) -> Iterator[Any]:
        key = f"{kind} {sorted(params.items())}"
        if key not in self.answers:
            self.answers[key] = list(self.list(kind, **params))
        return iter(self.answers[key])


@pytest.fixture
def remembered(shop: StripeControl, monkeypatch: pytest.MonkeyPatch) -> Remembered:
    memory = Remembered()
    for module in (
        fulfilment,
        reversals,
        stripe_objects,
        subscription_mirror,
        subscriptions_service,
    ):
        for name in ("stripe_get", "stripe_list"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, getattr(memory, name))
    return memory


def objects_of(shop: StripeControl) -> dict[str, Told]:
    """The object that each kind of event is about, of one purchase paid later and one
    subscription."""
    found = {}
    for event in shop.events(*KINDS):
        told = event["data"]["object"]
        found[event["type"]] = (told["object"], told["id"])
    return found


def forget_outcome(orders: list[Order]) -> None:
    """Back to before anything was heard, as a control would: by rows, movements included."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE billing_movement, billing_debtentry, billing_premiumperiod,"
            " billing_payment, billing_grant, accounts_staffalert, djstripe_subscription"
            " CASCADE"
        )
    for order in orders:
        Order.objects.filter(pk=order.pk).update(
            state=Order.State.OPEN, paid_at=None, subscription_id="", problem=""
        )


def end_state() -> dict[str, Any]:
    return {
        "orders": sorted(Order.objects.values_list("kind", "state")),
        "grants": sorted(Grant.objects.values_list("source", "amount", "available")),
        "movements": sorted(Movement.objects.values_list("key", "amount")),
        "payments": sorted(Payment.objects.values_list("source", "amount_cents", "tokens")),
        "periods": sorted(PremiumPeriod.objects.values_list("source", "starts_at", "ends_at")),
        "alerts": list(StaffAlert.objects.values_list("key", flat=True)),
    }


def deliver(told: list[Told], errors: list[BaseException], barrier: Barrier) -> None:
    """A worker, as it works receipts off: what fails by being at once is tried again."""
    try:
        barrier.wait()
        for kind, object_id in told:
            object_refresh(object_type=kind, object_id=object_id)
    except BaseException as error:  # noqa: BLE001 - told to the test
        errors.append(error)
    finally:
        connection.close()


def by_two_workers(deliveries: list[Told]) -> None:
    errors: list[BaseException] = []
    barrier = Barrier(2)
    workers = [
        Thread(target=deliver, args=(deliveries[number::2], errors, barrier)) for number in (0, 1)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == []


def test_all_720_orders_of_events_end_the_same(
    shop: StripeControl, order: Callable[..., Order], remembered: Remembered
) -> None:
    """Each event comes one to three times, dealt out to two workers that run at once."""
    package, premium = order("tokens_450k", "a"), order("premium_monthly", "b")
    shop.pay(package.checkout_url, card="delayed")
    shop.pay(premium.checkout_url)
    shop.settle(str(package.checkout_session_id))
    subscription_id = str(shop.events("customer.subscription.created")[0]["data"]["object"]["id"])
    told = objects_of(shop)
    told.setdefault("customer.subscription.updated", ("subscription", subscription_id))
    # Completed is said of both checkouts: the later word is the subscription's.
    told["checkout.session.async_payment_succeeded"] = (
        "checkout.session",
        str(package.checkout_session_id),
    )
    told["checkout.session.completed"] = ("checkout.session", str(premium.checkout_session_id))
    assert sorted(told) == sorted(KINDS)
    rng = random.Random(720)
    ends: Counter[str] = Counter()
    for ordering in permutations(KINDS):
        forget_outcome([package, premium])
        deliveries = [told[kind] for kind in ordering for _ in range(rng.randint(1, 3))]
        by_two_workers(deliveries)
        ends[repr(end_state())] += 1
    assert list(ends.values()) == [720], list(ends)
    state = end_state()
    assert [amount for _, amount, _ in state["grants"]] == [450_000]
    assert state["orders"] == [("package", "paid"), ("subscription", "paid")]
    assert (len(state["payments"]), len(state["periods"]), state["alerts"]) == (2, 1, [])


@pytest.mark.parametrize("slug", ["tokens_450k", "premium_monthly"])
def test_two_events_of_one_purchase_at_the_same_instant_are_one_grant(
    shop: StripeControl, order: Callable[..., Order], slug: str
) -> None:
    """Over HTTP, five times each: the session and the charge, or the session and the invoice."""
    placed = order(slug)
    shop.pay(placed.checkout_url)
    other = "charge.succeeded" if slug == "tokens_450k" else "invoice.paid"
    told = objects_of(shop)
    for _ in range(5):
        forget_outcome([placed])
        by_two_workers([told["checkout.session.completed"], told[other]])
        state = end_state()
        assert len(state["payments"]) == 1
        assert len(state["grants"]) == (1 if slug == "tokens_450k" else 0)
        assert len(state["periods"]) == (0 if slug == "tokens_450k" else 1)
        assert state["orders"][0][1] == "paid"


def test_without_the_compare_and_set_there_would_be_two(
    shop: StripeControl,
    order: Callable[..., Order],
    user: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: the same race with the guard taken out is seen by the database's constraint."""
    placed = order()
    shop.pay(placed.checkout_url)
    monkeypatch.setattr(fulfilment, "order_move", lambda **facts: True)
    checkout_settle(session_id=str(placed.checkout_session_id))
    with pytest.raises(Exception, match="duplicate key"):
        checkout_settle(session_id=str(placed.checkout_session_id))
    assert Grant.objects.filter(user=user, kind=Grant.Kind.PURCHASED).count() == 1
    forget_outcome([placed])
