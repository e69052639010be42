"""How many pictures a person may have us look at in a minute.

Counted in the cache, not by rows: what is refused, or there already, costs the same to look at.
While Redis is away nobody is refused; it is a limit, not money.
"""

from __future__ import annotations

import logging

import redis
from django.core.cache import cache
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from builder.selectors.limits import Limits
from config.errors import TooManyRequests

logger = logging.getLogger(__name__)

MINUTE_SECONDS = 60


def upload_admit(*, owner_id: int, limits: Limits, now_seconds: float) -> None:
    """Count one picture in the minute of the clock that it is. Raises TooManyRequests where it is
    one too many. now_seconds: since the epoch."""
    most = limits.uploads_per_minute
    if most == 0:
        raise TooManyRequests(
            _("Pictures are switched off for your account. Nothing was stored. Write to us."),
            code="pictures_off",
        )
    minute, second = divmod(int(now_seconds), MINUTE_SECONDS)
    if _counted(f"uploads:{owner_id}:{minute}") > most:
        raise TooManyRequests(
            ngettext(
                "You can attach %(limit)d picture a minute. Nothing was stored. Wait a minute.",
                "You can attach %(limit)d pictures a minute. Nothing was stored. Wait a minute.",
                most,
            )
            % {"limit": most},
            code="too_many_uploads_a_minute",
            retryAfterSeconds=MINUTE_SECONDS - second,
        )


def _counted(key: str) -> int:
    """How often this was called with the key, now included; 0 where that is not known."""
    try:
        # Kept for two minutes, so that it can not go between the two steps.
        cache.add(key, 0, 2 * MINUTE_SECONDS)
        return cache.incr(key)
    except (redis.RedisError, ValueError) as error:
        logger.warning("Uploads are not counted: %s", type(error).__name__)
        return 0
