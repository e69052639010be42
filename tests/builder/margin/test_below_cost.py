"""`manage.py check --database default` warns when a model sells below what it costs us."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from billing.models import Grant, Offer
from builder.checks import models_pay_for_themselves
from builder.token_value import pocket_usd, token_usd_least
from models_catalog.models import AIModel, Provider, Route
from models_catalog.services import catalogue_seed, switch_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    catalogue_seed()
    call_command("offers_seed", stdout=StringIO())


def told() -> list[str]:
    return [str(one.msg) for one in models_pay_for_themselves(None, databases=["default"])]


def test_a_token_is_worth_what_the_cheapest_package_asks_for_it(shop):
    assert token_usd_least() == Decimal("0.00001")
    assert pocket_usd() == {
        Grant.Kind.FREE_MONTHLY: 0,
        Grant.Kind.PURCHASED: Decimal("0.00001"),
        Grant.Kind.PREMIUM_DAILY: Decimal(10) / 900_000,
        Grant.Kind.ADJUSTMENT: 0,
    }
    Offer.objects.filter(slug="tokens_2m").update(enabled=False)
    assert token_usd_least() == Decimal("0.000015")
    Offer.objects.all().delete()
    assert token_usd_least() == Decimal("0.00001")


def test_nothing_shipped_is_sold_below_cost_nor_would_be_directly(shop):
    for provider in Provider.objects.filter(enabled=False):
        switch_on(provider)
    assert told() == []
    assert models_pay_for_themselves(None, databases=None) == []


def test_a_price_list_below_cost_is_told_with_what_would_do(shop):
    AIModel.objects.filter(slug="claude-3-opus").update(token_cost=7)
    [warning] = models_pay_for_themselves(None, databases=["default"])
    assert warning.id == "builder.W001"
    assert warning.msg == (
        "Claude 3 Opus via OpenRouter is sold below cost: a million tokens bring $14 in, $70 out, "
        "and cost us $15 in, $75 out."
    )
    assert warning.hint == "Raise its token cost to 8."
    out = StringIO()
    call_command("check", "--database", "default", stderr=out)
    assert "builder.W001" in out.getvalue()


def test_a_cheaper_package_makes_models_too_cheap(shop):
    Offer.objects.create(
        slug="tokens_10m", kind="package", name="10M", tokens=10_000_000, amount_cents=5_000
    )
    sold_short = {message.split(" is sold")[0] for message in told()}
    assert sold_short == {
        "Claude 3 Opus via OpenRouter",
        "GPT-4 via OpenRouter",
        "GPT-4 Turbo via OpenRouter",
    }


def test_what_nobody_can_use_is_not_judged(shop):
    AIModel.objects.filter(slug="claude-3-opus").update(token_cost=1)
    assert len(told()) == 1
    Route.objects.filter(model__slug="claude-3-opus").update(
        enabled=False, disabled_reason="too dear"
    )
    assert told() == []


def test_a_flat_price_is_held_against_the_typical_page(shop):
    # 1,000 tokens in and 2,500 out cost $0.2025 on Opus: 20,250 tokens at $10 a million.
    model = AIModel.objects.filter(slug="claude-3-opus")
    model.update(billing_unit="per_request", token_cost=20_250)
    assert told() == []
    model.update(token_cost=20_249)
    [warning] = models_pay_for_themselves(None, databases=["default"])
    assert warning.hint == "Raise its token cost to 20250."
