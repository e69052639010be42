"""What one person may do: the settings, or what staff set for this person."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from accounts.models import User
from builder.models import UserLimits
from config.prepared import PreparedSelect, slot

_OWN = PreparedSelect(lambda: UserLimits.objects.filter(user=slot(UserLimits, "user")))


@dataclass(frozen=True, slots=True)
class Limits:
    """Runs at once (queued ones included), runs and uploads a minute, and sizes in bytes."""

    concurrent_runs: int
    runs_per_minute: int
    prompt_bytes: int
    output_bytes: int
    upload_bytes: int
    uploads_per_minute: int


def limits_of(user: User) -> Limits:
    """The limits of a person. One query."""
    return limits_with(_OWN.first(user=user.pk))


def limits_with(own: UserLimits | None) -> Limits:
    """The settings' limits with a person's own in their place. No query."""
    usual = Limits(
        concurrent_runs=settings.RUNS_CONCURRENT_MAX,
        runs_per_minute=settings.RUNS_PER_MINUTE_MAX,
        prompt_bytes=settings.RUN_PROMPT_MAX_BYTES,
        output_bytes=settings.RUN_OUTPUT_MAX_BYTES,
        upload_bytes=settings.UPLOAD_MAX_BYTES,
        uploads_per_minute=settings.UPLOADS_PER_MINUTE_MAX,
    )
    if own is None:
        return usual

    def either(mine: int | None, otherwise: int) -> int:
        return otherwise if mine is None else mine

    return Limits(
        concurrent_runs=either(own.concurrent_runs, usual.concurrent_runs),
        runs_per_minute=either(own.runs_per_minute, usual.runs_per_minute),
        prompt_bytes=either(own.prompt_bytes, usual.prompt_bytes),
        output_bytes=either(own.output_bytes, usual.output_bytes),
        upload_bytes=either(own.upload_bytes, usual.upload_bytes),
        uploads_per_minute=either(own.uploads_per_minute, usual.uploads_per_minute),
    )
