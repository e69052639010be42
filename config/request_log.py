"""One id and one log line per request; tasks carry on the id of the request that sent them."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.http import HttpRequest, HttpResponse

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
QUIET_PATHS = frozenset({"/healthz", "/readyz"})
logger = logging.getLogger("sitewright.request")


def request_log(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, the outermost: binds `request_id` for every line logged on the way.

    The id is the caller's X-Request-ID where that is sane, else a new one; it is sent back.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if SANE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = get_response(request)
            if request.path not in QUIET_PATHS or response.status_code >= 400:
                _log(request, response, time.perf_counter() - started)
        response.headers["X-Request-ID"] = request_id
        return response

    return middleware


def _log(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    # Without the query: it may hold what a link in a mail is worth. Without the person's name.
    level = logging.ERROR if response.status_code == 500 else logging.INFO
    facts = {
        "method": request.method,
        "path": request.path[:200],
        "status": response.status_code,
        "seconds": round(seconds, 4),
    }
    logger.log(level, "request", extra=facts)


@before_task_publish.connect
def _send_request_id(headers: dict[str, Any] | None = None, **_signal: Any) -> None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id and headers is not None:
        headers["request_id"] = request_id


@task_prerun.connect
def _bind_task(task_id: str = "", task: Any = None, **_signal: Any) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task_id=task_id)
    request_id = getattr(task.request, "request_id", None)
    if isinstance(request_id, str) and SANE_REQUEST_ID.fullmatch(request_id):
        structlog.contextvars.bind_contextvars(request_id=request_id)


@task_postrun.connect
def _unbind_task(**_signal: Any) -> None:
    structlog.contextvars.clear_contextvars()
