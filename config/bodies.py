"""How large a request's body may be: refused by its length, before anything reads it.

A body whose length nobody told (`Transfer-Encoding: chunked`) is measured while it is read, and no
more of it is read than shows that it is too large; then it has a length, and is refused by it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable
from typing import IO, Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from config.errors import problem_response

# Where pictures come in: as files, or inside JSON as data: URLs.
_WITH_PICTURES = re.compile(
    r"/api/(?:estimates|sites/[^/]+/(?:runs|pictures))|/sites/(?:new|[^/]+/runs)/"
)

PIECE_BYTES = 64 * 1024


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


def body_max_bytes(path: str, content_type: str) -> int:
    """What a body at this address may have. content_type: the header, with its parameters."""
    if not _WITH_PICTURES.fullmatch(path):
        return settings.BODY_MAX_BYTES
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return settings.UPLOAD_BODY_MAX_BYTES
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def _refusal(request: HttpRequest) -> HttpResponseBase | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    most_bytes = body_max_bytes(request.path_info, request.META.get("CONTENT_TYPE", ""))
    if not length.isascii() or not length.isdigit() or int(length[:20]) <= most_bytes:
        return None
    return problem_response(
        413,
        code="too_large",
        detail=f"The request body is larger than {most_bytes // (1024 * 1024)} MB."
        " Nothing was done or charged.",
    )


def spooled() -> IO[bytes]:
    """A body: in memory while it is small, then in a file without a name."""
    return tempfile.SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE, mode="w+b")


def wsgi_measured(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The application, given a length for bodies that came without one.

    Only where the server says that its input ends by itself, as gunicorn's does. Django would take
    such a body for an empty one.
    """

    def measured(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH") or not environ.get("wsgi.input_terminated"):
            return application(environ, start_response)
        most_bytes = body_max_bytes(environ.get("PATH_INFO", ""), environ.get("CONTENT_TYPE", ""))
        given = environ["wsgi.input"]
        # Closed by itself once nobody reads it: an answer may be written after this has returned.
        body = spooled()
        while body.tell() <= most_bytes and (piece := given.read(PIECE_BYTES)):
            body.write(piece)
        environ |= {"CONTENT_LENGTH": str(body.tell()), "wsgi.input": body}
        body.seek(0)
        return application(environ, start_response)

    return measured
