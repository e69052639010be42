"""Comparisons as rows: one at a time, done by a worker, watched by staff.

Whoever asks makes the row and rings; the row decides. A message may come twice, or never.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import Conflict
from models_catalog.models import CatalogueComparison
from models_catalog.truth.services import ProviderResult, catalogue_compare

logger = logging.getLogger(__name__)

State = CatalogueComparison.State
# One provider's list takes 45 s at most; longer without a step, and its worker is gone.
LOST_AFTER: Final = timedelta(minutes=2)
KEPT: Final = timedelta(days=90)


def comparison_latest() -> CatalogueComparison | None:
    return CatalogueComparison.objects.first()


def comparison_ask() -> CatalogueComparison:
    """A new comparison for a worker to do, or the one that no worker has begun.

    One whose worker is gone is ended first, and rows of three months ago are forgotten. Raises
    Conflict while one is being done.
    """
    now = timezone.now()
    CatalogueComparison.objects.filter(asked_at__lt=now - KEPT).exclude(
        state=State.UNDER_WAY
    ).delete()
    CatalogueComparison.objects.filter(
        state=State.UNDER_WAY, started_at__isnull=False, seen_at__lt=now - LOST_AFTER
    ).update(state=State.FAILED, ended_at=now, error=lost_words())
    try:
        with transaction.atomic():
            return CatalogueComparison.objects.create(asked_at=now, seen_at=now)
    except IntegrityError:
        waiting = CatalogueComparison.objects.filter(state=State.UNDER_WAY, started_at=None).first()
    if waiting is None:
        raise Conflict(_("The catalogue is being compared already. Nothing was started."))
    return waiting


def comparison_do(*, comparison_id: int, token_usd: Decimal) -> list[ProviderResult]:
    """Compare, with a step in the row after each provider; nothing where it was taken or is over.

    token_usd: dollars that one of our tokens brings at least. Never raises for what goes wrong in
    between: the row then says that it failed.
    """
    row = CatalogueComparison.objects.filter(pk=comparison_id, state=State.UNDER_WAY)
    now = timezone.now()
    if not row.filter(started_at=None).update(started_at=now, seen_at=now):
        return []
    told: list[dict[str, object]] = []

    def step(result: ProviderResult) -> None:
        told.append(_as_json(result))
        row.update(results=told, seen_at=timezone.now())

    try:
        results = catalogue_compare(token_usd=token_usd, on_result=step)
    except Exception as error:  # our own bug must not leave it under way
        logger.exception("The comparison with the providers' lists failed")
        comparison_fail(
            comparison_id=comparison_id,
            why=_("Something broke on our side (%(error)s); the log has it.")
            % {"error": type(error).__name__},
        )
        return []
    ended = timezone.now()
    row.update(state=State.DONE, seen_at=ended, ended_at=ended)
    return results


def comparison_fail(*, comparison_id: int, why: str) -> None:
    """End one that can not be done; no effect on one that is over."""
    now = timezone.now()
    CatalogueComparison.objects.filter(pk=comparison_id, state=State.UNDER_WAY).update(
        state=State.FAILED, seen_at=now, ended_at=now, error=why[:300]
    )


def is_lost(comparison: CatalogueComparison, now: datetime) -> bool:
    """Whether it was begun and its worker is gone."""
    begun = comparison.state == State.UNDER_WAY and comparison.started_at is not None
    return begun and comparison.seen_at < now - LOST_AFTER


def lost_words() -> str:
    return _("Its worker went away before it was done. Ask for it again.")


def _as_json(result: ProviderResult) -> dict[str, object]:
    return {
        "name": result.provider.name,
        "outcome": result.outcome.value,
        "listed": result.listed,
        "opened": result.opened,
        "message": result.message,
    }
