"""What goes into and comes out of a provider client.

Plain frozen values: no Django, no database, no user, no tokens of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import TracebackType
from typing import Any, Literal, Protocol, Self

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class ImagePart:
    """A picture sent with a message; `data` is the encoded file, not base64.

    `tokens`: the input tokens it is counted as where the provider does not say.
    """

    media_type: str
    data: bytes = field(repr=False)
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation; images come before the text on the wire."""

    role: Role
    text: str
    images: tuple[ImagePart, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What to ask: `model` is the provider's own id, `max_output_tokens` a hard limit.

    `options` are further fields of the request's body (OpenRouter's `provider` preferences, for
    instance). They never replace what is set here or what metering needs.
    """

    model: str
    messages: tuple[Message, ...]
    max_output_tokens: int
    temperature: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how to reach a provider.

    `headers` are sent as they are (OpenRouter's `HTTP-Referer` and `X-Title`, for instance).
    `read_timeout_seconds` bounds the silence between two bytes, comments included; deadlines
    that count content belong to the caller. `ca_bundle` is a path to PEM certificates to
    trust in place of the built-in list.
    """

    base_url: str
    api_key: str = field(repr=False)
    proxy_url: str | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 120.0
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them. `cost_usd` is what the provider charges us."""

    input_tokens: int
    output_tokens: int
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: Decimal | None = None


class FinishReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Started:
    """The provider began to answer; `model` is the one that answers, if it says so."""

    generation_id: str | None
    model: str | None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Text to append; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Usage so far. A later one replaces an earlier one; they are never added up."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a stream that ended as it should."""

    reason: FinishReason


StreamEvent = Started | TextDelta | UsageReported | Finished


class ProviderStream(Protocol):
    """One request under way. Nothing is sent before the first event is asked for."""

    @property
    def generation_id(self) -> str | None:
        """The provider's id of this generation, once known (OpenRouter: from the headers)."""
        ...

    def __iter__(self) -> Iterator[StreamEvent]:
        """The events, once. Raises ProviderError and nothing else."""
        ...

    def abort(self) -> None:
        """End the stream from any thread, at any time.

        A reader that waits ends at once with ProviderError code "aborted".
        """
        ...

    def close(self) -> None:
        """Free the connection; may be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class ProviderAdapter(Protocol):
    """Speaks one provider's dialect. Stateless: one object serves all threads."""

    @property
    def name(self) -> str: ...

    def open(self, endpoint: Endpoint, request: ChatRequest) -> ProviderStream:
        """A lazy stream for `request`; connects on first iteration, raises nothing itself."""
        ...
