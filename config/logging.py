"""Logs: one line per event on stderr, with request and run ids, without secrets.

Readable text with DEBUG, JSON without. Standard `logging` and structlog go the same way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import structlog

from config.redaction import Redactor

SHARED_PROCESSORS: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(allow=("seconds", "status", "method", "path", "user_id")),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


class RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Searches the finished line, traceback and all: whatever put a secret there."""

    def __init__(self, *, as_json: bool, secrets: Iterable[str]) -> None:
        super().__init__(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(as_json=as_json),
            ],
            foreign_pre_chain=list(SHARED_PROCESSORS),
        )
        self._redact = Redactor(secrets)

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


class OnlyExceptions(logging.Filter):
    """Lets stack traces through: which status was answered is in the request's own line."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.exc_info is not None


def _rendering(*, as_json: bool) -> list[Any]:
    if as_json:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # Without locals: they are where keys and people's words are.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)]


def logging_settings(*, debug: bool, secrets: Iterable[str]) -> dict[str, Any]:
    """Django's LOGGING. `secrets` are values that must never appear in a line."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    through_root = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"only_exceptions": {"()": "config.logging.OnlyExceptions"}},
        "formatters": {
            "line": {
                "()": "config.logging.RedactingFormatter",
                "as_json": not debug,
                "secrets": [secret for secret in secrets if secret],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {**through_root, "level": "INFO"},
            "django.server": through_root,
            "django.request": {**through_root, "filters": ["only_exceptions"]},
            "httpx": {"level": "WARNING"},
            "stripe": {"level": "WARNING"},
        },
    }
