"""Limits of one person where they differ from the settings'."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class UserLimits(models.Model):
    """Empty: as the settings say. 0 forbids it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="run_limits",
    )
    concurrent_runs = models.PositiveIntegerField(null=True, blank=True)
    runs_per_minute = models.PositiveIntegerField(null=True, blank=True)
    prompt_bytes = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    output_bytes = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    upload_bytes = models.PositiveIntegerField(null=True, blank=True)
    uploads_per_minute = models.PositiveIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=200, help_text=_("Why this person's limits differ"))

    class Meta:
        verbose_name = _("limits of a person")
        verbose_name_plural = _("limits of people")

    def __str__(self) -> str:
        return f"limits of {self.user_id}"
