"""Availability, routes and endpoints under every kind of environment."""

from __future__ import annotations

import pytest

from config.errors import InvalidInput, NotFound
from models_catalog import services
from models_catalog.models import AIModel, Provider, Route
from models_catalog.selectors import (
    Availability,
    availability,
    emulation_in_use,
    fallbacks_of,
    model_get,
    models_listed,
    routes_of,
)

pytestmark = pytest.mark.django_db


def test_with_keys_every_model_is_available(catalogue, keys):
    assert [row.availability for row in models_listed()] == [Availability(True)] * 19
    assert emulation_in_use() is False


def test_without_key_or_emulator_the_reason_names_the_provider(catalogue):
    assert availability(model_get("gpt-4")) == Availability(False, "no key is set for OpenRouter")
    assert availability(model_get("qwen-32b-chat")) == Availability(False, "no key is set for Qwen")
    assert routes_of(model_get("gpt-4")) == []


def test_a_route_carries_key_address_and_attribution(catalogue, keys):
    [target] = routes_of(model_get("claude-3-opus"))
    assert target.base_url == "https://openrouter.ai/api/v1"
    assert target.provider_model_id == "anthropic/claude-3-opus"
    assert (target.api_key, target.adapter, target.emulated) == (
        "canary-openrouter",
        "openrouter",
        False,
    )
    assert dict(target.headers)["X-Title"] == "Sitewright"
    assert "canary" not in repr(target)


def test_qwen_has_a_second_route_through_openrouter(catalogue, keys):
    targets = routes_of(model_get("qwen-turbo"))
    assert [(one.provider_slug, one.provider_model_id) for one in targets] == [
        ("qwen", "qwen-turbo"),
        ("openrouter", "qwen/qwen-turbo"),
    ]
    assert targets[0].headers == ()


def test_priority_decides_the_order_of_routes(catalogue, keys):
    Route.objects.filter(model__slug="qwen-turbo", provider__slug="openrouter").update(priority=1)
    assert [one.provider_slug for one in routes_of(model_get("qwen-turbo"))] == [
        "openrouter",
        "qwen",
    ]


def test_the_environments_base_url_wins_and_ends_emulation(catalogue, settings):
    settings.AI_EMULATOR_URL = "http://127.0.0.1:9"
    settings.PROVIDER_BASE_URLS = settings.PROVIDER_BASE_URLS | {
        "QWEN_BASE_URL": "http://127.0.0.1:7/v1"
    }
    [target] = [one for one in routes_of(model_get("qwen-turbo")) if one.provider_slug == "qwen"]
    assert (target.base_url, target.api_key, target.emulated) == (
        "http://127.0.0.1:7/v1",
        "",
        False,
    )


@pytest.mark.parametrize(
    ("slug", "path"),
    [
        ("openrouter", "/openrouter/api/v1"),
        ("qwen", "/dashscope/compatible-mode/v1"),
        ("openai", "/openai/v1"),
        ("anthropic", "/anthropic"),
    ],
)
def test_without_a_key_the_emulator_answers(catalogue, settings, slug, path):
    settings.AI_EMULATOR_URL = "http://127.0.0.1:9"
    settings.PROXY_HOST = "127.0.0.1"
    provider = Provider.objects.get(slug=slug)
    services.switch_on(provider)
    model = provider.routes.all()[0].model
    [target] = [one for one in routes_of(model_get(model.slug)) if one.provider_slug == slug]
    assert target.base_url == f"http://127.0.0.1:9{path}"
    assert target.emulated is True
    assert target.api_key
    assert target.proxy_url is None
    assert emulation_in_use() is True


def test_emulation_is_over_when_every_enabled_provider_has_its_key(catalogue, keys, settings):
    settings.AI_EMULATOR_URL = "http://127.0.0.1:9"
    assert emulation_in_use() is False
    settings.PROVIDER_KEYS = {**settings.PROVIDER_KEYS, "QWEN_API_KEY": ""}
    assert emulation_in_use() is True
    services.switch_off(Provider.objects.get(slug="qwen"), reason="out of credit")
    assert emulation_in_use() is False


