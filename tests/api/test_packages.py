"""Packages, checkout, subscription and orders through the API, on the emulated Stripe."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command

from accounts.models import User
from billing.models import Offer, Order
from emulators.stripe.testing import StripeControl
from tests.api.conftest import Call, assert_problem, caller
from tests.billing.stripe.conftest import running_stripe, shop, stripe_there

__all__ = ["running_stripe", "shop", "stripe_there"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def offers(db: None, capsys: Any) -> None:
    call_command("offers_seed")


def test_anybody_may_see_what_can_be_had(offers: None) -> None:
    answer = caller(None)("get", "/api/tokens/packages")
    assert answer.status_code == 200
    assert answer.json() == {
        "freeTier": {"id": "free_monthly", "name": "Free", "tokensPerMonth": 10_000},
        "packages": [
            {
                "id": slug,
                "name": f"{tokens:,} tokens",
                "price": {"amount": cents, "currency": "usd"},
                "tokens": tokens,
            }
            for slug, tokens, cents in (
                ("tokens_200k", 200_000, 500),
                ("tokens_450k", 450_000, 1000),
                ("tokens_1m", 1_000_000, 1500),
                ("tokens_2m", 2_000_000, 2000),
            )
        ],
        "subscriptions": [
            {
                "id": "premium_monthly",
                "price": {"amount": 1000, "currency": "usd"},
                "interval": "month",
                "tokensPerDay": 30_000,
            }
        ],
    }


def test_what_staff_switched_off_is_not_listed(offers: None) -> None:
    Offer.objects.filter(slug="tokens_1m").update(enabled=False)
    listed = caller(None)("get", "/api/tokens/packages").json()["packages"]
    assert [row["id"] for row in listed] == ["tokens_200k", "tokens_450k", "tokens_2m"]


def test_a_package_is_bought_and_its_order_followed(api: Call, shop: StripeControl) -> None:
    started = api("post", "/api/tokens/checkout", {"packageId": "tokens_450k"})
    assert started.status_code == 201
    body = started.json()
    assert set(body) == {"checkoutUrl", "orderId"}
    assert body["checkoutUrl"].startswith(shop.url)
    path = f"/api/orders/{body['orderId']}"
    order = api("get", path).json()["order"]
    assert (order["state"], order["offerId"], order["tokens"]) == ("open", "tokens_450k", 450_000)
    assert order["price"] == {"amount": 1000, "currency": "usd"}
    assert order["checkoutUrl"] == body["checkoutUrl"]
    shop.pay(body["checkoutUrl"])
    forget_when_asked(body["orderId"])
    paid = api("get", path).json()["order"]
    assert (paid["state"], paid["checkoutUrl"], paid["refunded"]) == ("paid", None, None)
    assert paid["paidAt"]
    assert paid["receiptUrl"]
    assert api("get", "/api/orders").json() == {"orders": [paid]}
    me = api("get", "/api/me").json()
    assert me["user"]["availableTokens"] == 460_000
    assert me["user"]["subscriptionStatus"] == "paid_tokens"
    assert (me["debt"], me["user"]["debt"]) == (0, 0)


def test_premium_is_subscribed_to_cancelled_and_resumed(api: Call, shop: StripeControl) -> None:
    assert_problem(api("post", "/api/subscription/cancel"), 409, "not_subscribed")
    assert_problem(api("post", "/api/subscription/resume"), 409, "not_subscribed")
    plan = {"planId": "premium_monthly"}
    started = api("post", "/api/subscription/subscribe", plan)
    assert started.status_code == 201
    again = api("post", "/api/subscription/subscribe", plan)
    assert again.json() == started.json()  # the checkout that is still open
    shop.pay(started.json()["checkoutUrl"])
    api("get", f"/api/orders/{started.json()['orderId']}")
    assert api("get", "/api/me").json()["user"]["subscriptionStatus"] == "premium_monthly"
    assert_problem(api("post", "/api/subscription/subscribe", plan), 409, "already_subscribed")
    cancelled = api("post", "/api/subscription/cancel")
    assert cancelled.status_code == 200
    said = cancelled.json()["subscription"]
    assert (said["state"], said["renewsAt"], said["graceUntil"]) == ("cancelling", None, None)
    assert said["endsAt"]
    assert api("get", "/api/me").json()["user"]["availableTokens"] == 40_000
    resumed = api("post", "/api/subscription/resume").json()["subscription"]
    assert (resumed["state"], resumed["endsAt"]) == ("active", None)
    assert resumed["renewsAt"] == said["endsAt"]
    portal = api("post", "/api/subscription/portal")
    assert portal.status_code == 200
    assert portal.json()["portalUrl"].startswith(shop.url)


def test_the_same_key_is_the_same_order_and_never_another(api: Call, shop: StripeControl) -> None:
    def ask(package: str, key: str = "k-1") -> Any:
        body = {"packageId": package}
        return api("post", "/api/tokens/checkout", body, HTTP_IDEMPOTENCY_KEY=key)

    first = ask("tokens_200k")
    assert ask("tokens_200k").json() == first.json()
    assert_problem(ask("tokens_2m"), 409, "idempotency_conflict")
    assert ask("tokens_200k", "k-2").json() != first.json()
    assert Order.objects.count() == 2


@pytest.mark.parametrize("key", ["x" * 121, "two words", "ключ".encode().decode("latin-1")])
def test_a_key_that_is_none_is_refused(api: Call, shop: StripeControl, key: str) -> None:
    body = {"packageId": "tokens_200k"}
    answer = api("post", "/api/tokens/checkout", body, HTTP_IDEMPOTENCY_KEY=key)
    assert_problem(answer, 422)
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/api/tokens/checkout", {"packageId": "premium_monthly"}, "unknown_package"),
        ("/api/tokens/checkout", {"packageId": "free_monthly"}, "unknown_package"),
        ("/api/tokens/checkout", {"packageId": "nope"}, "unknown_package"),
        ("/api/subscription/subscribe", {"planId": "tokens_200k"}, "unknown_plan"),
        ("/api/tokens/checkout", {"packageId": 1}, "invalid_input"),
        ("/api/tokens/checkout", {"packageId": "tokens_200k", "price": 1}, "invalid_input"),
        ("/api/tokens/checkout", {}, "invalid_input"),
        ("/api/subscription/subscribe", {"planId": "a\x00b"}, "invalid_input"),
    ],
)
def test_what_is_not_on_offer_is_refused_and_nothing_written(
    api: Call, shop: StripeControl, path: str, body: Any, code: str
) -> None:
    assert_problem(api("post", path, body), 422, code)
    assert not Order.objects.exists()


def test_without_a_key_of_stripes_purchases_are_closed(api: Call, offers: None) -> None:
    for path, body in (
        ("/api/tokens/checkout", {"packageId": "tokens_200k"}),
        ("/api/subscription/subscribe", {"planId": "premium_monthly"}),
    ):
        problem = assert_problem(api("post", path, body), 503, "purchases_closed")
        assert "not charged" in problem["detail"]
    assert not Order.objects.exists()
    assert caller(None)("get", "/api/tokens/packages").status_code == 200


def test_a_provider_that_is_away_is_told_and_charges_nothing(
    api: Call, shop: StripeControl
) -> None:
    shop.fault(path="/v1/checkout/sessions", status=503, times=20)
    answer = api("post", "/api/tokens/checkout", {"packageId": "tokens_200k"})
    problem = assert_problem(answer, 503, "payment_provider_unavailable")
    assert "not charged" in problem["detail"]


def test_orders_are_their_owners_alone(api: Call, bob: User, shop: StripeControl) -> None:
    order = api("post", "/api/tokens/checkout", {"packageId": "tokens_200k"}).json()["orderId"]
    assert_problem(caller(bob)("get", f"/api/orders/{order}"), 404, "not_found")
    assert caller(bob)("get", "/api/orders").json() == {"orders": []}
    for method, path in (
        ("get", "/api/orders"),
        ("get", f"/api/orders/{order}"),
        ("post", "/api/tokens/checkout"),
        ("post", "/api/subscription/cancel"),
    ):
        assert_problem(caller(None)(method, path), 401, "unauthenticated")


def forget_when_asked(order_id: str) -> None:
    """As if the seconds between two looks at the provider had passed."""
    cache.delete(f"order-asked:{order_id}")
