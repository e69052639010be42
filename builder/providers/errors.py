"""The one error that leaves a provider client."""

from __future__ import annotations

from typing import Literal

ErrorCode = Literal[
    "bad_request",
    "context_too_long",
    "refused",
    "unauthorized",
    "payment_required",
    "not_found",
    "rate_limited",
    "server_error",
    "unavailable",
    "connect_failed",
    "tls_failed",
    "dns_failed",
    "proxy_failed",
    "timeout",
    "aborted",
    "cut",
    "bad_response",
    "empty",
]

#: Of `ProviderError.message`.
MAX_MESSAGE_CHARACTERS = 300

#: The request itself is at fault, or was withdrawn: no other route would do better.
PERMANENT_CODES: frozenset[ErrorCode] = frozenset(
    {"bad_request", "context_too_long", "refused", "aborted"}
)


class ProviderError(Exception):
    """A provider call that failed.

    `permanent` is about the request: it would fail on every other route too. `account` is
    about us: our key is refused or our credit is gone, so staff must act and the route
    should be taken out; the person who asked has done nothing wrong. `status` is the HTTP
    status, if one was read. `retry_after_seconds` is what the provider asked for.
    `message` is short, on one line, and holds no key, no credentials and no whole body.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        permanent: bool | None = None,
        status: int | None = None,
        retry_after_seconds: float | None = None,
        account: bool = False,
    ) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
        self.permanent = code in PERMANENT_CODES if permanent is None else permanent
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.account = account

    def add_hint(self, hint: str) -> None:
        """Say after the provider's own words what else may be the reason, within the cap."""
        self.message = f"{self.message[: MAX_MESSAGE_CHARACTERS - len(hint) - 1]} {hint}"

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def __repr__(self) -> str:
        return (
            f"ProviderError({self.code!r}, {self.message!r}, permanent={self.permanent}, "
            f"status={self.status}, retry_after_seconds={self.retry_after_seconds}, "
            f"account={self.account})"
        )
