"""What people were told about their balance, and what staff decided about it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """A word about a low balance: once per person, level and period."""

    class Level(models.IntegerChoices):
        LOW = 80, _("80 % used")
        OUT = 100, _("All used")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices"
    )
    level = models.PositiveSmallIntegerField(choices=Level)
    period = models.CharField(max_length=32, help_text=_("e.g. 2026-11, or 2026-11-30"))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    mailed_at = models.DateTimeField(null=True, blank=True)
    sending_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Somebody hands its mail over just now")
    )
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "level", "period"], name="notice_once"),
        ]

    def __str__(self) -> str:
        return f"{self.level} % in {self.period}"


class StaffAction(models.Model):
    """What a member of staff did to somebody's tokens, and why. Never edited, never deleted."""

    class Verb(models.TextChoices):
        GRANT = "grant", _("Granted tokens")
        CLAW_BACK = "claw_back", _("Took tokens back")
        FORGIVE = "forgive", _("Forgave a debt")
        VOID_HOLD = "void_hold", _("Released a hold")

    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="staff_actions"
    )
    verb = models.CharField(max_length=16, choices=Verb)
    tokens = models.PositiveBigIntegerField()
    subject = models.CharField(max_length=200, help_text=_("The grant or hold it was about"))
    reason = models.TextField()
    key = models.CharField(max_length=200, unique=True, help_text=_("Idempotency key"))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"