def test_the_proxy_is_used_where_the_catalogue_says(catalogue, keys, settings):
    settings.PROXY_HOST, settings.PROXY_PORT = "10.0.0.1", 7890
    qwen, openrouter = routes_of(model_get("qwen-turbo"))
    assert qwen.proxy_url is None
    assert openrouter.proxy_url == "http://10.0.0.1:7890"
    settings.PROXY_USER, settings.PROXY_PASSWORD = "ann@b", "p:/ä"
    assert routes_of(model_get("gpt-4"))[0].proxy_url == (
        "http://ann%40b:p%3A%2F%C3%A4@10.0.0.1:7890"
    )


def test_switching_a_model_off_takes_it_out_with_the_reason(catalogue, keys):
    model = model_get("gpt-4")
    services.switch_off(model, reason="  being   checked ")
    assert availability(model_get("gpt-4")) == Availability(False, "being checked")
    assert routes_of(model_get("gpt-4")) == []
    services.switch_on(model)
    assert availability(model_get("gpt-4")).available
    assert AIModel.objects.get(slug="gpt-4").disabled_reason == ""


def test_switching_off_needs_a_reason(catalogue):
    model = model_get("gpt-4")
    with pytest.raises(InvalidInput):
        services.switch_off(model, reason="   ")
    assert AIModel.objects.get(slug="gpt-4").enabled is True


def test_switching_a_provider_off_leaves_the_other_route(catalogue, keys):
    services.switch_off(Provider.objects.get(slug="qwen"), reason="out of credit")
    assert [one.provider_slug for one in routes_of(model_get("qwen-turbo"))] == ["openrouter"]
    assert availability(model_get("qwen-32b-chat")) == Availability(False, "out of credit")


def test_switching_a_route_off_says_its_reason_when_it_is_the_last(catalogue, keys):
    services.switch_off(Route.objects.get(model__slug="gemini-pro"), reason="gone from the list")
    assert availability(model_get("gemini-pro")) == Availability(False, "gone from the list")


def test_switching_direct_openai_on_gives_gpt_4_two_routes(catalogue, keys, settings):
    settings.PROVIDER_KEYS = {**settings.PROVIDER_KEYS, "OPENAI_API_KEY": "k"}
    services.switch_on(Provider.objects.get(slug="openai"))
    assert [
        (one.provider_slug, one.provider_model_id) for one in routes_of(model_get("gpt-4"))
    ] == [("openrouter", "openai/gpt-4"), ("openai", "gpt-4")]


def test_a_model_without_routes_says_so(catalogue, keys):
    Route.objects.filter(model__slug="gpt-4").delete()
    assert availability(model_get("gpt-4")) == Availability(
        False, "no provider serves it at the moment"
    )


def test_fallbacks_come_in_order_and_only_available_ones(catalogue, keys):
    assert [model.slug for model in fallbacks_of(model_get("claude-3-opus"))] == [
        "gpt-4-turbo",
        "claude-3-sonnet",
        "qwen-vl-max",
    ]
    services.switch_off(model_get("gpt-4-turbo"), reason="x")
    AIModel.objects.filter(slug="claude-3-sonnet").update(vision=False)
    assert [model.slug for model in fallbacks_of(model_get("claude-3-opus"))] == ["qwen-vl-max"]


@pytest.mark.parametrize("slug", ["nope", "", "../etc", "x" * 9000, "a\x00b", "\ud800"])
def test_an_unknown_model_is_not_found(catalogue, slug):
    with pytest.raises(NotFound):
        model_get(slug)


def test_listing_costs_a_fixed_number_of_queries(catalogue, keys, django_assert_num_queries):
    with django_assert_num_queries(2):
        models_listed()
    with django_assert_num_queries(2):
        routes_of(model_get("gpt-4"))


def test_a_key_variable_the_settings_do_not_know_is_read_from_the_environment(
    catalogue, monkeypatch
):
    provider = Provider.objects.get(slug="openai")
    provider.key_variable = "GROQ_API_KEY"
    provider.save()
    services.switch_on(provider)
    assert routes_of(model_get("gpt-4")) == []
    monkeypatch.setenv("GROQ_API_KEY", "canary-groq")
    assert [one.api_key for one in routes_of(model_get("gpt-4"))] == ["canary-groq"]
