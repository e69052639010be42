"""What every adapter does with an answer, over real HTTP."""

from __future__ import annotations

import gzip
import threading
import zlib

import pytest

from builder.providers import (
    ADAPTERS,
    ChatRequest,
    Finished,
    FinishReason,
    ImagePart,
    Message,
    ProviderError,
    Started,
    TextDelta,
    Usage,
    adapter_for,
)
from tests.builder.providers.calls import (
    API_KEY,
    endpoint,
    events,
    events_until_failure,
    open_stream,
    text_of,
    usages,
)
from tests.builder.providers.conftest import Serve
from tests.builder.providers.servers import Stall
from tests.builder.providers.wire import (
    HEAD,
    LAST_CHUNK,
    Dialect,
    OpenAIDialect,
    chunk,
    response,
    sse,
)

STREAM = "text/event-stream"


def answer(dialect: Dialect, *texts: str) -> bytes:
    deltas = b"".join(dialect.delta(text) for text in texts)
    return dialect.start() + deltas + dialect.finish(dialect.stop) + dialect.end()


def test_there_is_a_dialect_for_every_adapter(dialect: Dialect) -> None:
    assert dialect.name in ADAPTERS
    assert len(ADAPTERS) == 4
    assert adapter_for(dialect.name).name == dialect.name


def test_an_unknown_adapter_is_told_by_name() -> None:
    with pytest.raises(KeyError, match="no provider adapter 'gemini'"):
        adapter_for("gemini")


def test_an_answer_comes_as_its_events_in_order(dialect: Dialect, serve: Serve) -> None:
    server = serve(HEAD, chunk(answer(dialect, "Hello, ", "世界 🙂")), LAST_CHUNK)
    seen = events(dialect, server.url)
    assert seen[0] == Started("gen-1", "answering-model")
    # What arrives together is handed out together.
    assert seen[1] == TextDelta("Hello, 世界 🙂")
    assert usages(seen) == [Usage(11, 7)]
    assert seen[-1] == Finished(FinishReason.STOP)


def test_text_is_handed_out_before_the_next_byte_is_sent(dialect: Dialect, serve: Serve) -> None:
    """The server sends the second delta only after the first one has come out."""
    go = threading.Event()
    rest = dialect.delta("two") + dialect.finish(dialect.stop) + dialect.end()
    server = serve(HEAD, chunk(dialect.start() + dialect.delta("one")), go, chunk(rest), LAST_CHUNK)
    seen = []
    with open_stream(dialect, server.url) as stream:
        for event in stream:
            if event == TextDelta("one"):
                go.set()
            seen.append(event)
    assert text_of(seen) == "onetwo"


def test_nothing_is_sent_before_the_first_event_is_asked_for(
    dialect: Dialect, serve: Serve
) -> None:
    server = serve(HEAD, chunk(answer(dialect, "x")), LAST_CHUNK)
    stream = open_stream(dialect, server.url)
    assert not server.connected.wait(0.2)
    stream.close()
    assert not server.connected.is_set()


def test_the_bytes_of_an_answer_may_be_split_anywhere(dialect: Dialect, serve: Serve) -> None:
    body = answer(dialect, "é世🙂", "\u2028 end")
    server = serve(HEAD, *(chunk(body[i : i + 1]) for i in range(len(body))), LAST_CHUNK)
    assert text_of(events(dialect, server.url)) == "é世🙂\u2028 end"


@pytest.mark.parametrize("framing", ["length", "until close", "no content type", "gzip"])
def test_other_framings_of_the_body_are_read_too(
    dialect: Dialect, serve: Serve, framing: str
) -> None:
    body = answer(dialect, "framed")
    played = {
        "length": response(200, body, STREAM),
        "until close": b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + body,
        "no content type": response(200, body, ""),
        "gzip": response(200, gzip.compress(body), STREAM, {"Content-Encoding": "gzip"}),
    }[framing]
    seen = events(dialect, serve(played).url)
    assert text_of(seen) == "framed"
    assert seen[-1] == Finished(FinishReason.STOP)


