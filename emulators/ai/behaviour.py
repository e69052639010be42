"""What the emulator can be told to do instead of answering well."""

from __future__ import annotations

import re
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

UsageShape = Literal[
    "normal", "missing", "null", "null_then_real", "on_finish", "repeated", "null_choices",
    "partial", "zero", "negative", "strings", "huge", "after_done",
]  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stall(_Strict):
    """A silence in the stream. No `seconds` means until the client goes away."""

    after_chars: int = Field(0, ge=0)
    seconds: float | None = Field(None, ge=0)
    comments: bool = True


class StreamError(_Strict):
    """An error told inside the stream, under the 200 that was already sent."""

    after_chars: int = Field(0, ge=0)
    status: int = Field(502, ge=400, le=599)
    message: str | None = None


class Garbage(_Strict):
    """Lines that are no JSON, put between the chunks."""

    after_chars: int = Field(0, ge=0)
    lines: int = Field(3, ge=1, le=1000)


class Behaviour(_Strict):
    """One set of departures from a good answer; what is not named stays normal."""

    # In place of a stream
    status: int | None = Field(None, ge=400, le=599)
    code: str | None = None
    message: str | None = None
    retry_after: float | str | None = None
    html: bool = False
    hang_up: bool = False
    # In the stream
    first_token_seconds: float | None = Field(None, ge=0)
    stall: Stall | None = None
    cut_after_chars: int | None = Field(None, ge=0)
    cut_after_bytes: int | None = Field(None, ge=0)
    cut_how: Literal["reset", "eof"] = "reset"
    error: StreamError | None = None
    garbage: Garbage | None = None
    usage: UsageShape = "normal"
    finish_reason: str | None = None
    no_finish: bool = False
    # What is said
    reply: str | None = None
    reply_as: Literal["prose", "edit_without_match", "broken_files"] | None = None
    refuse: bool = False
    content_filter: bool = False
    empty: bool = False
    length_after_chars: int | None = Field(None, ge=0)
    habits: dict[str, Any] | None = None
    # How fast
    chunk_chars: int | None = Field(None, ge=1)
    chunks_per_second: float | None = Field(None, gt=0)
    chunks: int | None = Field(None, ge=1, le=1_000_000)
    stamp: str | None = Field(None, min_length=11, max_length=40)
    keep_alive_seconds: float | None = Field(None, gt=0)


GOOD = Behaviour.model_validate({})

PRESETS: dict[str, dict[str, Any]] = {
    "cut": {"cut_after_chars": 600},
    "eof": {"cut_after_chars": 600, "cut_how": "eof"},
    "hang-up": {"hang_up": True},
    "stall": {"stall": {"after_chars": 400}},
    "stall-first": {"stall": {"after_chars": 0}},
    "pause": {"stall": {"after_chars": 400, "seconds": 5}},
    "slow": {"first_token_seconds": 8},
    "crawl": {"chunk_chars": 8, "chunks_per_second": 8},
    "error": {"error": {"after_chars": 600}},
    "overloaded": {"status": 503},
    "rate-limit": {"status": 429, "retry_after": 2},
    "payment": {"status": 402},
    "revoked": {"status": 401},
    "html": {"html": True, "status": 502},
    "garbage": {"garbage": {"after_chars": 200, "lines": 5}},
    "no-usage": {"usage": "missing"},
    "length": {"length_after_chars": 1200},
    "refuse": {"refuse": True},
    "filter": {"content_filter": True},
    "empty": {"empty": True},
    "prose": {"reply_as": "prose"},
    "bad-edit": {"reply_as": "edit_without_match"},
    "broken": {"reply_as": "broken_files"},
}

_TRIGGER = re.compile(r"\[emulate:\s*([^\]\n]{1,200})\]", re.IGNORECASE)


class BadTrigger(ValueError):
    """An [emulate: …] in a prompt that means nothing here; the message says which part."""


def strip_triggers(text: str) -> str:
    """The request without its [emulate: …] marks: what the site is about."""
    return _TRIGGER.sub("", text).strip()


def behaviour_from_prompt(text: str, *, provider: str, model: str) -> Behaviour | None:
    """The behaviour asked for by [emulate: …] in a request, or None.

    A mark holds a preset's name or a status code, then `field=value` settings; with
    `provider=` or `model=` it counts only there. Raises BadTrigger on anything else.
    """
    for match in _TRIGGER.finditer(text):
        fields, scope = _read_trigger(match.group(1))
        if scope.get("provider", provider) != provider or scope.get("model", model) != model:
            continue
        try:
            return Behaviour.model_validate(fields)
        except ValidationError as error:
            raise BadTrigger(describe(error)) from error
    return None


def _read_trigger(words: str) -> tuple[dict[str, Any], dict[str, str]]:
    fields: dict[str, Any] = {}
    scope: dict[str, str] = {}
    for word in words.replace(",", " ").split():
        name, equals, value = word.partition("=")
        if name in ("provider", "model") and equals:
            scope[name] = value
        elif equals:
            fields[name] = _value(value)
        elif name.isdigit():
            fields["status"] = int(name)
        elif name.lower() in PRESETS:
            fields |= PRESETS[name.lower()]
        else:
            raise BadTrigger(f"no behaviour is called {name!r}; known: {', '.join(PRESETS)}")
    return fields, scope


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def describe(error: ValidationError) -> str:
    """A validation error in one line: where, and what was expected."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'body'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    )
