"""Cleaning up after lost messages and dead workers. Safe to run doubled, late, or not at all."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from billing.services.holds import hold_release
from builder.models import Run
from builder.selectors.runs import closing_events
from builder.streaming.log import publish_end

logger = logging.getLogger(__name__)

BATCH = 500


def runs_to_ring_again() -> list[UUID]:
    """Runs that were queued and not picked up; each is marked as dispatched now.

    A run is given to one caller only, however many sweep at once.
    """
    now = timezone.now()
    late = now - timedelta(seconds=settings.RUN_REDISPATCH_AFTER_SECONDS)
    due = Run.objects.filter(state=Run.State.QUEUED, dispatched_at__lte=late)
    rung = []
    for run_id, dispatched_at in list(
        due.order_by("dispatched_at").values_list("pk", "dispatched_at")[:BATCH]
    ):
        taken = Run.objects.filter(
            pk=run_id, state=Run.State.QUEUED, dispatched_at=dispatched_at
        ).update(dispatched_at=now, dispatch_count=F("dispatch_count") + 1)
        if taken:
            rung.append(run_id)
    return rung


def runs_reap() -> int:
    """End running runs whose lease lapsed, and queued ones that nobody began; nothing is charged.

    Returns how many were ended.
    """
    now = timezone.now()
    never_started = now - timedelta(seconds=settings.RUN_QUEUE_TIMEOUT_SECONDS)
    due = Run.objects.filter(
        Q(state=Run.State.RUNNING, lease_until__lt=now)
        | Q(state=Run.State.QUEUED, created_at__lt=never_started)
    )
    ended = 0
    for run in list(due.order_by("created_at")[:BATCH]):
        try:
            with translation.override(run.language or settings.LANGUAGE_CODE):
                ended += _reap(run)
        except Exception:  # one run that can not be ended must not keep the others waiting
            logger.exception("Run %s could not be reaped", run.pk)
    return ended


def _reap(run: Run) -> bool:
    """Compare-and-set on (state, fence, lease): a worker that lives after all keeps its run."""
    now = timezone.now()
    stopped = run.cancel_requested_at is not None
    queued = run.state == Run.State.QUEUED
    message = (
        _("No worker was free for too long. Not charged. Try again.")
        if queued
        else _("The run was interrupted on our side. Not charged. Try again.")
    )
    with transaction.atomic():
        lapsed = Run.objects.filter(pk=run.pk, state=run.state, fence=run.fence)
        if not queued:
            lapsed = lapsed.filter(lease_until__lt=now)
        ended = lapsed.update(
            state=Run.State.CANCELLED if stopped else Run.State.FAILED,
            error_code="" if stopped else ("not_started" if queued else "interrupted"),
            error_message="" if stopped else message,
            charged=0,
            finished_at=now,
            lease_until=None,
        )
        if not ended:
            return False
        hold_release(hold_id=run.hold_id)
    run.attempts.filter(ended_at__isnull=True).update(outcome="interrupted", ended_at=now)
    publish_end(run.pk, closing_events(Run.objects.select_related("version").get(pk=run.pk)))
    return True
