"""A paid checkout that is not what was ordered: 50 ways, no tokens in any, staff know of each."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from accounts.models import StaffAlert, User
from billing.models import Grant, Order, Payment, PremiumPeriod
from billing.services.fulfilment import checkout_settle
from billing.services.stripe_objects import object_refresh
from billing.stripe.api import as_dict, stripe_client
from emulators.stripe.testing import StripeControl
from tests.billing.stripe.conftest import CANCEL_URL, RETURN_URL, offer_of

pytestmark = pytest.mark.django_db
PACKAGES = ("tokens_200k", "tokens_450k", "tokens_1m", "tokens_2m")
Facts = dict[str, Any]


def price(slug: str, **facts: Any) -> str:
    """Another price of the offer's own product."""
    offer = offer_of(slug)
    body: Facts = {
        "product": offer.stripe_product_id,
        "currency": "usd",
        "unit_amount": offer.amount_cents,
    }
    made = stripe_client().v1.prices.create({**body, **facts})  # type: ignore[typeddict-item]
    return str(as_dict(made)["id"])


def customer() -> str:
    return str(as_dict(stripe_client().v1.customers.create({"email": "x@example.com"}))["id"])


# What is wrong with the session (its body) …
SESSIONS: dict[str, Callable[[str], Facts]] = {
    "a price of 1 cent less": lambda slug: line(
        price(slug, unit_amount=offer_of(slug).amount_cents - 1)
    ),
    "a price of 1 cent more": lambda slug: line(
        price(slug, unit_amount=offer_of(slug).amount_cents + 1)
    ),
    "the smallest amount": lambda slug: line(price(slug, unit_amount=50)),
    "another currency": lambda slug: line(price(slug, currency="eur")),
    "another price of the same amount": lambda slug: line(price(slug)),
    "two of them": lambda slug: line(offer_of(slug).stripe_price_id, quantity=2),
    "something else beside it": lambda slug: {
        "line_items": [
            {"price": offer_of(slug).stripe_price_id, "quantity": 1},
            {"price": price(slug, unit_amount=100), "quantity": 1},
        ]
    },
    "another customer": lambda slug: {"customer": customer()},
}
# … or with our row, after the right session was made.
ROWS: dict[str, Facts] = {
    "ordered for more": {"amount_cents": 99_999},
    "ordered in another currency": {"currency": "eur"},
    "ordered at another price": {"stripe_price_id": "price_other"},
    "ordered by another customer": {"stripe_customer_id": "cus_other"},
    "never sent to Stripe": {"stripe_customer_id": ""},
}


def line(price_id: str, quantity: int = 1) -> Facts:
    return {"line_items": [{"price": price_id, "quantity": quantity}]}


@pytest.fixture
def paid_session(shop: StripeControl) -> Callable[..., str]:
    """paid_session(order, **body): a session that says it is the order's, paid."""

    def make(order: Order, **body: Any) -> str:
        offer = order.offer
        right: Facts = {
            "mode": "subscription" if order.kind == "subscription" else "payment",
            "customer": order.stripe_customer_id,
            "client_reference_id": str(order.pk),
            "success_url": RETURN_URL,
            "cancel_url": CANCEL_URL,
            "metadata": {"sitewright_order": str(order.pk), "tokens": "2000000"},
            **line(offer.stripe_price_id),
        }
        made = stripe_client().v1.checkout.sessions.create(right | body)  # type: ignore[arg-type]
        session_id = str(as_dict(made)["id"])
        shop.pay(session_id)
        return session_id

    return make


@pytest.fixture
def interrupted(shop: StripeControl, user: User) -> Callable[[str], Order]:
    """interrupted(slug): an order whose session was made and not written down."""

    def make(slug: str) -> Order:
        offer = offer_of(slug)
        return Order.objects.create(
            user=user,
            offer=offer,
            idempotency_key="key",
            kind=offer.kind,
            tokens=offer.tokens,
            amount_cents=offer.amount_cents,
            currency=offer.currency,
            stripe_price_id=offer.stripe_price_id,
            stripe_customer_id=customer(),
        )

    return make


