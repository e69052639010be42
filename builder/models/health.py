"""How providers are doing, beside what the attempts of runs say themselves."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Outage(models.Model):
    """A time in which a provider, or one of its models, was not asked (its breaker was open)."""

    provider_slug = models.CharField(max_length=50)
    provider_model_id = models.CharField(
        max_length=120, blank=True, help_text=_("Empty: the whole provider")
    )
    code = models.CharField(max_length=40)
    message = models.CharField(max_length=300, blank=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider_slug", "provider_model_id"],
                condition=models.Q(ended_at__isnull=True),
                name="outage_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider_slug} {self.provider_model_id}".strip()


class Probe(models.Model):
    """One active check of a provider: a cheap authorised call, not a generation."""

    provider_slug = models.CharField(max_length=50)
    at = models.DateTimeField()
    ok = models.BooleanField()
    latency_ms = models.PositiveIntegerField()
    code = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["provider_slug", "-at"], name="probe_of_provider")]

    def __str__(self) -> str:
        return f"{self.provider_slug} {'ok' if self.ok else self.code}"
