"""Fields that staff add to the requests of one route, such as OpenRouter's preferences."""

from __future__ import annotations

from typing import Any

from builder.providers.types import ChatRequest

#: What would change who answers, how often or how long: the price is quoted for one answer of
#: one model within `max_tokens`. https://openrouter.ai/docs/api_reference/parameters
REFUSED_OPTIONS = frozenset({"n", "models", "route", "max_completion_tokens"})


def options_of(request: ChatRequest) -> dict[str, Any]:
    """The request's options, to begin its body with: what comes after them wins."""
    return {name: value for name, value in request.options.items() if name not in REFUSED_OPTIONS}
