"""Each provider's own errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builder.providers.calls import (
    events_until_failure,
    failure,
)
from tests.builder.providers.conftest import Serve
from tests.builder.providers.wire import (
    HEAD,
    LAST_CHUNK,
    AnthropicDialect,
    OpenAIDialect,
    chunk,
    response,
)

OPENAI = OpenAIDialect("openai_compatible")
OPENROUTER = OpenAIDialect("openrouter")
DASHSCOPE = OpenAIDialect("dashscope")
ANTHROPIC = AnthropicDialect()


def openrouter_error(status: int, headers: dict[str, str] | None = None, **error: Any) -> bytes:
    body = json.dumps({"error": {"code": status, **error}}).encode()
    return response(status, body, headers=headers)


@pytest.mark.parametrize(
    ("played", "code", "permanent", "account"),
    [
        (openrouter_error(402, message="Insufficient credits"), "payment_required", False, True),
        (
            openrouter_error(402, {"Retry-After": "7"}, message="In-flight budget"),
            "rate_limited",
            False,
            False,
        ),
        (
            openrouter_error(
                402, message="x", metadata={"limit_source": "openrouter_in_flight_budget"}
            ),
            "rate_limited",
            False,
            False,
        ),
        (
            openrouter_error(403, message="Flagged", metadata={"reasons": ["violence"]}),
            "refused",
            True,
            False,
        ),
        (openrouter_error(403, message="Key has no permission"), "unauthorized", False, True),
        (
            openrouter_error(
                400,
                message="Provider returned error",
                metadata={"provider_name": "X", "raw": '{"error": "prompt is too long: 9 > 8"}'},
            ),
            "context_too_long",
            True,
            False,
        ),
    ],
)
def test_openrouters_errors(
    serve: Serve, played: bytes, code: str, permanent: bool, account: bool
) -> None:
    error = failure(OPENROUTER, serve(played).url)
    assert (error.code, error.permanent, error.account) == (code, permanent, account)


@pytest.mark.parametrize(
    ("status", "told", "code", "permanent", "account"),
    [
        (429, "Throttling.RateQuota", "rate_limited", False, False),
        (429, "Throttling.AllocationQuota", "rate_limited", False, False),
        (429, "insufficient_quota", "rate_limited", False, False),
        (429, "limit_requests", "rate_limited", False, False),
        (400, "Arrearage", "payment_required", False, True),
        (403, "AllocationQuota.FreeTierOnly", "payment_required", False, True),
        (401, "InvalidApiKey", "unauthorized", False, True),
        (401, "invalid_api_key", "unauthorized", False, True),
        (403, "Model.AccessDenied", "unauthorized", False, True),
        (400, "DataInspectionFailed", "refused", True, False),
        (400, "data_inspection_failed", "refused", True, False),
        (404, "ModelNotFound", "not_found", False, False),
        (500, "InternalError.Algo", "server_error", False, False),
        (503, "ModelServingError", "unavailable", False, False),
        (400, "invalid_parameter_error", "bad_request", True, False),
    ],
)
def test_dashscopes_errors(
    serve: Serve, status: int, told: str, code: str, permanent: bool, account: bool
) -> None:
    played = response(status, DASHSCOPE.error_body(told, "as documented"))
    error = failure(DASHSCOPE, serve(played).url)
    assert (error.code, error.permanent, error.account) == (code, permanent, account)
    # The same code inside a stream, where there is no status to go by.
    body = DASHSCOPE.start() + DASHSCOPE.error_event(told, "as documented")
    if told != "invalid_parameter_error":
        error = failure(DASHSCOPE, serve(HEAD, chunk(body), LAST_CHUNK).url)
        assert (error.code, error.permanent, error.account) == (code, permanent, account)


@pytest.mark.parametrize(
    ("status", "told", "code", "account"),
    [
        (429, "insufficient_quota", "payment_required", True),
        (429, "rate_limit_exceeded", "rate_limited", False),
        (400, "context_length_exceeded", "context_too_long", False),
        (400, "content_policy_violation", "refused", False),
        (401, "invalid_api_key", "unauthorized", True),
        (404, "model_not_found", "not_found", False),
    ],
)
def test_openais_errors(serve: Serve, status: int, told: str, code: str, account: bool) -> None:
    error = failure(OPENAI, serve(response(status, OPENAI.error_body(told, "so"))).url)
    assert (error.code, error.account) == (code, account)


@pytest.mark.parametrize(
    ("status", "kind", "message", "code", "account"),
    [
        (400, "invalid_request_error", "max_tokens: too high", "bad_request", False),
        (400, "invalid_request_error", "Your credit balance is too low", "payment_required", True),
        (401, "authentication_error", "invalid x-api-key", "unauthorized", True),
        (402, "billing_error", "pay", "payment_required", True),
        (403, "permission_error", "no", "unauthorized", True),
        (404, "not_found_error", "model: x", "not_found", False),
        (413, "request_too_large", "big", "context_too_long", False),
        (429, "rate_limit_error", "slow", "rate_limited", False),
        (500, "api_error", "oops", "server_error", False),
        (504, "timeout_error", "late", "timeout", False),
        (529, "overloaded_error", "Overloaded", "unavailable", False),
    ],
)
def test_anthropics_errors(
    serve: Serve, status: int, kind: str, message: str, code: str, account: bool
) -> None:
    error = failure(ANTHROPIC, serve(response(status, ANTHROPIC.error_body(kind, message))).url)
    assert (error.code, error.account, error.status) == (code, account, status)
    if kind != "invalid_request_error":
        body = ANTHROPIC.start() + ANTHROPIC.error_event(kind, message)
        error = failure(ANTHROPIC, serve(HEAD, chunk(body), LAST_CHUNK).url)
        assert (error.code, error.account, error.status) == (code, account, None)


@pytest.mark.parametrize(
    "told",
    [
        b'event: error\ndata: {"code": "Throttling", "message": "slow", "request_id": "r"}\n\n',
        b'data: {"code": "Throttling.RateQuota", "message": "slow"}\n\n',
        b'data: {"object": "error", "code": "limit_requests", "message": "slow"}\n\n',
    ],
)
def test_an_error_without_wrapping_is_an_error(serve: Serve, told: bytes) -> None:
    body = DASHSCOPE.start() + DASHSCOPE.delta("x") + told
    error = events_until_failure(DASHSCOPE, serve(HEAD, chunk(body), LAST_CHUNK).url)[1]
    assert error.code == "rate_limited"
    assert "slow" in error.message


@pytest.mark.parametrize("words", ["Incorrect API key provided.", "Incorrect API key. " * 200])
def test_a_key_of_another_region_is_told_of_the_regions(serve: Serve, words: str) -> None:
    played = response(401, DASHSCOPE.error_body("invalid_api_key", words))
    error = failure(DASHSCOPE, serve(played).url)
    assert (error.code, error.account) == ("unauthorized", True)
    assert error.message.startswith("The provider failed with status 401: Incorrect API key")
    assert "dashscope.aliyuncs.com" in error.message
    assert "dashscope-intl.aliyuncs.com" in error.message
    assert error.message.endswith("(QWEN_BASE_URL).")
    assert len(error.message) <= 300
    # No other provider's key has a region.
    assert "region" not in failure(OPENROUTER, serve(played).url).message


@pytest.mark.parametrize(
    ("status", "code", "account"),
    [
        (400, "bad_request", False),
        (401, "unauthorized", True),
        (402, "payment_required", True),
        (403, "unauthorized", True),
        (408, "timeout", False),
        (429, "rate_limited", False),
        (500, "server_error", False),
        (502, "unavailable", False),
        (503, "unavailable", False),
        (524, "timeout", False),
        (529, "unavailable", False),
    ],
)
@pytest.mark.parametrize("inside", [False, True], ids=["status", "inside the stream"])
def test_openrouters_documented_statuses(
    serve: Serve, status: int, code: str, account: bool, inside: bool
) -> None:
    if inside:
        body = OPENROUTER.start() + OPENROUTER.delta("a") + OPENROUTER.error_event(status, "no")
        _seen, error = events_until_failure(OPENROUTER, serve(HEAD, chunk(body), LAST_CHUNK).url)
        assert error.status == status
    else:
        error = failure(OPENROUTER, serve(openrouter_error(status, message="no")).url)
    assert (error.code, error.account) == (code, account)
