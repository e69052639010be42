"""What only one provider does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from builder.providers import (
    ChatRequest,
    Finished,
    FinishReason,
    ProviderError,
    Started,
    StreamEvent,
    Usage,
)
from tests.builder.providers.calls import (
    events,
    events_until_failure,
    failure,
    open_stream,
    text_of,
    usages,
)
from tests.builder.providers.conftest import Serve
from tests.builder.providers.wire import (
    HEAD,
    LAST_CHUNK,
    AnthropicDialect,
    Dialect,
    OpenAIDialect,
    chunk,
    response,
    sse,
)

OPENAI = OpenAIDialect("openai_compatible")
OPENROUTER = OpenAIDialect("openrouter")
DASHSCOPE = OpenAIDialect("dashscope")
ANTHROPIC = AnthropicDialect()


def play(serve: Serve, dialect: Dialect, *parts: object) -> list[StreamEvent]:
    body = b"".join(part if isinstance(part, bytes) else sse(part) for part in parts)
    return events(dialect, serve(HEAD, chunk(body), LAST_CHUNK).url)


def choice(delta: Any = None, reason: Any = None, **more: Any) -> dict[str, Any]:
    inner = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": reason}
    return {"id": "gen-1", "model": "m", "choices": [inner], **more}


def test_openrouter_names_the_generation_in_a_header(serve: Serve) -> None:
    head = HEAD.replace(b"Transfer", b"X-Generation-Id: gen-from-header\r\nTransfer")
    body = OPENROUTER.start() + OPENROUTER.finish("stop") + OPENROUTER.end()
    with open_stream(OPENROUTER, serve(head, chunk(body), LAST_CHUNK).url) as stream:
        known_before = stream.generation_id
        assert next(iter(stream)) == Started("gen-from-header", "answering-model")
        assert (known_before, stream.generation_id) == (None, "gen-from-header")
    with open_stream(DASHSCOPE, serve(head, chunk(body), LAST_CHUNK).url) as stream:
        assert next(iter(stream)) == Started("gen-1", "answering-model")


def test_openrouter_reports_cost_and_native_counts(serve: Serve) -> None:
    usage = {
        "prompt_tokens": 194,
        "completion_tokens": 20,
        "total_tokens": 214,
        "cost": 0.00014,
        "prompt_tokens_details": {"cached_tokens": 100},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    seen = play(serve, OPENROUTER, choice({"content": "x"}, "stop"), choice(usage=usage), b"")
    assert usages(seen) == [Usage(194, 20, 5, 100, Decimal("0.00014"))]


def test_openrouter_tells_an_error_under_200_with_its_status(serve: Serve) -> None:
    body = OPENROUTER.start() + OPENROUTER.error_event(429, "Rate limited upstream")
    error = failure(OPENROUTER, serve(HEAD, chunk(body), LAST_CHUNK).url)
    assert (error.code, error.status, error.permanent) == ("rate_limited", 429, False)


def test_usage_in_the_chunk_of_an_error_is_reported_before_it(serve: Serve) -> None:
    told = choice({"content": ""}, "error", error={"code": 502, "message": "gone"})
    told["usage"] = {"prompt_tokens": 3, "completion_tokens": 4}
    body = OPENROUTER.start() + sse(told)
    seen, error = events_until_failure(OPENROUTER, serve(HEAD, chunk(body), LAST_CHUNK).url)
    assert usages(seen) == [Usage(3, 4)]
    assert error.code == "unavailable"


@pytest.mark.parametrize(
    "chunks",
    [
        [choice({"content": "x"}), choice({}, "stop"), {"choices": [], "usage": "REAL"}],
        [choice({"content": "x"}), choice({}, "stop"), choice({}, None, usage="REAL")],
        [
            choice({"content": "x"}),
            choice({}, "stop", usage=None),
            {"choices": [], "usage": "REAL"},
        ],
        [choice({"content": "x"}), choice({}, "stop", usage="REAL")],
        [choice({"content": "x"}, "stop", usage="REAL"), {"choices": [], "usage": "REAL"}],
        [choice({"content": "x"}), {"choices": None, "usage": "REAL"}, choice({}, "stop")],
    ],
    ids=["apart", "finish null", "null first", "on finish", "repeated", "choices null"],
)
@pytest.mark.parametrize("done", [b"data: [DONE]\n\n", b"data: [DONE]", b""])
@pytest.mark.parametrize("dialect", [OPENAI, OPENROUTER, DASHSCOPE], ids=lambda d: d.name)
def test_every_known_place_for_usage_is_read_once(
    serve: Serve, dialect: OpenAIDialect, chunks: list[dict[str, Any]], done: bytes
) -> None:
    real = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
    parts = [c | {"usage": real} if c.get("usage") == "REAL" else c for c in chunks]
    seen = play(serve, dialect, *parts, done)
    assert text_of(seen) == "x"
    assert usages(seen) == [Usage(5, 6)]
    assert seen[-1] == Finished(FinishReason.STOP)


def test_done_without_a_finish_is_an_end_for_unknown_reasons(serve: Serve) -> None:
    seen = play(serve, OPENAI, choice({"content": "x"}), b"data: [DONE]\n\n")
    assert seen[-1] == Finished(FinishReason.UNKNOWN)


def test_openais_refusal_is_a_content_filter(serve: Serve) -> None:
    seen = play(serve, OPENAI, choice({"refusal": "I can not"}), choice({}, "stop"))
    assert seen[-1] == Finished(FinishReason.CONTENT_FILTER)
    assert text_of(seen) == ""


def test_thinking_is_no_text(serve: Serve) -> None:
    seen = play(
        serve,
        DASHSCOPE,
        choice({"reasoning_content": "hmm", "content": None}),
        choice({"reasoning": "hmm", "content": ""}),
        choice({"content": "x"}, "stop"),
    )
    assert text_of(seen) == "x"
    thinking = {"type": "thinking_delta", "thinking": "hmm"}
    delta = {"type": "content_block_delta", "index": 0, "delta": thinking}
    seen = play(
        serve,
        ANTHROPIC,
        ANTHROPIC.start(),
        delta,
        ANTHROPIC.delta("x"),
        ANTHROPIC.finish("end_turn"),
    )
    assert text_of(seen) == "x"


def test_content_in_parts_is_joined(serve: Serve) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}, 7]
    assert text_of(play(serve, OPENAI, choice({"content": parts}, "stop"))) == "ab"


def test_an_emoji_cut_in_two_becomes_whole_again(serve: Serve) -> None:
    """Servers that cut UTF-16 strings send half a pair in each of two chunks."""
    raw = [
        b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\ude42b"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\ude42c"}}]}\n\n',
        b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    ]
    seen = play(serve, OPENAI, *raw)
    assert text_of(seen) == "a🙂b�c"


def test_anthropics_cached_input_is_input(serve: Serve) -> None:
    usage = {
        "input_tokens": 4,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 30,
        "output_tokens": 1,
    }
    start = {"type": "message_start", "message": {"id": "i", "model": "m", "usage": usage}}
    seen = play(serve, ANTHROPIC, start, ANTHROPIC.finish("end_turn", (0, 9)), ANTHROPIC.end())
    assert usages(seen) == [Usage(134, 9, None, 100)]


def test_anthropics_input_survives_a_zero_in_message_delta(serve: Serve) -> None:
    usage = {"input_tokens": 0, "output_tokens": 9}
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
    assert usages(play(serve, ANTHROPIC, ANTHROPIC.start(), delta)) == [Usage(11, 9)]


def test_the_placeholder_in_message_start_is_no_usage(serve: Serve) -> None:
    body = ANTHROPIC.start() + ANTHROPIC.delta("a long answer")
    seen, error = events_until_failure(ANTHROPIC, serve(HEAD, chunk(body), LAST_CHUNK).url)
    assert error.code == "cut"
    assert usages(seen) == []


def test_anthropic_events_of_later_days_are_passed_over(serve: Serve) -> None:
    seen = play(
        serve,
        ANTHROPIC,
        ANTHROPIC.start(),
        {"type": "weather_report", "delta": {"text": "rain"}},
        ANTHROPIC.delta("x"),
        ANTHROPIC.finish("end_turn"),
        ANTHROPIC.end(),
    )
    assert text_of(seen) == "x"


def test_anthropics_temperature_stays_in_its_range(serve: Serve) -> None:
    server = serve(response(500, b""))
    request = ChatRequest("m", (), 5, temperature=1.7)
    with open_stream(ANTHROPIC, server.url, request) as stream, pytest.raises(ProviderError):
        list(stream)
    assert server.received[0].json["temperature"] == 1.0
