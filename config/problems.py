"""Every refusal below /api/ in the API's own form, whoever made it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from config.errors import problem_response

_PROBLEMS = {
    400: ("bad_request", "The request could not be understood. Nothing was done or charged."),
    403: ("forbidden", "The CSRF token is missing or old. Nothing was done: reload the page."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address takes another method. Nothing was done or charged."),
    413: ("too_large", "The request body is larger than 2 MB. Nothing was done or charged."),
    429: ("too_many_requests", "Too many requests. Nothing was charged. Try again in a minute."),
}
_OURS = ("internal_error", "Something broke on our side. Nothing was charged. Try again.")
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")


@sync_and_async_middleware
def api_problems(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: Django, its middleware and ninja answer some refusals with pages or plain text
    (a missing CSRF token, a wrong method, a crash); programs get application/problem+json."""
    if iscoroutinefunction(get_response):

        async def amiddleware(request: HttpRequest) -> HttpResponseBase:
            answer: Awaitable[HttpResponseBase] = get_response(request)
            return _as_problem(request, await answer)

        return amiddleware

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return _as_problem(request, get_response(request))

    return middleware


def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    status = response.status_code
    if status < 400 or not request.path_info.startswith("/api/"):
        return response
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        return response
    if status >= 500:
        code, detail = _OURS
    else:
        code, detail = _PROBLEMS.get(status, ("error", "The request was refused."))
    problem: HttpResponse = problem_response(status, code=code, detail=detail)
    for name in _KEPT_HEADERS:
        if name in response.headers:
            problem.headers[name] = response.headers[name]
    return problem
