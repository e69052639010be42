"""What every adapter makes of what goes wrong, over real HTTP."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from builder.providers import (
    ChatRequest,
    Endpoint,
    Finished,
    FinishReason,
    Message,
    ProviderError,
    adapter_for,
)
from tests.builder.providers.calls import (
    API_KEY,
    REQUEST,
    events,
    events_until_failure,
    failure,
    open_stream,
    text_of,
    usages,
)
from tests.builder.providers.conftest import Serve
from tests.builder.providers.servers import Reset, Stall, Step, closed_port, deaf_port
from tests.builder.providers.wire import HEAD, LAST_CHUNK, Dialect, chunk, response, sse

STREAM = "text/event-stream"

#: status → code, permanent, account; the same for every provider where the body says nothing.
BY_STATUS = [
    (400, "bad_request", True, False),
    (401, "unauthorized", False, True),
    (402, "payment_required", False, True),
    (403, "unauthorized", False, True),
    (404, "not_found", False, False),
    (407, "proxy_failed", False, False),
    (408, "timeout", False, False),
    (413, "context_too_long", True, False),
    (418, "bad_request", True, False),
    (422, "bad_request", True, False),
    (429, "rate_limited", False, False),
    (451, "refused", True, False),
    (500, "server_error", False, False),
    (502, "unavailable", False, False),
    (503, "unavailable", False, False),
    (504, "timeout", False, False),
    (529, "unavailable", False, False),
    (599, "server_error", False, False),
]


@pytest.mark.parametrize(("status", "code", "permanent", "account"), BY_STATUS)
@pytest.mark.parametrize("body", ["json", "html", "empty", "garbage"])
def test_a_status_becomes_its_error(
    dialect: Dialect,
    serve: Serve,
    status: int,
    code: str,
    permanent: bool,
    account: bool,
    body: str,
) -> None:
    played = {
        "json": response(status, dialect.error_body(None, "Something odd")),
        "html": response(status, b"<html><h1>Bad day</h1></html>", "text/html"),
        "empty": response(status, b"", ""),
        "garbage": response(status, b"\xff\xfe{[" * 50, "application/json"),
    }[body]
    error = failure(dialect, serve(played).url)
    assert (error.code, error.permanent, error.account) == (code, permanent, account)
    assert error.status == status
    assert error.retry_after_seconds is None
    assert str(status) in error.message
    assert "Bad day" not in error.message


def test_retry_after_is_passed_on(dialect: Dialect, serve: Serve) -> None:
    played = response(429, dialect.error_body(None, "slow"), headers={"Retry-After": "2.5"})
    error = failure(dialect, serve(played).url)
    assert (error.code, error.retry_after_seconds) == ("rate_limited", 2.5)


@pytest.mark.parametrize(
    "text",
    [
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 9 + 9 > 10",
        "Range of input length should be [1, 6000]",
        "Input is too long for requested model.",
        "the request exceeds the available context size. try increasing the context size",
        "The input token count (40000) exceeds the maximum number of tokens allowed (32768).",
    ],
)
def test_a_prompt_that_is_too_long_is_told_apart(dialect: Dialect, serve: Serve, text: str) -> None:
    error = failure(dialect, serve(response(400, dialect.error_body(None, text))).url)
    assert (error.code, error.permanent) == ("context_too_long", True)


CUTS: dict[str, list[Step]] = {
    "clean end": [LAST_CHUNK],
    "closed": [],
    "reset": [Reset()],
    "chunk cut short": [b"64\r\ndata: {"],
    "event cut short": [chunk(b'data: {"id": "gen-1", "choi'), LAST_CHUNK],
}


@pytest.mark.parametrize("ending", CUTS)
def test_an_end_before_the_finish_is_a_cut(dialect: Dialect, serve: Serve, ending: str) -> None:
    server = serve(HEAD, chunk(dialect.start() + dialect.delta("half")), *CUTS[ending])
    seen, error = events_until_failure(dialect, server.url)
    # A reset may overtake the text that was sent before it.
    assert text_of(seen) == "half" or ending == "reset"
    assert (error.code, error.permanent) == ("cut", False)


def test_a_body_shorter_than_announced_is_a_cut(dialect: Dialect, serve: Serve) -> None:
    played = response(200, dialect.start() + dialect.delta("half") + b" " * 50, STREAM)[:-50]
    assert failure(dialect, serve(played).url).code == "cut"


# Not a reset: it may overtake the finish that was sent before it.
@pytest.mark.parametrize("ending", sorted(CUTS.keys() - {"reset"}))
def test_an_end_after_the_finish_is_no_cut(dialect: Dialect, serve: Serve, ending: str) -> None:
    body = dialect.start() + dialect.delta("all") + dialect.finish(dialect.stop)
    seen = events(dialect, serve(HEAD, chunk(body), *CUTS[ending]).url)
    assert text_of(seen) == "all"
    assert usages(seen)[-1].output_tokens == 7
    assert seen[-1] == Finished(FinishReason.STOP)


def test_silence_after_the_finish_is_waited_out_only_shortly(
    dialect: Dialect, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.providers.streaming._AFTER_FINISH_SECONDS", 0.2)
    body = dialect.start() + dialect.delta("all") + dialect.finish(dialect.stop)
    seen = events(dialect, serve(HEAD, chunk(body), Stall()).url, read_timeout_seconds=3600)
    assert seen[-1] == Finished(FinishReason.STOP)


@pytest.mark.parametrize(
    ("played", "words"),
    [
        (response(200, b"<!doctype html><p>Log in", "text/html"), "without a stream"),
        (response(200, b'{"choices": []}'), "without a stream"),
        (response(200, b"\xff\xfe", "application/octet-stream"), "without a stream"),
        (response(204, b"", ""), "without a stream"),
        (response(202, b"data: {}\n\n", STREAM), "without a stream"),
        (response(200, b"data: {nonsense\n\n", STREAM), "broken JSON"),
        (response(200, b'data: {"choices": "\xff"}\n\n', STREAM), "broken JSON"),
        (response(200, b'data: {"choices": "\\ud83"}\n\n', STREAM), "broken JSON"),
        (response(200, b"data: " + b"[" * 200_000 + b"\n\n", STREAM), "broken JSON"),
        (response(200, b"data: [1, 2]\n\n", STREAM), "no event"),
        (response(200, b"data: 7\n\n", STREAM), "no event"),
        (response(200, b"data: " + b"x" * 9_000_000 + b"\n\n", STREAM), "more than 8388608"),
        (response(200, b"x" * 9_000_000, STREAM), "more than 8388608"),
        (response(200, b"not gzip", STREAM, {"Content-Encoding": "gzip"}), "encoding"),
        (response(302, b"", headers={"Location": "http://127.0.0.1:1/"}), "redirect"),
        (response(307, b"", headers={"Location": "https://example.org/"}), "redirect"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "not answer in HTTP"),
    ],
)
def test_what_is_no_stream_is_a_bad_response(
    dialect: Dialect, serve: Serve, played: bytes, words: str
) -> None:
    error = failure(dialect, serve(played).url)
    assert (error.code, error.permanent, error.account) == ("bad_response", False, False)
    assert words in error.message


def test_an_error_object_in_json_under_200_is_the_error_it_names(
    dialect: Dialect, serve: Serve
) -> None:
    body = dialect.error_body("rate_limit_exceeded", "Too many requests")
    error = failure(dialect, serve(response(200, body)).url)
    assert (error.code, error.status) == ("rate_limited", None)


@pytest.mark.parametrize("error", ["a text", 7, ["x"], {}, {"code": [], "message": {}}])
def test_an_error_of_any_shape_is_an_error(dialect: Dialect, serve: Serve, error: Any) -> None:
    body = sse({"type": "error", "error": error or {"x": 1}})
    found = failure(dialect, serve(HEAD, chunk(dialect.start() + body), LAST_CHUNK).url)
    assert found.code == "server_error"


def test_a_connection_refused(dialect: Dialect) -> None:
    error = failure(dialect, f"http://127.0.0.1:{closed_port()}")
    assert (error.code, error.permanent) == ("connect_failed", False)


def test_a_connection_that_is_never_made(dialect: Dialect) -> None:
    with deaf_port() as port:
        error = failure(dialect, f"http://127.0.0.1:{port}", connect_timeout_seconds=0.2)
    assert (error.code, error.permanent) == ("timeout", False)


def test_a_name_that_does_not_exist(dialect: Dialect) -> None:
    error = failure(dialect, "http://no-such-host.invalid", connect_timeout_seconds=3)
    assert (error.code, error.permanent) == ("dns_failed", False)


@pytest.mark.parametrize("steps", [[], [HEAD, b"1"]], ids=["no headers", "in the body"])
def test_silence_is_a_timeout(dialect: Dialect, serve: Serve, steps: list[Step]) -> None:
    error = failure(dialect, serve(*steps, Stall()).url, read_timeout_seconds=0.2)
    assert (error.code, error.permanent) == ("timeout", False)


@pytest.mark.parametrize("steps", [[], [Reset()]], ids=["closed", "reset"])
def test_a_connection_closed_without_an_answer_is_a_cut(
    dialect: Dialect, serve: Serve, steps: list[Step]
) -> None:
    assert failure(dialect, serve(*steps).url).code == "cut"


@pytest.mark.parametrize(
    "base",
    ["", "nonsense", "ftp://127.0.0.1", "http://", "http://[::1", "http://a b/", "http://x:y"],
)
def test_an_address_that_is_none_is_a_clear_error(dialect: Dialect, base: str) -> None:
    assert failure(dialect, base).code in ("connect_failed", "dns_failed")


@pytest.mark.parametrize("key", ["line\nbreak-of-key", "schlüssel-密钥-of-key"])
def test_a_key_that_can_not_be_sent_is_not_quoted(dialect: Dialect, serve: Serve, key: str) -> None:
    url = dialect.base_url(serve(response(500, b"")).url)
    stream = adapter_for(dialect.name).open(Endpoint(url, key), REQUEST)
    with pytest.raises(ProviderError) as caught:
        list(stream)
    assert caught.value.code == "connect_failed"
    assert "of-key" not in "".join(traceback.format_exception(caught.value))
    assert "key" not in caught.value.message.replace("address, key or headers", "")


def test_a_message_holds_neither_the_key_nor_a_whole_body(dialect: Dialect, serve: Serve) -> None:
    text = f"Incorrect API key provided: {API_KEY}. " + "你的密钥不对\n" * 3000
    error = failure(dialect, serve(response(401, dialect.error_body(None, text))).url)
    assert error.code == "unauthorized"
    assert API_KEY not in str(error) + repr(error)
    assert len(error.message) <= 300
    assert "\n" not in error.message


def test_an_error_body_that_never_ends_is_cut_off(
    dialect: Dialect, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.providers.streaming._ERROR_BODY_SECONDS", 0.2)
    head = b"HTTP/1.1 503 No\r\nContent-Type: text/plain\r\n\r\n"
    error = failure(dialect, serve(head, b"never", Stall()).url, read_timeout_seconds=3600)
    assert (error.code, error.status) == ("unavailable", 503)
    error = failure(dialect, serve(head, b"x" * 10_000_000).url)
    assert error.code == "unavailable"


def test_text_that_can_not_be_sent_is_a_bad_request(dialect: Dialect, serve: Serve) -> None:
    server = serve(response(500, b""))
    request = ChatRequest("m", (Message("user", "half a pair: \ud83d"),), 5)
    with open_stream(dialect, server.url, request) as stream, pytest.raises(ProviderError) as got:
        list(stream)
    assert (got.value.code, got.value.permanent) == ("bad_request", True)
    assert not server.connected.is_set()
