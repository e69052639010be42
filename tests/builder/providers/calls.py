"""Short ways to make a call and look at its outcome."""

from __future__ import annotations

from typing import Any

import pytest

from builder.providers import (
    ChatRequest,
    Endpoint,
    Finished,
    Message,
    ProviderError,
    ProviderStream,
    StreamEvent,
    TextDelta,
    Usage,
    UsageReported,
    adapter_for,
)
from tests.builder.providers.wire import Dialect

API_KEY = "sk-secret-0123456789"
REQUEST = ChatRequest(
    model="asked/model",
    messages=(Message("system", "Be brief."), Message("user", "你好")),
    max_output_tokens=321,
)


def endpoint(dialect: Dialect, url: str, **changes: Any) -> Endpoint:
    options: dict[str, Any] = {"connect_timeout_seconds": 20.0, "read_timeout_seconds": 25.0}
    return Endpoint(dialect.base_url(url), API_KEY, **(options | changes))


def open_stream(
    dialect: Dialect, url: str, request: ChatRequest = REQUEST, **changes: Any
) -> ProviderStream:
    return adapter_for(dialect.name).open(endpoint(dialect, url, **changes), request)


def events(dialect: Dialect, url: str, **changes: Any) -> list[StreamEvent]:
    with open_stream(dialect, url, **changes) as stream:
        return list(stream)


def failure(dialect: Dialect, url: str, **changes: Any) -> ProviderError:
    """The error of a call that must fail."""
    seen, error = events_until_failure(dialect, url, **changes)
    assert not any(isinstance(event, Finished) for event in seen)
    return error


def events_until_failure(
    dialect: Dialect, url: str, **changes: Any
) -> tuple[list[StreamEvent], ProviderError]:
    seen: list[StreamEvent] = []
    with open_stream(dialect, url, **changes) as stream:
        try:
            for event in stream:
                seen.append(event)
        except ProviderError as error:
            return seen, error
    pytest.fail(f"no error, but {seen}")


def text_of(seen: list[StreamEvent]) -> str:
    return "".join(event.text for event in seen if isinstance(event, TextDelta))


def usages(seen: list[StreamEvent]) -> list[Usage]:
    return [event.usage for event in seen if isinstance(event, UsageReported)]
