"""Writes about a person's account that allauth does not do itself."""

from __future__ import annotations

import logging

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from accounts.models import User
from accounts.zones import validate_time_zone
from config.errors import InvalidInput

logger = logging.getLogger(__name__)
# How fresh "last seen" of a session is. Every request would be a database write.
SESSION_SEEN_EVERY_SECONDS = 300


def preferences_update(*, user: User, language: str, time_zone: str) -> None:
    """Sets language ("" follows the browser) and IANA time zone.

    Raises InvalidInput for a language we do not speak, ValidationError for an unknown zone.
    """
    validate_time_zone(time_zone)
    _require_language(language)
    user.language, user.time_zone = language, time_zone
    user.save(update_fields=["language", "time_zone"])


def language_choose(*, user: User, language: str) -> None:
    """Remembers the language chosen in the page's menu. Raises InvalidInput as above."""
    _require_language(language)
    user.language = language
    user.save(update_fields=["language"])


def session_seen(request: HttpRequest) -> None:
    """Notes that this session is in use, at most every five minutes."""
    key = request.session.session_key
    if not key:
        return
    try:
        fresh = cache.add(f"session-seen:{key}", 1, SESSION_SEEN_EVERY_SECONDS)
    except Exception as error:  # noqa: BLE001 - whatever the cache's client raises
        # Without the cache the page still works; only "last seen" waits.
        logger.warning("Session activity is not noted: %s", type(error).__name__)
        return
    if fresh:
        UserSession.objects.create_from_request(request)


def _require_language(language: str) -> None:
    if language and language not in dict(settings.LANGUAGES):
        raise InvalidInput(f"“{language[:16]}” is not a language of these pages.")
