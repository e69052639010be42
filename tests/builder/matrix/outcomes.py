"""What a provider can do with a request, in bytes, and what a run must come to.

`play` gives the steps of the scripted provider. Nothing here comes from the code under test.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.builder.providers.servers import Step
from tests.builder.providers.wire import (
    HEAD,
    LAST_CHUNK,
    AnthropicDialect,
    Dialect,
    chunk,
    response,
    sse,
)

GIVEN, MADE = 1_234, 567
PAGE = "index.html\n```html\n<!doctype html><h1>{mark}</h1>\n```\n"
HALF = "index.html\n```html\n<!doctype html><h1>{mark}"
SECOND_HALF = "\nstyle.css\n```css\nbody{{color"
ALSO_SAYS = {  # in the stream, how each dialect tells that it failed in the middle
    "openai_compatible": "server_error",
    "openrouter": 502,
    "dashscope": "InternalError.Algo",
    "anthropic": "overloaded_error",
}


def usage_events(dialect: Dialect, shape: str, reason: str) -> bytes:
    """The finish and the usage around it, in one of four shapes."""
    if isinstance(dialect, AnthropicDialect):
        return _anthropic_end(dialect, shape, reason)
    usage = {"prompt_tokens": GIVEN, "completion_tokens": MADE, "total_tokens": GIVEN + MADE}
    half = {"prompt_tokens": GIVEN, "completion_tokens": 5, "total_tokens": GIVEN + 5}
    stop = [{"index": 0, "delta": {}, "finish_reason": reason}]

    def said(choices: list[Any], usage: Any) -> bytes:
        return sse({"id": "gen-1", "model": "m", "choices": choices, "usage": usage})

    return {
        "last": lambda: said(stop, None) + said([], usage),
        "with the finish": lambda: said(stop, usage),
        "growing": lambda: said([], half) + said(stop, half) + said([], usage) + said([], usage),
        "none": lambda: said(stop, None),
    }[shape]()


def _anthropic_end(dialect: AnthropicDialect, shape: str, reason: str) -> bytes:
    def said(stop: str | None, usage: dict[str, int] | None) -> bytes:
        data: dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": stop}}
        return sse(data | ({"usage": usage} if usage else {}), "message_delta")

    both = {"input_tokens": GIVEN, "output_tokens": MADE}
    return {
        "last": lambda: said(reason, None) + said(None, both),
        "with the finish": lambda: said(reason, {"output_tokens": MADE}),
        "growing": lambda: (
            said(None, {"output_tokens": 5})
            + said(reason, {"output_tokens": 9})
            + said(None, {"output_tokens": MADE})
        ),
        "none": lambda: said(reason, None),
    }[shape]()


def start(dialect: Dialect) -> bytes:
    if not isinstance(dialect, AnthropicDialect):
        return dialect.start()
    message = {"id": "gen-1", "model": "m", "content": []}
    usage = {"input_tokens": GIVEN, "output_tokens": 1}
    return sse({"type": "message_start", "message": {**message, "usage": usage}}, "message_start")


@dataclass(frozen=True)
class Cell:
    """One way to answer: the dialect, the shape of its usage, and a mark for the page's text."""

    dialect: Dialect
    shape: str
    mark: str

    def text(self, template: str) -> bytes:
        return self.dialect.delta(template.format(mark=self.mark))

    def end(self, reason: str) -> bytes:
        return usage_events(self.dialect, self.shape, reason) + self.dialect.end()

    def error_body(self, status: int) -> bytes:
        return self.dialect.error_body(f"status-{status}", "as it is")


@dataclass(frozen=True)
class Outcome:
    """`told`: of the message a person reads. `charged`: by usage, or nothing. `address`: where
    the provider is not where it should be. `settings`: deadlines, in seconds."""

    name: str
    play: Callable[[Cell], Sequence[Step]]
    code: str = ""
    told: str = ""
    charged: bool = False
    stores: bool = False
    attempts: int = 1
    address: str = ""
    settings: dict[str, float] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return "failed" if self.code else "succeeded"


def streamed(*parts: bytes) -> list[Step]:
    return [HEAD, chunk(b"".join(parts)), LAST_CHUNK]


def status(number: int, code: str, told: str, headers: dict[str, str] | None = None) -> Outcome:
    attempts = 2 if headers else 1
    name = f"{number} with Retry-After" if headers else str(number)
    return Outcome(
        name,
        lambda cell: [response(number, cell.error_body(number), headers=headers)],
        code,
        told,
        attempts=attempts,
    )


def nothing(_cell: Cell) -> list[Step]:
    return []


def _failing(cell: Cell) -> list[Step]:
    told = cell.dialect.error_event(ALSO_SAYS[cell.dialect.name], "it broke")
    return streamed(start(cell.dialect), cell.text(HALF), told)