def test_a_compressed_answer_is_handed_out_as_it_arrives(dialect: Dialect, serve: Serve) -> None:
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(dialect.start() + dialect.delta("one"))
    first += packer.flush(zlib.Z_SYNC_FLUSH)
    rest = packer.compress(dialect.finish(dialect.stop) + dialect.end()) + packer.flush()
    go = threading.Event()
    head = HEAD.replace(b"Transfer", b"Content-Encoding: gzip\r\nTransfer")
    server = serve(head, chunk(first), go, chunk(rest), LAST_CHUNK)
    with open_stream(dialect, server.url) as stream:
        for event in stream:
            if event == TextDelta("one"):
                go.set()
    assert event == Finished(FinishReason.STOP)
    assert go.is_set()


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("refusal", FinishReason.CONTENT_FILTER),
        ("never heard of", FinishReason.UNKNOWN),
    ],
)
def test_the_reason_to_finish_is_translated(
    dialect: Dialect, serve: Serve, reason: str, expected: FinishReason
) -> None:
    told = getattr(dialect, reason, reason)
    body = dialect.start() + dialect.delta("x") + dialect.finish(told) + dialect.end()
    assert events(dialect, serve(HEAD, chunk(body), LAST_CHUNK).url)[-1] == Finished(expected)


def test_an_answer_without_text_finishes_without_text(dialect: Dialect, serve: Serve) -> None:
    seen = events(dialect, serve(HEAD, chunk(answer(dialect)), LAST_CHUNK).url)
    assert text_of(seen) == ""
    assert seen[-1] == Finished(FinishReason.STOP)


def test_signs_of_life_are_no_content(dialect: Dialect, serve: Serve) -> None:
    alive = dialect.keep_alive()
    body = alive + dialect.start() + alive + dialect.delta("x") + alive
    body += dialect.finish(dialect.stop) + alive + dialect.end()
    seen = events(dialect, serve(HEAD, chunk(body), LAST_CHUNK).url)
    assert [type(event).__name__ for event in seen] == [
        "Started",
        "TextDelta",
        "UsageReported",
        "Finished",
    ]


def test_the_last_usage_wins_and_none_is_added_up(dialect: Dialect, serve: Serve) -> None:
    body = dialect.start() + dialect.delta("x") + dialect.usage(11, 3) + dialect.usage(11, 5)
    body += dialect.finish(dialect.stop, (11, 9)) + dialect.end()
    seen = events(dialect, serve(HEAD, chunk(body), LAST_CHUNK).url)
    assert usages(seen)[-1] == Usage(11, 9)
    assert Usage(11, 17) not in usages(seen)


def test_usage_that_is_missing_is_not_made_up(dialect: Dialect, serve: Serve) -> None:
    body = dialect.start() + dialect.delta("x") + dialect.finish(dialect.stop, None) + dialect.end()
    seen = events(dialect, serve(HEAD, chunk(body), LAST_CHUNK).url)
    assert usages(seen) == []
    assert seen[-1] == Finished(FinishReason.STOP)


@pytest.mark.parametrize("odd", [None, {}, [], "7", 3, {"output_tokens": -1}, {"total_tokens": 5}])
def test_odd_usage_is_left_out(dialect: Dialect, serve: Serve, odd: object) -> None:
    kind = "message_delta" if dialect.name == "anthropic" else "x"
    body = dialect.start() + sse({"type": kind, "choices": [], "delta": {}, "usage": odd})
    body += dialect.finish(dialect.stop, None) + dialect.end()
    seen = events(dialect, serve(HEAD, chunk(body), LAST_CHUNK).url)
    assert usages(seen) == []
    assert seen[-1] == Finished(FinishReason.STOP)


