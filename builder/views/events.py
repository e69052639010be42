"""The event stream of a run: authorised like any other request, then relayed on the event loop."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.api_auth import api_auth
from accounts.models import User
from builder.selectors.runs import run_get
from builder.services.gate import request_gate
from builder.streaming.sse import events_response
from config.errors import DomainError, InvalidInput, problem_response

OFFSET_MAX = 2**31 - 1


@request_gate.held()
def run_events(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """GET: text/event-stream from `?after=` or Last-Event-ID. Errors are problem+json."""
    if request.method != "GET":
        response = problem_response(405, code="method_not_allowed", detail="Use GET.")
        response["Allow"] = "GET"
        return response
    try:
        after = _offset(request)
        if not api_auth(request):
            return problem_response(
                401, code="unauthenticated", detail="Sign in first, then open the stream again."
            )
        run = run_get(user=cast(User, request.user), run_id=run_id)
    except DomainError as error:
        return problem_response(
            error.status, code=error.code, detail=error.message, title=error.title
        )
    finally:
        # The stream may last half an hour: the connection is for others meanwhile.
        connections.close_all()
    return events_response(run, after=after)


def _offset(request: HttpRequest) -> int:
    raw = request.headers.get("Last-Event-ID") or request.GET.get("after") or "0"
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 10 and int(raw) <= OFFSET_MAX):
        raise InvalidInput("The offset to resume from must be a whole number from 0.")
    return int(raw)