def _stalled(cell: Cell) -> list[Step]:
    return [HEAD, chunk(start(cell.dialect) + cell.text(HALF)), *_signs_of_life(cell)]


def _silent(cell: Cell) -> list[Step]:
    return [HEAD, chunk(start(cell.dialect)), *_signs_of_life(cell)]


def _signs_of_life(cell: Cell) -> list[Step]:
    """Comments and nothing else, until the client leaves: it is not silence that ends it."""
    alive = chunk(cell.dialect.keep_alive())
    return [step for _each in range(500) for step in (alive, _short_pause)]


def _slow(cell: Cell) -> list[Step]:
    alive = chunk(cell.dialect.keep_alive())
    rest = chunk(cell.text(PAGE) + cell.end(cell.dialect.stop))
    return [HEAD, chunk(start(cell.dialect)), alive, _pause, alive, rest, LAST_CHUNK]


def _short_pause() -> None:
    time.sleep(0.02)


def _pause() -> None:

    time.sleep(0.1)


NO_KEY = "does not serve us at the moment; that is our problem"
BUSY = "is overloaded right now"
AWAY = "could not be reached or failed"

OUTCOMES = [
    Outcome(
        "stop",
        lambda c: streamed(start(c.dialect), c.text(PAGE), c.end(c.dialect.stop)),
        charged=True,
        stores=True,
    ),
    Outcome(
        "length, a whole file",
        lambda c: streamed(start(c.dialect), c.text(PAGE + SECOND_HALF), c.end(c.dialect.length)),
        charged=True,
        stores=True,
    ),
    Outcome(
        "length, no whole file",
        lambda c: streamed(start(c.dialect), c.text(HALF), c.end(c.dialect.length)),
        "truncated",
        "cut off before a whole file was finished",
    ),
    Outcome(
        "refusal",
        lambda c: streamed(start(c.dialect), c.text("No."), c.end(c.dialect.refusal)),
        "refused",
        "refused this request for safety reasons",
    ),
    Outcome("error object", _failing, "by dialect", AWAY),
    Outcome(
        "EOF, no whole file",
        lambda c: streamed(start(c.dialect), c.text(HALF)),
        "cut",
        "broke off before the end",
    ),
    Outcome(
        "EOF, a whole file",
        lambda c: streamed(start(c.dialect), c.text(PAGE + SECOND_HALF)),
        "cut",
        "broke off before the end",
        stores=True,
    ),
    Outcome(
        "stall with comments",
        _stalled,
        "idle_timeout",
        "fell silent for a minute and was stopped",
        settings={"RUN_IDLE_TIMEOUT_SECONDS": 0.1},
    ),
    Outcome(
        "no first token",
        _silent,
        "first_token_timeout",
        "did not begin to answer within two minutes",
        settings={"RUN_FIRST_TOKEN_TIMEOUT_SECONDS": 0.3},
    ),
    Outcome("slow first token", _slow, charged=True, stores=True),
    Outcome(
        "HTML page under 200",
        lambda c: [response(200, b"<html>Sign in to the wifi</html>", "text/html")],
        "bad_response",
        AWAY,
    ),
    Outcome(
        "HTML page under 502",
        lambda c: [response(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html")],
        "unavailable",
        AWAY,
    ),
    Outcome(
        "garbage JSON",
        lambda c: streamed(start(c.dialect), c.text(HALF), b'data: {"choices": [{]}\n\n'),
        "bad_response",
        AWAY,
    ),
    Outcome(
        "empty",
        lambda c: streamed(start(c.dialect), c.end(c.dialect.stop)),
        "empty",
        "gave an empty answer",
    ),
    status(401, "unauthorized", NO_KEY),
    status(402, "payment_required", NO_KEY),
    status(403, "unauthorized", NO_KEY),
    status(408, "timeout", "did not answer in time"),
    status(413, "context_too_long", "too long for this model"),
    status(429, "rate_limited", BUSY),
    status(429, "rate_limited", "None of the providers|overloaded", {"Retry-After": "0.05"}),
    status(500, "server_error", AWAY),
    status(502, "unavailable", AWAY),
    status(503, "unavailable", AWAY),
    Outcome("connect refused", nothing, "connect_failed", AWAY, address="refused"),
    Outcome("DNS failure", nothing, "dns_failed", AWAY, address="unknown name"),
    Outcome("TLS failure", nothing, "tls_failed", AWAY, address="untrusted"),
]
ERROR_OBJECT_CODES = {
    "openai_compatible": "server_error",
    "openrouter": "unavailable",
    "dashscope": "server_error",
    "anthropic": "unavailable",
}
SHAPES = ["last", "with the finish", "growing", "none"]
