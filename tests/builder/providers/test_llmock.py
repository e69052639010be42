"""The adapters against llmock, a stand-in for providers that none of us wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.providers import (
    ChatRequest,
    Endpoint,
    Finished,
    FinishReason,
    Message,
    ProviderError,
    ProviderStream,
    adapter_for,
)
from tests.builder.providers.calls import text_of, usages

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

REPLY = "index.html\n```html\n<h1>面包店 🙂</h1>\n```\n"


@pytest.fixture(params=[("openai_compatible", "openai"), ("anthropic", "anthropic")])
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    chosen: tuple[str, str] = request.param
    return chosen


def ask(llmock: LLMock, pair: tuple[str, str]) -> ProviderStream:
    adapter, provider = pair
    model = "claude-3-5-sonnet-20241022" if provider == "anthropic" else "gpt-4o"
    request = ChatRequest(
        model,
        (
            Message("system", "Answer with files."),
            Message("user", "Please make a site for a bakery in Berlin, with opening hours."),
        ),
        500,
    )
    endpoint = Endpoint(llmock.base_url(provider), "sk-any", read_timeout_seconds=20)
    return adapter_for(adapter).open(endpoint, request)


def failure(llmock: LLMock, pair: tuple[str, str]) -> ProviderError:
    with ask(llmock, pair) as stream, pytest.raises(ProviderError) as caught:
        list(stream)
    return caught.value


def test_an_answer_with_usage(llmock: LLMock, pair: tuple[str, str]) -> None:
    llmock.reply(REPLY)
    with ask(llmock, pair) as stream:
        seen = list(stream)
    assert text_of(seen) == REPLY
    usage = usages(seen)[-1]
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0
    assert seen[-1] == Finished(FinishReason.STOP)


def test_a_rate_limit(llmock: LLMock, pair: tuple[str, str]) -> None:
    llmock.rate_limit(retry_after=3)
    error = failure(llmock, pair)
    assert (error.code, error.retry_after_seconds) == ("rate_limited", 3.0)
    assert len(llmock.requests) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "bad_request"), (401, "unauthorized"), (500, "server_error"), (503, "unavailable")],
)
def test_a_failure(llmock: LLMock, pair: tuple[str, str], status: int, code: str) -> None:
    llmock.fail(status)
    error = failure(llmock, pair)
    assert (error.code, error.status) == (code, status)


def test_a_prompt_that_is_too_long(llmock: LLMock, pair: tuple[str, str]) -> None:
    llmock.context_overflow()
    assert failure(llmock, pair).code == "context_too_long"


def test_a_stream_cut_or_broken(llmock: LLMock, pair: tuple[str, str]) -> None:
    llmock.disconnect()
    assert failure(llmock, pair).code == "cut"
    llmock.truncate()
    assert failure(llmock, pair).code == "cut"
    llmock.corrupt()
    assert failure(llmock, pair).code == "bad_response"
