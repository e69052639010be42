"""Clients for AI providers: one request in, a stream of events out.

    adapter = adapter_for("openrouter")
    with adapter.open(endpoint, request) as stream:
        for event in stream:
            ...

See docs/providers.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from builder.providers.anthropic import AnthropicAdapter
from builder.providers.errors import ErrorCode, ProviderError
from builder.providers.generations import usage_lookup_for
from builder.providers.openai_compatible import (
    DASHSCOPE,
    OPENAI,
    OPENROUTER,
    OpenAICompatibleAdapter,
)
from builder.providers.types import (
    ChatRequest,
    Endpoint,
    Finished,
    FinishReason,
    ImagePart,
    Message,
    ProviderAdapter,
    ProviderStream,
    Started,
    StreamEvent,
    TextDelta,
    Usage,
    UsageReported,
)

__all__ = [
    "ADAPTERS",
    "ChatRequest",
    "Endpoint",
    "ErrorCode",
    "FinishReason",
    "Finished",
    "ImagePart",
    "Message",
    "ProviderAdapter",
    "ProviderError",
    "ProviderStream",
    "Started",
    "StreamEvent",
    "TextDelta",
    "Usage",
    "UsageReported",
    "adapter_for",
    "usage_lookup_for",
]

#: Every adapter by the name a catalogue row uses.
ADAPTERS: Mapping[str, ProviderAdapter] = MappingProxyType(
    {
        adapter.name: adapter
        for adapter in (
            OpenAICompatibleAdapter(OPENAI),
            OpenAICompatibleAdapter(OPENROUTER),
            OpenAICompatibleAdapter(DASHSCOPE),
            AnthropicAdapter(),
        )
    }
)


def adapter_for(name: str) -> ProviderAdapter:
    """The adapter called `name`. Raises KeyError, naming the known ones."""
    try:
        return ADAPTERS[name]
    except KeyError:
        raise KeyError(f"no provider adapter {name!r}; known: {', '.join(ADAPTERS)}") from None
