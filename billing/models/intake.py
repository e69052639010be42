"""What came in through the webhook door, once per event, until it is handled."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class WebhookReceipt(models.Model):
    """An event of Stripe's. It only says which object to look at: the object is the truth."""

    event_id = models.CharField(max_length=255, unique=True)
    event_type = models.CharField(max_length=100)
    object_type = models.CharField(max_length=64, help_text=_("e.g. checkout.session"))
    object_id = models.CharField(max_length=255)
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    handled_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(
                fields=["received_at"],
                name="webhook_unhandled",
                condition=Q(handled_at__isnull=True),
            ),
            models.Index(fields=["object_id"], name="webhook_of_object"),
        ]

    def __str__(self) -> str:
        return self.event_id
