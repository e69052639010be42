"""The one error family. Services raise these; the edges (pages, API) translate them once."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, JsonResponse


class DomainError(Exception):
    """Something a person asked for cannot be done, and they can be told why.

    code: machine-readable, stable. status: the HTTP status at the edge.
    message: one or two sentences for a person: what happened, what it cost, the next step.
    extra: further members of the problem+json body (camelCase keys, JSON values).
    """

    code = "error"
    status = 400
    title = "The request could not be carried out"

    def __init__(self, message: str, *, code: str | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.extra = extra


class InvalidInput(DomainError):
    code = "invalid_input"
    status = 422
    title = "Something in the request is not valid"


class NotFound(DomainError):
    code = "not_found"
    status = 404
    title = "Not found"


class Conflict(DomainError):
    code = "conflict"
    status = 409
    title = "The request conflicts with what is already there"


class Forbidden(DomainError):
    code = "forbidden"
    status = 403
    title = "Not allowed"


class TooLarge(DomainError):
    code = "too_large"
    status = 413
    title = "Too large"


class TooManyRequests(DomainError):
    code = "too_many_requests"
    status = 429
    title = "Too many requests"


class Unavailable(DomainError):
    code = "unavailable"
    status = 503
    title = "Not available right now"


class PaymentRequired(DomainError):
    code = "insufficient_tokens"
    status = 402
    title = "Not enough tokens"


def problem_response(
    status: int, *, code: str, detail: str, title: str = "", **extra: Any
) -> HttpResponse:
    """An `application/problem+json` answer (RFC 9457) with our stable `code`."""
    body = {
        "type": f"/help/#{code}",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **extra,
    }
    return JsonResponse(body, status=status, content_type="application/problem+json")