def refused(shop: StripeControl, order: Order, session_id: str) -> str:
    """Settles it by every way in; returns the problem on the order."""
    for _ in range(2):
        settled = checkout_settle(session_id=session_id)
        assert settled is not None
        assert settled.state == Order.State.REJECTED
    for event in shop.events():
        told = event["data"]["object"]
        object_refresh(object_type=told["object"], object_id=told["id"])
    assert not Grant.objects.exists()
    assert not Payment.objects.exists()
    assert not PremiumPeriod.objects.exists()
    assert StaffAlert.objects.filter(key=f"order-rejected:{order.pk}").count() == 1
    order.refresh_from_db()
    assert order.state == Order.State.REJECTED
    return order.problem


@pytest.mark.parametrize(("slug", "wrong"), list(product(PACKAGES[1:3], SESSIONS)))
def test_a_session_that_differs_from_its_order_grants_nothing(
    shop: StripeControl,
    interrupted: Callable[[str], Order],
    paid_session: Callable[..., str],
    slug: str,
    wrong: str,
) -> None:
    order = interrupted(slug)
    problem = refused(shop, order, paid_session(order, **SESSIONS[wrong](slug)))
    assert "ordered" in problem
    assert "got" in problem


@pytest.mark.parametrize(("slug", "wrong"), list(product(PACKAGES, ROWS)))
def test_an_order_that_differs_from_its_session_grants_nothing(
    shop: StripeControl, order: Callable[..., Order], slug: str, wrong: str
) -> None:
    placed = order(slug)
    Order.objects.filter(pk=placed.pk).update(**ROWS[wrong])
    shop.pay(placed.checkout_url)
    refused(shop, placed, str(placed.checkout_session_id))


@pytest.mark.parametrize("wrong", ROWS)
def test_a_subscription_that_differs_from_its_order_gives_no_premium(
    shop: StripeControl, order: Callable[..., Order], wrong: str
) -> None:
    placed = order("premium_monthly")
    Order.objects.filter(pk=placed.pk).update(**ROWS[wrong])
    shop.pay(placed.checkout_url)
    refused(shop, placed, str(placed.checkout_session_id))


@pytest.mark.parametrize("slug", ["tokens_450k", "tokens_2m"])
def test_a_subscription_paid_for_a_package_grants_nothing(
    shop: StripeControl,
    interrupted: Callable[[str], Order],
    paid_session: Callable[..., str],
    slug: str,
) -> None:
    order = interrupted(slug)
    monthly = price(slug, recurring={"interval": "month"})
    problem = refused(shop, order, paid_session(order, mode="subscription", **line(monthly)))
    assert "mode: ordered 'payment', got 'subscription'" in problem


def test_a_package_paid_for_a_subscription_gives_no_premium(
    shop: StripeControl, interrupted: Callable[[str], Order], paid_session: Callable[..., str]
) -> None:
    order = interrupted("premium_monthly")
    problem = refused(
        shop,
        order,
        paid_session(order, mode="payment", **line(price("premium_monthly"))),
    )
    assert "mode: ordered 'subscription', got 'payment'" in problem


@pytest.mark.parametrize("slug", PACKAGES)
def test_the_price_of_another_package_grants_neither(
    shop: StripeControl,
    interrupted: Callable[[str], Order],
    paid_session: Callable[..., str],
    slug: str,
) -> None:
    order = interrupted(slug)
    other = PACKAGES[(PACKAGES.index(slug) + 1) % 4]
    refused(shop, order, paid_session(order, **line(offer_of(other).stripe_price_id)))


@pytest.mark.parametrize("slug", ["tokens_450k", "premium_monthly"])
def test_a_session_of_the_other_mode_grants_nothing(
    shop: StripeControl, order: Callable[..., Order], slug: str, settings: Any
) -> None:
    placed = order(slug)
    shop.pay(placed.checkout_url)
    settings.STRIPE_LIVE_MODE = True
    refused(shop, placed, str(placed.checkout_session_id))


def test_the_control_is_granted(
    shop: StripeControl,
    interrupted: Callable[[str], Order],
    paid_session: Callable[..., str],
    purchased: Callable[[], list[int]],
) -> None:
    """The same road with nothing wrong: what the tests above refuse is refused for its reason."""
    order = interrupted("tokens_450k")
    settled = checkout_settle(session_id=paid_session(order))
    assert settled is not None
    assert settled.state == Order.State.PAID
    # And metadata that promises more is not believed.
    assert purchased() == [450_000]
