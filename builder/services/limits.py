"""Refusing what is above a person's limits, before anything is spent."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from builder.models import Run
from builder.selectors.limits import Limits
from config.errors import TooLarge, TooManyRequests
from config.prepared import PreparedSelect, slot

UNFINISHED = Q(state__in=[Run.State.QUEUED, Run.State.RUNNING])
MINUTE = timedelta(minutes=1)
# Far longer than a run may wait and last: older ones need not be looked at.
ACTIVE_AT_MOST = timedelta(hours=2)

_RECENT = Q(created_at__gt=slot(Run, "created_at", "minute_ago"))
_COUNTS = PreparedSelect(
    lambda: (
        Run.objects.filter(
            _RECENT | UNFINISHED,
            owner=slot(Run, "owner"),
            created_at__gt=slot(Run, "created_at", "active_since"),
        )
        .order_by()
        .values("owner")
        .annotate(active=Count("pk", filter=UNFINISHED), recent=Count("pk", filter=_RECENT))
        .values_list("active", "recent")
    )
)


def prompt_check(prompt: str, limits: Limits) -> None:
    """Raises TooLarge for a request with more bytes than the person may send."""
    if len(prompt.encode()) > limits.prompt_bytes:
        raise TooLarge(
            _("The request is longer than %(limit)d KB. Nothing was charged. Shorten it.")
            % {"limit": limits.prompt_bytes // 1024}
        )


def run_admit(*, owner_id: int, limits: Limits, now: datetime) -> None:
    """Raises TooManyRequests where another run would be one too many. One query.

    Exact where the caller holds a lock that all starts of this person take (the person's row).
    """
    counts = _COUNTS.rows(
        owner=owner_id, minute_ago=now - MINUTE, active_since=now - ACTIVE_AT_MOST
    )
    active, recent = counts[0] if counts else (0, 0)
    if active >= limits.concurrent_runs:
        raise _too_many_at_once(limits.concurrent_runs)
    if recent >= limits.runs_per_minute:
        raise TooManyRequests(
            ngettext(
                "You can start %(limit)d run a minute. Nothing was charged. Wait a minute.",
                "You can start %(limit)d runs a minute. Nothing was charged. Wait a minute.",
                limits.runs_per_minute,
            )
            % {"limit": limits.runs_per_minute},
            code="too_many_runs_a_minute",
            retryAfterSeconds=60,
        )


def _too_many_at_once(limit: int) -> TooManyRequests:
    if limit == 0:
        return TooManyRequests(
            _("Runs are switched off for your account. Nothing was charged. Write to us."),
            code="too_many_runs",
        )
    return TooManyRequests(
        ngettext(
            "You have %(limit)d run under way, the most at once. Nothing was charged."
            " Wait for it to finish, or stop it.",
            "You have %(limit)d runs under way, the most at once. Nothing was charged."
            " Wait for one to finish, or stop one.",
            limit,
        )
        % {"limit": limit},
        code="too_many_runs",
    )
