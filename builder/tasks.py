"""Celery's doorbells. Every task may come twice, late, or never: the rows decide."""

from __future__ import annotations

import time
from typing import Any

from celery import shared_task
from django.utils import timezone

from builder.services import (
    catalogue,
    execution,
    learning,
    outages,
    pictures,
    probes,
    sweeping,
    usage_correction,
)


@shared_task(name="builder.tasks.run_execute")
def run_execute(run_id: str, rung_at: float = 0.0) -> None:
    """Do a queued run, this one or the one whose turn it is; a no-op if none is queued.

    rung_at: seconds since the epoch when this was sent.
    """
    execution.run_execute(run_id, rung_at=rung_at)


@shared_task(name="builder.tasks.runs_sweep")
def runs_sweep() -> int:
    """Ring again for runs that were queued and not picked up."""
    due = sweeping.runs_to_ring_again()
    for run_id in due:
        run_execute.apply_async(args=[str(run_id), time.time()])
    return len(due)


@shared_task(name="builder.tasks.runs_reap")
def runs_reap() -> int:
    """End runs whose worker died, and runs nobody ever started; free their holds."""
    return sweeping.runs_reap()


@shared_task(bind=True, name="builder.tasks.usage_correct")
def usage_correct(task: Any, run_id: str) -> None:
    """Replace estimated usage by the provider's record of it; thrice again if it is not there."""
    waits = usage_correction.LOOKUP_AGAIN_SECONDS
    if not usage_correction.usage_correct(run_id) and task.request.retries < len(waits):
        raise task.retry(countdown=waits[task.request.retries], max_retries=len(waits))


@shared_task(name="builder.tasks.pictures_prune")
def pictures_prune() -> int:
    """Forget pictures that were attached a week ago and never sent."""
    return pictures.pictures_prune()


@shared_task(name="builder.tasks.catalogue_check")
def catalogue_check() -> dict[str, str]:
    """Compare the catalogue with the providers' lists; findings are for staff."""
    return catalogue.catalogue_check()


@shared_task(name="builder.tasks.catalogue_compare")
def catalogue_compare(comparison_id: int) -> dict[str, str]:
    """The same because staff asked for it."""
    return catalogue.catalogue_compare(comparison_id)


@shared_task(name="builder.tasks.providers_probe")
def providers_probe() -> dict[str, str]:
    """See that each provider is there; put back what was out and answers again."""
    return probes.providers_probe()


@shared_task(name="builder.tasks.ranges_learn")
def ranges_learn() -> int:
    """Learn from the latest runs how long answers are, for the estimates."""
    return learning.ranges_learn(now=timezone.now())


@shared_task(name="builder.tasks.provider_out_tell")
def provider_out_tell(provider_slug: str) -> bool:
    """Alert staff that a provider is out; once, however often it comes."""
    return outages.provider_out_tell(provider_slug)
