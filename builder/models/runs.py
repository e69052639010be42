"""Runs: one request of a person to a model, from the hold to the receipt."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models import Hold
from builder.models.sites import Site, Version


class Run(models.Model):
    """`state` only moves by compare-and-set (see services). The prices are those quoted."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Stopped")

    TERMINAL_STATES = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="runs"
    )
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="runs")
    base_version = models.ForeignKey(
        Version, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    version = models.OneToOneField(
        Version, on_delete=models.SET_NULL, null=True, blank=True, related_name="run"
    )
    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, related_name="run")
    idempotency_key = models.CharField(max_length=120)
    request_digest = models.CharField(max_length=64)

    prompt = models.TextField()
    language = models.CharField(
        max_length=16, blank=True, default="", help_text=_("Of what the run says to its owner")
    )
    allow_fallback = models.BooleanField(default=False)
    model_slug = models.CharField(max_length=50)
    model_used_slug = models.CharField(max_length=50, blank=True)
    # The price quoted before sending; a later change of the catalogue never touches this run.
    token_cost = models.PositiveIntegerField()
    billing_unit = models.CharField(max_length=16)
    input_weight = models.DecimalField(max_digits=4, decimal_places=3)
    estimate_low = models.PositiveBigIntegerField()
    estimate_high = models.PositiveBigIntegerField()
    ceiling = models.PositiveBigIntegerField(help_text=_("Never charged more than this, tokens"))
    max_output_tokens = models.PositiveIntegerField()
    # Of this request, by our own count: what reported usage is compared with.
    input_tokens_estimated = models.PositiveIntegerField(null=True, blank=True)
    changes_site = models.BooleanField(
        default=False, help_text=_("The site had files: a change, not a new site")
    )
    picture_count = models.PositiveSmallIntegerField(
        default=0, help_text=_("Pictures sent with it: only models that see can answer")
    )
    output_max_bytes = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("An answer longer than this is cut off")
    )

    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    fence = models.PositiveIntegerField(default=0, help_text=_("Grows at each claim"))
    lease_until = models.DateTimeField(null=True, blank=True)
    dispatched_at = models.DateTimeField()
    dispatch_count = models.PositiveSmallIntegerField(default=1)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    first_content_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    usage_estimated = models.BooleanField(default=False)
    charged = models.PositiveBigIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    notes = models.JSONField(default=list, help_text=_("What was left out or mended, for the user"))

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["site", "-created_at"], name="run_of_site"),
            models.Index(fields=["owner", "-created_at"], name="run_of_owner"),
            models.Index(
                fields=["state", "lease_until", "dispatched_at"],
                name="run_unfinished",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"], name="run_idempotency_key_once"
            ),
            models.CheckConstraint(
                condition=Q(charged__isnull=True) | Q(charged__lte=models.F("ceiling")),
                name="run_charged_within_ceiling",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at__isnull=True)
                | Q(
                    state__in=["succeeded", "failed", "cancelled"],
                    finished_at__isnull=False,
                    charged__isnull=False,
                ),
                name="run_terminal_has_charge",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.id}"

    @property
    def is_terminal(self) -> bool:
        return self.state in self.TERMINAL_STATES


class Attempt(models.Model):
    """One call of one provider for a run. Failed ones cost the user 0."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    model_slug = models.CharField(max_length=50)
    provider_slug = models.CharField(max_length=50)
    provider_model_id = models.CharField(max_length=120)
    outcome = models.CharField(max_length=40, default="running")
    message = models.CharField(max_length=500, blank=True)
    generation_id = models.CharField(max_length=120, blank=True)
    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    cost_usd = models.DecimalField(
        max_digits=12, decimal_places=8, null=True, blank=True, help_text=_("What it cost us")
    )
    cost_estimated = models.BooleanField(
        default=False, help_text=_("From tokens and the route's prices, not told by the provider")
    )
    charged = models.PositiveBigIntegerField(default=0)
    # The price that was charged: the one quoted, or a fallback's where that came out lower.
    token_cost = models.PositiveIntegerField(null=True, blank=True)
    billing_unit = models.CharField(max_length=16, blank=True)
    input_weight = models.DecimalField(max_digits=4, decimal_places=3, null=True, blank=True)
    started_at = models.DateTimeField()
    first_content_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="attempt_number_once")
        ]
        indexes = [models.Index(fields=["started_at"], name="attempt_started")]

    def __str__(self) -> str:
        return f"{self.run} attempt {self.number}"


class RunText(models.Model):
    """Checkpoint of the text streamed so far, so that losing Redis loses nothing."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="text")
    text = models.TextField(blank=True, default="")
    fence = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"text of {self.run_id}"
