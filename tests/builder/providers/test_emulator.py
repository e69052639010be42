"""The same adapters against the emulated providers that the embedded default runs on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from builder.providers import (
    ChatRequest,
    Endpoint,
    Finished,
    FinishReason,
    Message,
    ProviderError,
    ProviderStream,
    Started,
    StreamEvent,
    adapter_for,
)
from emulators.ai.testing import EmulatorClient, emulator
from tests.builder.providers.calls import text_of, usages

#: (adapter, provider of the emulator, a model it has)
ROUTES = [
    ("openrouter", "openrouter", "anthropic/claude-3-haiku"),
    ("dashscope", "dashscope", "qwen-turbo"),
    ("openai_compatible", "openai", "gpt-4"),
    ("anthropic", "anthropic", "claude-3-haiku-20240307"),
]
REPLY = "Vorher 世界 🙂 " + "naïve — “quoted”\r\n\ttext\u2028\x7f " * 60 + "end"


@pytest.fixture(scope="module")
def running() -> Iterator[EmulatorClient]:
    with emulator(pace=0.0) as client:
        yield client


@pytest.fixture
def ai(running: EmulatorClient) -> EmulatorClient:
    running.reset()
    return running


@pytest.fixture(params=ROUTES, ids=lambda route: route[0])
def route(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    chosen: tuple[str, str, str] = request.param
    return chosen


def open_route(
    ai: EmulatorClient, route: tuple[str, str, str], text: str = "A site for a bakery"
) -> ProviderStream:
    adapter, provider, model = route
    request = ChatRequest(
        model,
        (Message("system", "Write files."), Message("user", f"<request>\n{text}\n</request>")),
        20_000,
    )
    return adapter_for(adapter).open(Endpoint(ai.base_url(provider), "sk-anything"), request)


def read(stream: ProviderStream) -> tuple[list[StreamEvent], ProviderError | None]:
    seen: list[StreamEvent] = []
    try:
        with stream:
            for event in stream:
                seen.append(event)
    except ProviderError as error:
        return seen, error
    return seen, None


def test_a_site_comes_with_usage_and_a_finish(
    ai: EmulatorClient, route: tuple[str, str, str]
) -> None:
    seen, error = read(open_route(ai, route))
    assert error is None
    assert isinstance(seen[0], Started)
    assert seen[0].generation_id
    assert "index.html" in text_of(seen)
    usage = usages(seen)[-1]
    assert usage.input_tokens > 5
    assert usage.output_tokens > 100
    assert (usage.cost_usd is not None) == (route[0] == "openrouter")
    assert seen[-1] == Finished(FinishReason.STOP)


def test_every_character_arrives(ai: EmulatorClient, route: tuple[str, str, str]) -> None:
    ai.rule({"reply": REPLY, "chunk_chars": 7})
    seen, error = read(open_route(ai, route))
    assert error is None
    assert text_of(seen) == REPLY


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ({"status": 400}, "bad_request"),
        ({"status": 401}, "unauthorized"),
        ({"status": 402}, "payment_required"),
        ({"status": 404}, "not_found"),
        ({"status": 408}, "timeout"),
        ({"status": 413}, "context_too_long"),
        ({"status": 429}, "rate_limited"),
        ({"status": 500}, "server_error"),
        ({"status": 503}, "unavailable"),
        ({"status": 502, "html": True}, "unavailable"),
        ({"hang_up": True}, "cut"),
        ({"cut_after_chars": 300, "cut_how": "eof"}, "cut"),
        ({"cut_after_chars": 300, "cut_how": "reset"}, "cut"),
        ({"no_finish": True, "cut_after_chars": 300, "cut_how": "eof"}, "cut"),
        ({"garbage": {"after_chars": 100, "lines": 2}}, "bad_response"),
    ],
    ids=str,
)
def test_misbehaviour_becomes_its_error(
    ai: EmulatorClient, route: tuple[str, str, str], behaviour: dict[str, Any], code: str
) -> None:
    ai.rule(behaviour)
    seen, error = read(open_route(ai, route))
    assert error is not None, seen[-3:]
    assert error.code == code
    assert not any(isinstance(event, Finished) for event in seen)
    assert ai.calls(route[1]) == 1  # and the client has not tried again


def test_an_error_inside_the_stream(ai: EmulatorClient, route: tuple[str, str, str]) -> None:
    ai.rule({"error": {"after_chars": 200, "status": 502}})
    seen, error = read(open_route(ai, route))
    assert error is not None
    assert error.code in ("unavailable", "server_error")
    assert len(text_of(seen)) >= 200


def test_retry_after_is_read(ai: EmulatorClient, route: tuple[str, str, str]) -> None:
    ai.rule({"status": 429, "retry_after": 3})
    _, error = read(open_route(ai, route))
    assert error is not None
    assert error.retry_after_seconds == 3.0


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ({"length_after_chars": 300}, FinishReason.LENGTH),
        ({"content_filter": True}, FinishReason.CONTENT_FILTER),
    ],
    ids=str,
)
def test_other_reasons_to_finish(
    ai: EmulatorClient,
    route: tuple[str, str, str],
    behaviour: dict[str, Any],
    reason: FinishReason,
) -> None:
    ai.rule(behaviour)
    seen, error = read(open_route(ai, route))
    assert error is None or error.code == "refused"
    if error is None:
        assert seen[-1] == Finished(reason)


@pytest.mark.parametrize(
    "shape",
    [
        "normal",
        "missing",
        "null",
        "null_then_real",
        "on_finish",
        "repeated",
        "null_choices",
        "partial",
        "zero",
        "negative",
        "strings",
        "huge",
        "after_done",
    ],
)
def test_usage_of_any_shape_leaves_the_answer_whole(
    ai: EmulatorClient, route: tuple[str, str, str], shape: str
) -> None:
    ai.rule({"usage": "normal", "reply": REPLY}, times=1)
    normal, _ = read(open_route(ai, route))
    ai.clear_rules()
    ai.rule({"usage": shape, "reply": REPLY})
    seen, error = read(open_route(ai, route))
    assert error is None
    assert text_of(seen) == REPLY
    assert isinstance(seen[-1], Finished)
    last = usages(seen)[-1] if usages(seen) else None
    if shape in ("normal", "null_then_real", "on_finish", "repeated", "null_choices"):
        assert last == usages(normal)[-1]
    elif shape in ("missing", "null"):
        assert last is None
    else:
        assert last is None or last.output_tokens < 1_000_000


def test_an_empty_answer_finishes(ai: EmulatorClient, route: tuple[str, str, str]) -> None:
    ai.rule({"empty": True})
    seen, error = read(open_route(ai, route))
    assert error is None
    assert text_of(seen) == ""
    assert isinstance(seen[-1], Finished)


def test_a_stall_with_comments_is_ended_by_abort(
    ai: EmulatorClient, route: tuple[str, str, str]
) -> None:
    ai.rule({"stall": {"after_chars": 100}, "keep_alive_seconds": 0.05})
    stream = open_route(ai, route)
    outcome: list[tuple[list[StreamEvent], ProviderError | None]] = []
    reader = threading.Thread(target=lambda: outcome.append(read(stream)), daemon=True)
    reader.start()
    reader.join(1.0)
    assert reader.is_alive()
    stream.abort()
    reader.join(10)
    seen, error = outcome[0]
    assert error is not None
    assert error.code == "aborted"
    assert len(text_of(seen)) >= 100
