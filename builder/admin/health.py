"""Outages and probes, read only: the history behind /status/."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.base import ReadOnlyAdmin
from builder.models import Outage, Probe


@admin.register(Outage)
class OutageAdmin(ReadOnlyAdmin[Outage]):
    """Times in which a provider or one of its models was not asked."""

    list_display = (
        "began_at",
        "ended_at",
        "minutes",
        "provider_slug",
        "provider_model_id",
        "code",
        "message",
    )
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "provider_slug", "code")
    search_fields = ("provider_slug", "provider_model_id", "code", "message")
    date_hierarchy = "began_at"

    @admin.display(description=gettext_lazy("minutes"))
    def minutes(self, outage: Outage) -> str:
        seconds = ((outage.ended_at or timezone.now()) - outage.began_at).total_seconds()
        minutes = f"{seconds / 60:.1f}"
        return minutes if outage.ended_at else _("%(minutes)s, going on") % {"minutes": minutes}


@admin.register(Probe)
class ProbeAdmin(ReadOnlyAdmin[Probe]):
    """A cheap authorised call to each provider every other minute, kept for eight days."""

    list_display = ("at", "provider_slug", "ok", "latency_ms", "code", "message")
    list_filter = ("ok", "provider_slug", "code")
    search_fields = ("provider_slug", "code", "message")
    date_hierarchy = "at"