def test_the_request_says_what_was_asked(dialect: Dialect, serve: Serve) -> None:
    server = serve(HEAD, chunk(answer(dialect, "x")), LAST_CHUNK)
    headers = (("HTTP-Referer", "https://example.org"), ("X-Title", "Sitewright"))
    request = ChatRequest(
        "asked/model",
        (
            Message("system", "Be brief."),
            Message("user", "你好", (ImagePart("image/png", b"\x89PNG"),)),
            Message("assistant", "嗨"),
            Message("user", "", (ImagePart("image/webp", b"\x00"),)),
        ),
        321,
        temperature=0.5,
    )
    with open_stream(dialect, server.url, request, headers=headers) as stream:
        list(stream)
    sent = server.received[0]
    path = dialect.base_url("") + dialect.path
    assert sent.line == f"POST {path} HTTP/1.1"
    assert sent.headers["http-referer"] == "https://example.org"
    assert sent.headers["x-title"] == "Sitewright"
    assert sent.headers["content-type"] == "application/json"
    body = sent.json
    assert (body["model"], body["max_tokens"], body["stream"]) == ("asked/model", 321, True)
    assert body["temperature"] == 0.5
    if dialect.name == "anthropic":
        assert sent.headers["x-api-key"] == API_KEY
        assert sent.headers["anthropic-version"] == "2023-06-01"
        assert body["system"] == "Be brief."
        assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]
        source = {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
        assert body["messages"][0]["content"] == [
            {"type": "image", "source": source},
            {"type": "text", "text": "你好"},
        ]
        assert [part["type"] for part in body["messages"][2]["content"]] == ["image"]
    else:
        assert sent.headers["authorization"] == f"Bearer {API_KEY}"
        assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user"]
        assert body["messages"][1]["content"] == [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
            {"type": "text", "text": "你好"},
        ]
        assert body["messages"][2]["content"] == "嗨"
        if dialect.name == "openrouter":
            assert body["usage"] == {"include": True}
            assert "stream_options" not in body
        else:
            assert body["stream_options"] == {"include_usage": True}
            assert "usage" not in body


def test_options_are_sent_along_but_change_neither_limit_nor_metering(
    dialect: Dialect, serve: Serve
) -> None:
    server = serve(HEAD, chunk(answer(dialect, "x")), LAST_CHUNK)
    preferences = {"data_collection": "deny", "order": ["Together"]}
    options = {
        "provider": preferences,
        "top_p": 0.9,
        "max_tokens": 9999,
        "max_completion_tokens": 9999,
        "model": "another/model",
        "models": ["another/model"],
        "stream": False,
        "stream_options": None,
        "usage": None,
        "n": 4,
        "messages": [],
    }
    request = ChatRequest("asked/model", (Message("user", "hi"),), 321, options=options)
    with open_stream(dialect, server.url, request) as stream:
        assert text_of(list(stream)) == "x"
    body = server.received[0].json
    assert (body["provider"], body["top_p"]) == (preferences, 0.9)
    assert (body["model"], body["max_tokens"], body["stream"]) == ("asked/model", 321, True)
    assert [message["content"] for message in body["messages"]] == ["hi"]
    assert {"n", "models", "max_completion_tokens"} & body.keys() == set()
    if dialect.name == "openrouter":
        assert body["usage"] == {"include": True}
    elif dialect.name != "anthropic":
        assert body["stream_options"] == {"include_usage": True}


def test_a_base_address_may_end_in_a_slash_and_anthropics_in_its_version(serve: Serve) -> None:
    for base, name, path in (
        ("/v1/", "openai_compatible", "/v1/chat/completions"),
        ("/", "anthropic", "/v1/messages"),
        ("/v1", "anthropic", "/v1/messages"),
        ("/x/v1/", "anthropic", "/x/v1/messages"),
    ):
        server = serve(response(404, b"{}"))
        target = endpoint(OpenAIDialect("any"), server.url)
        target = type(target)(server.url + base, target.api_key)
        with (
            adapter_for(name).open(target, ChatRequest("m", (), 1)) as stream,
            pytest.raises(ProviderError),
        ):
            list(stream)
        assert server.received[0].line == f"POST {path} HTTP/1.1"


def test_leaving_early_closes_the_connection(dialect: Dialect, serve: Serve) -> None:
    server = serve(HEAD, chunk(dialect.start() + dialect.delta("x")), Stall())
    with open_stream(dialect, server.url) as stream:
        next(iter(stream))
    assert server.client_left.wait(20)


def test_one_adapter_serves_many_threads_at_once(dialect: Dialect, serve: Serve) -> None:
    servers = [serve(HEAD, chunk(answer(dialect, f"answer {n}")), LAST_CHUNK) for n in range(12)]
    got: dict[int, str] = {}

    def ask(number: int) -> None:
        got[number] = text_of(events(dialect, servers[number].url))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert got == {n: f"answer {n}" for n in range(12)}


def test_an_error_inside_the_stream_comes_after_the_text_before_it(
    dialect: Dialect, serve: Serve
) -> None:
    body = dialect.start() + dialect.delta("half") + dialect.error_event(dialect.overloaded, "busy")
    seen, error = events_until_failure(dialect, serve(HEAD, chunk(body), LAST_CHUNK).url)
    assert text_of(seen) == "half"
    assert (error.code, error.permanent, error.account) == ("unavailable", False, False)
    assert "busy" in error.message
