"""The shipped catalogue is the owner's price list, and seeding respects staff's changes."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from emulators.ai import catalog as emulated
from models_catalog.fallbacks import edges_of, find_loop
from models_catalog.models import AIModel, Fallback, Provider, Route
from models_catalog.pricing import charge, price_of
from models_catalog.services import catalogue_seed

pytestmark = pytest.mark.django_db

# The owner's list: maker, name, tokens, what stands after the dash.
OWNERS_LIST = [
    ("Anthropic", "Claude 3 Opus", 10, "Most capable"),
    ("Anthropic", "Claude 3 Sonnet", 6, "Balanced"),
    ("Anthropic", "Claude 3 Haiku", 3, "Fast & efficient"),
    ("OpenAI", "GPT-4", 8, "Most capable"),
    ("OpenAI", "GPT-4 Turbo", 6, "Faster GPT-4"),
    ("OpenAI", "GPT-3.5 Turbo", 2, "Cost-effective"),
    ("Google", "Gemini Pro", 4, "Advanced reasoning"),
    ("Google", "Gemini Pro Vision", 5, "With vision capabilities"),
    ("Meta", "Llama 3 70B", 4, "Open-source powerhouse"),
    ("Meta", "Llama 3 8B", 2, "Efficient open-source"),
    ("Mistral", "Mixtral 8x7B", 3, "Mixture of experts"),
    ("Mistral", "Mistral 7B", 2, "Efficient European AI"),
    ("DeepSeek", "DeepSeek Chat", 2, "General conversation"),
    ("DeepSeek", "DeepSeek Coder", 3, "Code-specialized"),
    ("Microsoft", "WizardLM 2 8x22B", 5, "Advanced reasoning"),
    ("Qwen", "Qwen Turbo", 1, "Ultra-efficient"),
    ("Qwen", "Qwen VL Plus", 2, "Vision capabilities"),
    ("Qwen", "Qwen VL Max", 3, "Advanced vision"),
    ("Qwen", "Qwen 32B Chat", 2, "Large context"),
]
VISION = {
    "claude-3-opus",
    "claude-3-sonnet",
    "claude-3-haiku",
    "gpt-4-turbo",
    "gemini-pro-vision",
    "qwen-vl-plus",
    "qwen-vl-max",
}
# Dollars per million (input, output) tokens, as the providers charged for these models.
PROVIDER_PRICES = {
    "claude-3-opus": (15, 75),
    "claude-3-sonnet": (3, 15),
    "claude-3-haiku": ("0.25", "1.25"),
    "gpt-4": (30, 60),
    "gpt-4-turbo": (10, 30),
    "gpt-3-5-turbo": ("0.5", "1.5"),
}


def everything() -> list[object]:
    tables = (Provider, AIModel, Route, Fallback)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def test_the_catalogue_is_the_owners_list_in_its_order(catalogue):
    rows = AIModel.objects.values_list("maker", "name", "token_cost", "tagline")
    assert list(rows) == OWNERS_LIST
    assert set(AIModel.objects.filter(vision=True).values_list("slug", flat=True)) == VISION


def test_fifteen_models_go_through_openrouter_first_and_four_through_qwen(catalogue):
    first = {model.slug: model.routes.all()[0].provider.slug for model in AIModel.objects.all()}
    assert sorted(first.values()) == ["openrouter"] * 15 + ["qwen"] * 4
    assert {slug for slug, provider in first.items() if provider == "qwen"} == {
        "qwen-turbo",
        "qwen-vl-plus",
        "qwen-vl-max",
        "qwen-32b-chat",
    }


def test_only_gpt_4_has_dear_input(catalogue):
    weights = dict(AIModel.objects.values_list("slug", "input_weight"))
    assert weights.pop("gpt-4") == Decimal("0.5")
    assert set(weights.values()) == {Decimal("0.2")}


def test_the_direct_apis_are_there_and_off_with_the_reason(catalogue):
    off = Provider.objects.filter(enabled=False)
    assert {(row.slug, row.disabled_reason) for row in off} == {
        ("openai", "temporarily disabled: use via OpenRouter"),
        ("anthropic", "temporarily disabled: use via OpenRouter"),
    }
    direct = Route.objects.filter(provider__in=off)
    assert {route.model.slug for route in direct} == {
        "gpt-4",
        "gpt-4-turbo",
        "gpt-3-5-turbo",
        "claude-3-opus",
        "claude-3-sonnet",
        "claude-3-haiku",
    }


def test_no_seeded_row_breaks_its_own_rules(catalogue):
    for table in (Provider, AIModel, Route, Fallback):
        for row in table.objects.all():
            row.full_clean()


def test_fallbacks_do_not_loop_and_keep_sight(catalogue):
    ordinary = Fallback.objects.filter(last_resort=False)
    pairs = list(ordinary.values_list("model_id", "fallback_id"))
    assert find_loop(edges_of(pairs)) == []
    assert not Fallback.objects.filter(model__vision=True, fallback__vision=False).exists()


def test_every_model_survives_the_loss_of_any_one_provider(catalogue):
    alone = []
    for model in AIModel.objects.all():
        choices = [model, *AIModel.objects.filter(fallback_of__model=model)]
        providers = set(
            Route.objects.filter(model__in=choices, provider__enabled=True).values_list(
                "provider__slug", flat=True
            )
        )
        if not {"openrouter", "qwen"} <= providers:
            alone.append(model.slug)
    assert alone == []


def test_every_model_has_a_fallback_and_the_last_of_the_line_a_last_resort(catalogue):
    assert not AIModel.objects.filter(fallbacks=None).exists()
    last = Fallback.objects.filter(last_resort=True)
    assert [(row.model.slug, row.fallback.slug) for row in last] == [
        ("qwen-vl-plus", "claude-3-haiku")
    ]


def test_the_shipped_prices_are_those_the_emulated_providers_list(catalogue):
    # Else the first comparison on a machine without keys would find differences.
    kinds: dict[str, emulated.Provider] = {
        "openrouter": "openrouter",
        "qwen": "dashscope",
        "openai": "openai",
        "anthropic": "anthropic",
    }
    for route in Route.objects.select_related("provider"):
        listed = emulated.find_model(kinds[route.provider.slug], route.provider_model_id)
        assert listed is not None, route.provider_model_id
        assert (route.input_usd_per_million, route.output_usd_per_million) == (
            listed.input_price,
            listed.output_price,
        ), route
        assert route.priced_at is not None


def test_a_price_that_staff_set_or_emptied_stays(catalogue):
    routes = Route.objects.filter(model__slug="gpt-4")
    routes.filter(provider__slug="openrouter").update(output_usd_per_million=Decimal("61"))
    routes.filter(provider__slug="openai").update(
        input_usd_per_million=None, output_usd_per_million=None
    )
    Route.objects.filter(model__slug="qwen-turbo").update(
        input_usd_per_million=None, output_usd_per_million=None, priced_at=None
    )
    catalogue_seed()
    prices = dict(routes.values_list("provider__slug", "output_usd_per_million"))
    assert prices == {"openrouter": Decimal("61"), "openai": None}
    unset = Route.objects.filter(model__slug="qwen-turbo").values_list(
        "output_usd_per_million", flat=True
    )
    assert set(unset) == {Decimal("0.2")}


@pytest.mark.parametrize("slug", PROVIDER_PRICES)
def test_no_model_is_sold_below_cost_to_who_buys_cheapest(catalogue, slug):
    # The cheapest package sells a million tokens for $10.
    price = price_of(AIModel.objects.get(slug=slug))
    dollars_in, dollars_out = (Decimal(str(amount)) for amount in PROVIDER_PRICES[slug])
    million = 1_000_000
    paid_out = charge(price, input_tokens=0, output_tokens=million) * 10 // million
    paid_in = Decimal(charge(price, input_tokens=million, output_tokens=0)) * 10 / million
    assert paid_out >= dollars_out
    assert paid_in >= dollars_in


def test_seeding_again_changes_nothing(catalogue):
    before = everything()
    again = catalogue_seed()
    assert (again.providers, again.models, again.routes, again.fallbacks) == ([], [], [], [])
    assert everything() == before


def test_what_staff_changed_or_removed_stays(catalogue):
    AIModel.objects.filter(slug="gpt-4").update(token_cost=9, tagline="Ours", enabled=True)
    Provider.objects.filter(slug="openai").update(enabled=True, disabled_reason="")
    Route.objects.filter(model__slug="qwen-turbo", provider__slug="openrouter").delete()
    Fallback.objects.filter(model__slug="gpt-4").delete()
    before = everything()
    catalogue_seed()
    assert everything() == before


def test_a_missing_model_comes_back_with_its_routes_and_fallbacks(catalogue):
    AIModel.objects.get(slug="mistral-7b").delete()
    again = catalogue_seed()
    assert again.models == ["mistral-7b"]
    assert again.routes == ["mistral-7b → openrouter"]
    assert set(again.fallbacks) == {
        "gpt-3-5-turbo → mistral-7b",
        "llama-3-8b → mistral-7b",
        "mixtral-8x7b → mistral-7b",
        "mistral-7b → qwen-turbo",
    }


def test_seeding_never_closes_a_loop_with_what_staff_arranged(catalogue):
    AIModel.objects.get(slug="mistral-7b").delete()
    turbo = AIModel.objects.get(slug="qwen-turbo")
    llama = AIModel.objects.get(slug="llama-3-8b")
    Fallback.objects.filter(model__in=[turbo, llama]).delete()
    Fallback.objects.create(model=turbo, fallback=llama)

    again = catalogue_seed()

    # llama → mistral comes first, so mistral → turbo → llama would have closed the circle.
    assert "llama-3-8b → mistral-7b" in again.fallbacks
    assert "mistral-7b → qwen-turbo" not in again.fallbacks
    ordinary = Fallback.objects.filter(last_resort=False)
    pairs = list(ordinary.values_list("model_id", "fallback_id"))
    assert (turbo.pk, llama.pk) in pairs
    assert find_loop(edges_of(pairs)) == []


def test_the_command_says_what_it_did(db):
    out = StringIO()
    call_command("catalogue_seed", stdout=out)
    assert "4 providers, 19 models, 28 routes, 42 fallbacks" in out.getvalue()
    out = StringIO()
    call_command("catalogue_seed", stdout=out)
    assert "0 providers, 0 models, 0 routes, 0 fallbacks" in out.getvalue()
