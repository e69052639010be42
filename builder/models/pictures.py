"""Pictures people attach: shown to vision models, and files their sites can use."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from builder.models.runs import Run
from builder.models.sites import Site


class Picture(models.Model):
    """A verified and re-encoded picture of a site; never the bytes that were uploaded."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="pictures"
    )
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="pictures")
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=32)
    width_px = models.PositiveIntegerField()
    height_px = models.PositiveIntegerField()
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["site", "sha256"], name="picture_once_per_site")
        ]

    def __str__(self) -> str:
        return self.name


class RunPicture(models.Model):
    """A picture that was sent with a run, in the order attached."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="run_pictures")
    picture = models.ForeignKey(Picture, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="run_picture_position_once")
        ]

    def __str__(self) -> str:
        return f"{self.run_id} picture {self.position}"
