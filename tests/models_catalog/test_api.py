"""GET /api/models: exactly the contract's fields, and nothing that is ours alone."""

from __future__ import annotations

import pytest

from models_catalog import services
from models_catalog.models import AIModel, Provider
from models_catalog.selectors import model_get

pytestmark = pytest.mark.django_db

FIELDS = {
    "id",
    "name",
    "maker",
    "provider",
    "tokenCost",
    "billingUnit",
    "inputWeight",
    "vision",
    "contextWindow",
    "maxOutputTokens",
    "tagline",
    "available",
    "unavailableReason",
}


def listed(client) -> dict[str, dict[str, object]]:
    response = client.get("/api/models")
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"models"}
    return {model["id"]: model for model in body["models"]}


def test_anyone_may_list_the_models_in_order(client, catalogue, keys):
    models = listed(client)
    assert list(models) == list(AIModel.objects.values_list("slug", flat=True))
    assert all(set(model) == FIELDS for model in models.values())
    assert models["gpt-4"] == {
        "id": "gpt-4",
        "name": "GPT-4",
        "maker": "OpenAI",
        "provider": "OpenRouter",
        "tokenCost": 8,
        "billingUnit": "per_token",
        "inputWeight": 0.5,
        "vision": False,
        "contextWindow": 8191,
        "maxOutputTokens": 4096,
        "tagline": "Most capable",
        "available": True,
        "unavailableReason": None,
    }


def test_an_unavailable_model_stays_listed_with_the_reason(client, catalogue, keys):
    services.switch_off(model_get("gpt-4"), reason="being checked")
    services.switch_off(Provider.objects.get(slug="qwen"), reason="out of credit")
    models = listed(client)
    assert (models["gpt-4"]["available"], models["gpt-4"]["unavailableReason"]) == (
        False,
        "being checked",
    )
    assert models["qwen-32b-chat"]["unavailableReason"] == "out of credit"
    assert (models["qwen-turbo"]["available"], models["qwen-turbo"]["provider"]) == (
        True,
        "OpenRouter",
    )


def test_keys_addresses_and_ids_of_providers_never_leave(client, catalogue, keys, settings):
    settings.PROXY_HOST, settings.PROXY_PASSWORD, settings.PROXY_USER = "proxyhost", "canary", "u"
    text = client.get("/api/models").content.decode()
    for secret in ("canary", "http", "proxyhost", "API_KEY", "qwen1.5", "anthropic/"):
        assert secret not in text


def test_an_empty_catalogue_is_an_empty_list(client, db):
    assert listed(client) == {}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_list_can_only_be_read(client, catalogue, method):
    assert getattr(client, method)("/api/models").status_code == 405
