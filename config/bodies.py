"""How large a request's body may be: refused by its length, before anything reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from config.errors import problem_response

# Where pictures come in: as files, or inside JSON as data: URLs.
_WITH_PICTURES = re.compile(
    r"/api/(?:estimates|sites/[^/]+/(?:runs|pictures))|/sites/(?:new|[^/]+/runs)/"
)


@sync_and_async_middleware
def body_limits(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: 413 for more than an address takes. Before whatever reads `request.POST`, as the
    check of the CSRF token does: that would take in a file of any size."""
    if iscoroutinefunction(get_response):

        async def amiddleware(request: HttpRequest) -> HttpResponseBase:
            refusal = _refusal(request)
            return refusal or await get_response(request)

        return amiddleware

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return _refusal(request) or get_response(request)

    return middleware


def body_max_bytes(request: HttpRequest) -> int:
    """What a body at this address may have."""
    if not _WITH_PICTURES.fullmatch(request.path_info):
        return settings.BODY_MAX_BYTES
    if request.content_type == "multipart/form-data":
        return settings.UPLOAD_BODY_MAX_BYTES
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def _refusal(request: HttpRequest) -> HttpResponseBase | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    most_bytes = body_max_bytes(request)
    if not length.isascii() or not length.isdigit() or int(length[:20]) <= most_bytes:
        return None
    return problem_response(
        413,
        code="too_large",
        detail=f"The request body is larger than {most_bytes // (1024 * 1024)} MB."
        " Nothing was done or charged.",
    )
