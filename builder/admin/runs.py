"""Runs and their attempts, read only: what was asked of whom, what came of it, what it cost."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing.admin.base import ReadOnlyAdmin, ReadOnlyInline, user_links
from builder.models import Attempt, Run


class AttemptInline(ReadOnlyInline):
    model = Attempt
    verbose_name_plural = _("attempts")
    fields = (
        "number",
        "model_slug",
        "provider_slug",
        "provider_model_id",
        "outcome",
        "message",
        "charged",
        "token_cost",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "started_at",
        "first_content_at",
        "ended_at",
        "generation_id",
    )
    readonly_fields = fields


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin[Run]):
    """Who asked what of which model. The generated text and files are not shown here."""

    list_display = (
        "created_at",
        "owner",
        "state",
        "model_slug",
        "model_used_slug",
        "error_code",
        "charged",
        "ceiling",
        "id",
    )
    list_filter = ("state", "allow_fallback", "usage_estimated", "model_slug", "error_code")
    search_fields = ("id__exact", "owner__email", "error_code__exact", "model_slug__exact")
    search_help_text = _("Id of a run, e-mail address, model, or error code")
    list_select_related = ("owner",)
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    inlines = (AttemptInline,)
    exclude = ("request_digest", "idempotency_key", "hold", "version", "base_version", "site")
    readonly_fields = ("person",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        return super().get_queryset(request).select_related("owner")

    @admin.display(description=_("person"))
    def person(self, run: Run) -> SafeString:
        return user_links(run.owner)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin[Attempt]):
    """Every call of a provider, the latest first."""

    list_display = (
        "started_at",
        "model_slug",
        "provider_slug",
        "outcome",
        "first_token_seconds",
        "charged",
        "cost_usd",
        "run_id",
        "number",
    )
    list_filter = ("outcome", "provider_slug", "model_slug")
    search_fields = (
        "run__id__exact",
        "run__owner__email",
        "generation_id__exact",
        "provider_model_id__exact",
        "outcome__exact",
    )
    search_help_text = _("Id of a run or generation, e-mail address, provider's model, or outcome")
    date_hierarchy = "started_at"
    ordering = ("-started_at",)

    @admin.display(description=_("first token, seconds"))
    def first_token_seconds(self, attempt: Attempt) -> str:
        if attempt.first_content_at is None:
            return "–"
        return f"{(attempt.first_content_at - attempt.started_at).total_seconds():.2f}"
