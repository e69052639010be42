"""`manage.py stripe_sync`: our offers at Stripe, the endpoint, and what the checks say of them."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
import stripe
from django.core.management import CommandError, call_command
from djstripe.models import WebhookEndpoint
from pytest_django.fixtures import Settings

from billing.models import Offer
from billing.services.stripe_endpoint import endpoint_of
from billing.stripe.checks import check_api_version, check_endpoint
from emulators.stripe.testing import StripeControl
from tests.billing.stripe.conftest import offer_of

pytestmark = pytest.mark.django_db


def sync(*options: str) -> list[str]:
    out = StringIO()
    call_command("stripe_sync", *options, stdout=out)
    return out.getvalue().splitlines()


def writes(stripe_there: StripeControl) -> int:
    return sum(row["method"] != "GET" for row in stripe_there.requests())


def listed(stripe_there: StripeControl, kind: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = stripe_there.get(f"/v1/{kind}?limit=100")["data"]
    return rows


def test_every_offer_that_is_sold_gets_its_product_and_price(stripe_there: StripeControl) -> None:
    call_command("offers_seed", stdout=StringIO())
    said = sync()
    assert said[-1].startswith("webhook URL: http://localhost:8000/stripe/webhook/")
    prices = {row["lookup_key"]: row for row in listed(stripe_there, "prices")}
    assert {key: row["unit_amount"] for key, row in prices.items()} == {
        "sitewright_tokens_200k": 500,
        "sitewright_tokens_450k": 1000,
        "sitewright_tokens_1m": 1500,
        "sitewright_tokens_2m": 2000,
        "sitewright_premium_monthly": 1000,
    }
    recurring = prices["sitewright_premium_monthly"]["recurring"]
    assert isinstance(recurring, dict)
    assert (recurring["interval"], recurring["interval_count"]) == ("month", 1)
    assert prices["sitewright_tokens_2m"]["recurring"] is None
    for offer in Offer.objects.exclude(kind=Offer.Kind.FREE):
        assert prices[f"sitewright_{offer.slug}"]["id"] == offer.stripe_price_id
    assert offer_of("free_monthly").stripe_price_id == ""


def test_again_it_changes_nothing(shop: StripeControl) -> None:
    before = writes(shop)
    assert [line.partition(": ")[2] for line in sync()[:5]] == ["as it should be"] * 5
    assert writes(shop) == before


def test_another_amount_is_a_new_price_and_the_old_one_is_archived(shop: StripeControl) -> None:
    old = offer_of("tokens_450k").stripe_price_id
    # In floats 19.99 × 100 is 1998.9999….
    Offer.objects.filter(slug="tokens_450k").update(amount_cents=1999)
    sync()
    new = offer_of("tokens_450k").stripe_price_id
    assert new != old
    assert shop.get(f"/v1/prices/{new}")["unit_amount"] == 1999
    assert shop.get(f"/v1/prices/{old}")["active"] is False
    Offer.objects.filter(slug="tokens_450k").update(amount_cents=1000)
    sync()
    back = offer_of("tokens_450k").stripe_price_id
    assert back not in (old, new)
    assert shop.get(f"/v1/prices/{back}")["unit_amount"] == 1000


def test_another_name_is_told_to_stripe(shop: StripeControl) -> None:
    Offer.objects.filter(slug="tokens_450k").update(name="Half a million, nearly")
    sync()
    product = shop.get(f"/v1/products/{offer_of('tokens_450k').stripe_product_id}")
    assert product["name"] == "Half a million, nearly"


def test_a_database_that_forgot_its_ids_finds_them_again(shop: StripeControl) -> None:
    known = set(Offer.objects.values_list("stripe_price_id", "stripe_product_id"))
    Offer.objects.update(stripe_price_id="", stripe_product_id="")
    before = writes(shop)
    sync()
    assert set(Offer.objects.values_list("stripe_price_id", "stripe_product_id")) == known
    assert writes(shop) == before


def test_what_stripe_does_not_know_is_made_again(shop: StripeControl) -> None:
    old = set(Offer.objects.values_list("stripe_price_id", flat=True))
    shop.reset()
    sync()
    new = set(Offer.objects.values_list("stripe_price_id", flat=True))
    assert new & old == {""}
    assert {row["id"] for row in listed(shop, "prices")} == new - {""}


def test_without_a_key_it_does_nothing(stripe_there: StripeControl, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    assert sync("--register") == ["no STRIPE_SECRET_KEY: purchases are closed, nothing to do"]
    assert stripe_there.requests() == []
    assert not WebhookEndpoint.objects.exists()


def test_stripe_being_away_is_told_without_a_traceback(shop: StripeControl) -> None:
    shop.fault(method="GET", status=503, times=20)
    with pytest.raises(CommandError, match="Stripe could not be used"):
        sync()


# --- The endpoint ------------------------------------------------------------------------------


def test_the_endpoint_keeps_its_uuid_and_takes_the_secret_of_the_settings(
    shop: StripeControl, settings: Settings
) -> None:
    before = endpoint_of()
    assert before is not None
    assert before.secret == shop.webhook_secret
    settings.STRIPE_WEBHOOK_SECRET = "whsec_another"
    settings.APP_URL = "https://app.example.com"
    said = sync()
    after = endpoint_of()
    assert after is not None
    assert (after.djstripe_uuid, after.secret) == (before.djstripe_uuid, "whsec_another")
    assert after.url == f"https://app.example.com/stripe/webhook/{before.djstripe_uuid}/"
    assert WebhookEndpoint.objects.count() == 1
    assert "whsec_another" not in "\n".join(said)


def test_registering_keeps_the_secret_that_stripe_tells_once(
    shop: StripeControl, settings: Settings
) -> None:
    settings.STRIPE_WEBHOOK_SECRET = ""
    WebhookEndpoint.objects.all().delete()
    said = sync("--register")
    endpoint = endpoint_of()
    assert endpoint is not None
    [registered] = listed(shop, "webhook_endpoints")
    assert registered["id"] == endpoint.id
    assert registered["url"] == endpoint.url
    assert registered["api_version"] == settings.STRIPE_API_VERSION == endpoint.api_version
    assert "checkout.session.completed" in str(registered["enabled_events"])
    assert endpoint.secret.startswith("whsec_")
    assert endpoint.secret not in "\n".join(said)
    before = writes(shop)
    sync("--register")
    assert writes(shop) == before
    assert endpoint_of() == endpoint


def test_an_endpoint_of_an_unknown_secret_is_made_anew(
    shop: StripeControl, settings: Settings
) -> None:
    sync("--register")
    settings.STRIPE_WEBHOOK_SECRET = ""
    WebhookEndpoint.objects.update(secret="", id="we_local_lost")
    [old] = listed(shop, "webhook_endpoints")
    sync("--register")
    [new] = listed(shop, "webhook_endpoints")
    endpoint = endpoint_of()
    assert endpoint is not None
    assert new["id"] == endpoint.id != old["id"]
    assert endpoint.secret.startswith("whsec_")


# --- Checks ------------------------------------------------------------------------------------


def ids(found: list[object]) -> list[str]:
    return [str(getattr(each, "id", "")) for each in found]


def test_the_versions_agree_and_a_difference_is_an_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_api_version() == []
    monkeypatch.setattr(stripe, "api_version", "2020-08-27")
    assert ids(list(check_api_version())) == ["billing.E010"]
    settings.STRIPE_API_VERSION = "2026-05-27.dahlia"
    assert ids(list(check_api_version())) == ["billing.E010"] * 2


def test_an_endpoint_is_asked_for_only_while_things_can_be_bought(
    shop: StripeControl, settings: Settings, order: Callable[..., object]
) -> None:
    assert check_endpoint() == []
    WebhookEndpoint.objects.update(api_version="2020-08-27")
    assert ids(list(check_endpoint())) == ["billing.W011"]
    WebhookEndpoint.objects.all().delete()
    assert ids(list(check_endpoint())) == ["billing.W010"]
    settings.STRIPE_SECRET_KEY = ""
    assert check_endpoint() == []
