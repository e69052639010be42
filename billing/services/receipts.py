"""Working off what came in through the webhook door: until it is done, or staff must look."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone
from djstripe.models import WebhookEventTrigger

from accounts.staff_alerts import staff_alert
from billing.models import WebhookReceipt
from billing.services.stripe_objects import object_refresh

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 10
FIRST_WAIT_SECONDS = 30
KEPT = timedelta(days=30)


def receipt_handle(*, receipt_id: int, now: datetime | None = None) -> bool:
    """Act on the object that the receipt is about. True if the receipt is handled now.

    Again, or twice at once: the same end. What goes wrong is noted on the row; the sweep comes
    back to it, waiting twice as long each time, and after the last attempt staff are told.
    """
    now = now or timezone.now()
    receipt = WebhookReceipt.objects.filter(pk=receipt_id).first()
    if receipt is None or receipt.handled_at is not None:
        return receipt is not None
    WebhookReceipt.objects.filter(pk=receipt.pk).update(attempts=F("attempts") + 1)
    receipt.refresh_from_db(fields=["attempts"])
    try:
        object_refresh(object_type=receipt.object_type, object_id=receipt.object_id, now=now)
    except Exception as error:
        # Whatever it was: the receipt must stay unhandled, with the reason on it.
        logger.exception("receipt %s could not be handled", receipt.event_id)
        _note(receipt, f"{type(error).__name__}: {error}"[:2000])
        return False
    WebhookReceipt.objects.filter(pk=receipt.pk).update(handled_at=now, error="")
    return True


def receipts_due(*, now: datetime, limit: int = 200) -> list[int]:
    """Receipts that nobody rang for, or whose next attempt is due; oldest first."""
    due = Q()
    for attempts in range(MAX_ATTEMPTS):
        due |= Q(attempts=attempts, received_at__lte=now - wait_after(attempts))
    unhandled = WebhookReceipt.objects.filter(due, handled_at=None)
    return list(unhandled.order_by("received_at").values_list("pk", flat=True)[:limit])


def wait_after(attempts: int) -> timedelta:
    """From the receipt to the attempt after so many: 30 s, 90 s, 210 s … 8.5 h."""
    return timedelta(seconds=FIRST_WAIT_SECONDS * (2 ** (attempts + 1) - 1))


def intake_prune(*, now: datetime) -> tuple[int, int]:
    """Delete handled receipts and dj-stripe's copies of webhooks after 30 days: they hold
    personal data. Returns how many of each."""
    before = now - KEPT
    receipts, _ = WebhookReceipt.objects.filter(
        handled_at__isnull=False, received_at__lt=before
    ).delete()
    triggers, _ = WebhookEventTrigger.objects.filter(created__lt=before).delete()
    return receipts, triggers


def _note(receipt: WebhookReceipt, problem: str) -> None:
    WebhookReceipt.objects.filter(pk=receipt.pk, handled_at=None).update(error=problem)
    if receipt.attempts >= MAX_ATTEMPTS:
        staff_alert(
            key=f"receipt:{receipt.event_id}",
            subject=f"A webhook could not be handled ({receipt.event_type})",
            detail=f"{receipt.object_type} {receipt.object_id} after {receipt.attempts} attempts."
            f"\n{problem}\nSet its attempts to 0 to have it tried again.",
        )
