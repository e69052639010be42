"""What Celery runs about Stripe. Every task may run twice, at once, late or never."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from billing.doorbell import ring_on_commit
from billing.services import receipts
from billing.services.stripe_reconcile import stripe_reconcile as reconcile
from billing.stripe.api import purchases_open

logger = logging.getLogger(__name__)


@shared_task(name="billing.tasks.receipt_handle")
def receipt_handle(receipt_id: int) -> None:
    """Act on what one webhook is about."""
    receipts.receipt_handle(receipt_id=receipt_id)


@shared_task(name="billing.tasks.receipts_sweep")
def receipts_sweep() -> None:
    """Ring for webhooks that nobody handled: the broker was away, or it went wrong before."""
    for receipt_id in receipts.receipts_due(now=timezone.now()):
        ring_on_commit("billing.tasks.receipt_handle", receipt_id)


@shared_task(name="billing.tasks.stripe_reconcile")
def stripe_reconcile() -> None:
    """Find what Stripe did in the last two days and nobody told us."""
    if purchases_open():
        reconcile(now=timezone.now())


@shared_task(name="billing.tasks.intake_prune")
def intake_prune() -> None:
    """Forget webhooks after 30 days."""
    pruned, triggers = receipts.intake_prune(now=timezone.now())
    logger.info("forgot %d receipts and %d webhooks", pruned, triggers)
