"""What follows a failed attempt. Pure: no clock, no database, no network.

Only asked before the first content: a second model's text is never appended to a first one's.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from builder.providers.errors import ProviderError
from builder.providers.types import FinishReason

# Longer, and a person would rather be told than kept waiting.
RETRY_AFTER_MOST_SECONDS: Final = 5.0

# The network between us and the provider: whatever model is asked, it would fail.
NETWORK_CODES: Final = frozenset({"connect_failed", "dns_failed", "tls_failed", "proxy_failed"})
# The fault of the provider or of its way to the model, beside the network.
SERVICE_CODES: Final = frozenset(
    {"server_error", "unavailable", "timeout", "cut", "bad_response", "empty"}
)
# Of the one route only: too busy for this model, or without it.
ROUTE_CODES: Final = frozenset({"rate_limited", "not_found"})
FAULT_CODES: Final = NETWORK_CODES | SERVICE_CODES | ROUTE_CODES


class Move(Enum):
    """STOP: the run ends with this failure. NEXT: the next route. AGAIN: the same, after a wait."""

    STOP = "stop"
    NEXT = "next"
    AGAIN = "again"


def failure_without_content(
    error: ProviderError | None, finish: FinishReason | None
) -> ProviderError | None:
    """What went wrong in an attempt that gave no content; None for a refusal that was said
    politely, which is an answer."""
    if error is not None:
        return error
    if finish is None:
        return ProviderError("cut", "The answer ended before it began.")
    if finish == FinishReason.ERROR:
        return ProviderError("server_error", "The provider ended the answer with an error.")
    if finish == FinishReason.CONTENT_FILTER:
        return None
    return ProviderError("empty", "The answer had no content.")


def move_after(error: ProviderError, *, others: bool, waited: bool) -> Move:
    """others: whether the plan has routes left. waited: whether the run has waited once."""
    if error.permanent:
        return Move.STOP
    if others:
        return Move.NEXT
    # A wait that is not told is not known to help: then the person decides when to try again.
    wait = error.retry_after_seconds
    if (
        error.code == "rate_limited"
        and not waited
        and wait is not None
        and wait <= RETRY_AFTER_MOST_SECONDS
    ):
        return Move.AGAIN
    return Move.NEXT
