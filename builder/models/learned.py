"""What past runs taught: how long answers are, and how providers count."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class LearnedRange(models.Model):
    """Of one model and kind of request, from its latest runs with reported usage.

    Output figures are the model's own tokens. `input_ratio`: reported input tokens to ours.
    """

    model_slug = models.CharField(max_length=50)
    changes_site = models.BooleanField()
    sample_count = models.PositiveIntegerField()
    output_low = models.PositiveIntegerField()
    output_high = models.PositiveIntegerField()
    output_most = models.PositiveIntegerField()
    input_ratio = models.DecimalField(max_digits=6, decimal_places=3)
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["model_slug", "changes_site"]
        constraints = [
            models.UniqueConstraint(fields=["model_slug", "changes_site"], name="learned_once"),
            models.CheckConstraint(
                condition=Q(output_low__lte=models.F("output_high"))
                & Q(output_high__lte=models.F("output_most")),
                name="learned_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_slug} {'change' if self.changes_site else 'new'}"
