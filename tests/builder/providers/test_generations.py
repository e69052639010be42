"""Asking OpenRouter afterwards what an answer came to."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from builder.providers import Endpoint, ProviderError, Usage, usage_lookup_for
from builder.providers.generations import openrouter_generation
from tests.builder.providers.calls import API_KEY
from tests.builder.providers.conftest import Serve
from tests.builder.providers.servers import closed_port
from tests.builder.providers.wire import response

# As documented, without what is not read.
FACTS = {
    "id": "gen-3bhGkxlo4XFrqiabUM7NDtwDzWwG",
    "total_cost": 0.0015,
    "tokens_prompt": 9,
    "tokens_completion": 20,
    "native_tokens_prompt": 10,
    "native_tokens_completion": 25,
    "native_tokens_reasoning": 5,
    "native_tokens_cached": 3,
    "cancelled": True,
}


def endpoint(url: str) -> Endpoint:
    return Endpoint(
        f"{url}/api/v1", API_KEY, headers=(("X-Title", "Sitewright"),), read_timeout_seconds=20
    )


def told(facts: object) -> bytes:
    return response(200, json.dumps({"data": facts}).encode())


def test_the_models_own_tokens_and_our_cost_are_read(serve: Serve) -> None:
    server = serve(told(FACTS))
    usage = openrouter_generation(endpoint(server.url), "gen-a/b&c")
    assert usage == Usage(10, 25, 5, 3, Decimal("0.0015"))
    sent = server.received[0]
    assert sent.line == "GET /api/v1/generation?id=gen-a%2Fb%26c HTTP/1.1"
    assert sent.headers["authorization"] == f"Bearer {API_KEY}"
    assert sent.headers["x-title"] == "Sitewright"


@pytest.mark.parametrize(
    "facts",
    [
        None,
        [],
        {},
        {**FACTS, "native_tokens_prompt": None},
        {**FACTS, "id": 1} | {"native_tokens_completion": -1},
    ],
)
def test_a_record_without_counts_is_no_record(serve: Serve, facts: object) -> None:
    with pytest.raises(ProviderError) as caught:
        openrouter_generation(endpoint(serve(told(facts)).url), "gen-1")
    assert caught.value.code == "bad_response"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "unauthorized"),
        (402, "payment_required"),
        (404, "not_found"),
        (429, "rate_limited"),
        (500, "server_error"),
        (502, "unavailable"),
        (302, "bad_response"),
    ],
)
def test_a_refusal_is_named(serve: Serve, status: int, code: str) -> None:
    played = response(status, json.dumps({"error": {"code": status, "message": "no"}}).encode())
    with pytest.raises(ProviderError) as caught:
        openrouter_generation(endpoint(serve(played).url), "gen-1")
    assert caught.value.code == code


@pytest.mark.parametrize("body", [b"<html>", b"{", b"[]", b""])
def test_what_is_no_record_is_a_bad_response(serve: Serve, body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        openrouter_generation(endpoint(serve(response(200, body)).url), "gen-1")
    assert caught.value.code == "bad_response"


def test_a_provider_that_is_away_is_a_provider_error() -> None:
    with pytest.raises(ProviderError) as caught:
        openrouter_generation(endpoint(f"http://127.0.0.1:{closed_port()}"), "gen-1")
    assert caught.value.code == "connect_failed"


def test_a_key_that_can_not_be_sent_is_not_quoted(serve: Serve) -> None:
    bad = Endpoint(serve().url, "sk-secret\nnewline")
    with pytest.raises(ProviderError) as caught:
        openrouter_generation(bad, "gen-1")
    assert "secret" not in str(caught.value)


def test_only_openrouter_keeps_a_record() -> None:
    assert usage_lookup_for("openrouter") is openrouter_generation
    for name in ("dashscope", "anthropic", "openai_compatible"):
        assert usage_lookup_for(name) is None
