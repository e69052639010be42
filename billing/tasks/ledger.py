"""The ledger's housekeeping, rung by beat. Nothing depends on when, or how often, these run."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from billing.services.batches import free_grants_premake, grants_expire
from billing.services.clawbacks import debts_sweep
from billing.services.holds import holds_expire
from billing.services.premium_batch import premium_grants_premake
from billing.services.reconcile import reconcile

logger = logging.getLogger(__name__)

BATCH = 1_000
# Who waits for a batch to end is only whoever comes first to a grant that it is making.
PREMAKE_BATCH = 2_500


@shared_task(name="billing.tasks.grants_premake")
def grants_premake() -> None:
    """Make the month's free grants before their owners come."""
    made = free_grants_premake(now=timezone.now(), batch=PREMAKE_BATCH)
    logger.info("made %d free grants of the month", made)


@shared_task(name="billing.tasks.premium_premake")
def premium_premake() -> None:
    """Make the day's premium grants before their owners come."""
    made = premium_grants_premake(now=timezone.now(), batch=PREMAKE_BATCH)
    logger.info("made %d premium grants of the day", made)


@shared_task(name="billing.tasks.debts_pay")
def debts_pay() -> None:
    """Pay debts out of tokens that have become available since."""
    paid = debts_sweep(now=timezone.now())
    if paid:
        logger.info("%d tokens of debts were paid", paid)


@shared_task(name="billing.tasks.grants_sweep")
def grants_sweep() -> None:
    """Expire what lapsed, batch by batch."""
    now = timezone.now()
    while grants_expire(now=now, limit=BATCH) == BATCH:
        pass


@shared_task(name="billing.tasks.holds_sweep")
def holds_sweep() -> None:
    """Give back the tokens of holds that nobody resolved in time."""
    released = holds_expire(now=timezone.now())
    if released:
        logger.warning("released %d holds that nobody had resolved in time", released)


@shared_task(name="billing.tasks.ledger_reconcile")
def ledger_reconcile() -> None:
    """Tell staff, through the error log, of every difference between totals and movements."""
    for difference in reconcile():
        logger.error("ledger difference: %s", difference)
