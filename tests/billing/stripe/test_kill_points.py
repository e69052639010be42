"""Killed after every single step: asking again, or the reconcile, ends as if nothing had been."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db.models import QuerySet

from billing.models import Grant, Order, Payment, PremiumPeriod
from billing.services import fulfilment, orders, stripe_reconcile
from billing.services.fulfilment import checkout_settle
from emulators.stripe.testing import StripeControl

pytestmark = pytest.mark.django_db
Ordering = Callable[..., Order]


class Killed(BaseException):
    """Not an Exception: nothing may catch it, as nothing catches a SIGKILL."""


@contextmanager
def killed(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool, nth: int = 1
) -> Iterator[None]:
    """The process dies right before or after the nth call of owner.name."""
    real = getattr(owner, name)
    calls = 0

    def step(*args: Any, **facts: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls != nth:
            return real(*args, **facts)
        if after:
            real(*args, **facts)
        raise Killed(name)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, step)
        try:
            yield
        except Killed:
            return
    pytest.fail(f"{name} was not called {nth} time(s)")


ORDER_STEPS = [
    (QuerySet, "create"),
    (orders, "customer_create"),
    (orders, "customer_record"),
    (orders, "session_create"),
    (orders, "order_move"),
]


@pytest.mark.parametrize("healed_by", ["asking again", "reconcile and asking again"])
@pytest.mark.parametrize("slug", ["tokens_450k", "premium_monthly"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("owner", "name"), ORDER_STEPS, ids=lambda each: str(each)[-24:])
def test_an_order_killed_at_any_step_becomes_one_order(
    shop: StripeControl,
    order: Ordering,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    after: bool,
    slug: str,
    healed_by: str,
) -> None:
    with killed(monkeypatch, owner, name, after=after):
        order(slug)
    if "reconcile" in healed_by:
        stripe_reconcile.stripe_reconcile()
    placed = order(slug)
    assert (placed.state, Order.objects.count()) == (Order.State.OPEN, 1)
    assert len(shop.get("/v1/checkout/sessions")["data"]) == 1
    assert len(shop.get("/v1/customers")["data"]) == 1
    shop.pay(placed.checkout_url)
    settled = checkout_settle(session_id=str(placed.checkout_session_id))
    assert settled is not None
    assert settled.state == Order.State.PAID


SETTLE_STEPS = {
    "tokens_450k": [
        (fulfilment, "stripe_get"),
        (fulfilment, "mismatches"),
        (fulfilment, "order_move"),
        (fulfilment, "grant_create"),
        (fulfilment, "ring_on_commit"),
        (fulfilment, "_reversals_look"),
    ],
    "premium_monthly": [
        (fulfilment, "stripe_get"),
        (fulfilment, "mismatches"),
        (fulfilment, "subscription_refresh"),
        (fulfilment, "invoice_settle"),
        (fulfilment, "order_move"),
    ],
}


@pytest.mark.parametrize("healed_by", ["again", "reconcile"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("slug", "owner", "name"),
    [(slug, *step) for slug, steps in SETTLE_STEPS.items() for step in steps],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_a_settlement_killed_at_any_step_grants_once(
    shop: StripeControl,
    order: Ordering,
    monkeypatch: pytest.MonkeyPatch,
    slug: str,
    owner: Any,
    name: str,
    after: bool,
    healed_by: str,
) -> None:
    placed = order(slug)
    shop.pay(placed.checkout_url)
    session_id = str(placed.checkout_session_id)
    with killed(monkeypatch, owner, name, after=after):
        checkout_settle(session_id=session_id)
    # All or nothing of a package: its payment and its grant came together, or not at all.
    if slug == "tokens_450k":
        assert Payment.objects.count() == Grant.objects.count()
    if healed_by == "again":
        checkout_settle(session_id=session_id)
    else:
        assert stripe_reconcile.stripe_reconcile().failed == 0
    placed.refresh_from_db()
    assert placed.state == Order.State.PAID
    assert Payment.objects.count() == 1
    assert Grant.objects.count() == (1 if slug == "tokens_450k" else 0)
    assert PremiumPeriod.objects.count() == (0 if slug == "tokens_450k" else 1)
