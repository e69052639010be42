"""The ledger, to look at: tokens move through services only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing.admin.base import ReadOnlyAdmin, ReadOnlyInline, user_links
from billing.models import DebtEntry, Grant, Hold, Movement


class MovementInline(ReadOnlyInline):
    """Without the movement that issues a grant: that is told by the grant's own row."""

    model = Movement
    fields = ("created_at", "from_state", "to_state", "amount", "key")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Movement]:
        return super().get_queryset(request).filter(Movement.MOVED)


class DebtInline(ReadOnlyInline):
    model = DebtEntry
    fk_name = "grant"
    fields = ("created_at", "kind", "amount", "payer", "key")
    readonly_fields = fields


class LapsedFilter(admin.SimpleListFilter):
    title = _("spendable")
    parameter_name = "spendable"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("now", _("Now")),
            ("held", _("Something is held")),
            ("owed", _("Something is owed")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Grant]) -> QuerySet[Grant]:
        if self.value() == "now":
            return queryset & Grant.objects.spendable_at(timezone.now())
        if self.value() == "owed":
            return queryset.filter(owed__gt=0)
        return queryset.filter(held__gt=0) if self.value() == "held" else queryset


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin[Grant]):
    list_display = (
        "source",
        "user_link",
        "kind",
        "amount",
        "available",
        "held",
        "spent",
        "expired",
        "voided",
        "owed",
        "effective_at",
        "expires_at",
    )
    list_filter = (LapsedFilter, "kind", "effective_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("=source", "user__email")
    search_help_text = _("A user's e-mail address, or a whole source")
    ordering = ("-pk",)
    inlines = (MovementInline, DebtInline)

    @admin.display(description=_("User"), ordering="user__email")
    def user_link(self, grant: Grant) -> SafeString:
        return user_links(grant.user)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin[Hold]):
    list_display = (
        "key",
        "user_link",
        "state",
        "amount",
        "settled_amount",
        "created_at",
        "expires_at",
        "resolved_at",
    )
    list_filter = ("state", "created_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("=key", "user__email")
    search_help_text = _("A user's e-mail address, or a whole key, e.g. run:<id>")
    ordering = ("-pk",)
    inlines = (MovementInline,)

    @admin.display(description=_("User"), ordering="user__email")
    def user_link(self, hold: Hold) -> SafeString:
        return user_links(hold.user)


@admin.register(Movement)
class MovementAdmin(ReadOnlyAdmin[Movement]):
    list_display = (
        "created_at",
        "user_link",
        "grant_link",
        "from_state",
        "to_state",
        "amount",
        "hold_link",
        "key",
    )
    list_display_links = ("key",)
    list_filter = ("from_state", "to_state", "grant__kind", "created_at")
    list_select_related = ("grant__user", "hold")
    search_fields = ("=key", "=hold__key", "=grant__source", "grant__user__email")
    search_help_text = _("A user's e-mail address, or a whole key, hold or grant")
    ordering = ("-pk",)

    @admin.display(description=_("User"), ordering="grant__user__email")
    def user_link(self, movement: Movement) -> SafeString:
        return user_links(movement.grant.user)

    @admin.display(description=_("Grant"))
    def grant_link(self, movement: Movement) -> SafeString:
        url = reverse("admin:billing_grant_change", args=[movement.grant_id])
        return format_html('<a href="{}">{}</a>', url, movement.grant.source)

    @admin.display(description=_("Hold"))
    def hold_link(self, movement: Movement) -> SafeString | str:
        if movement.hold is None:
            return "–"
        url = reverse("admin:billing_hold_change", args=[movement.hold_id])
        return format_html('<a href="{}">{}</a>', url, movement.hold.key)


@admin.register(DebtEntry)
class DebtEntryAdmin(ReadOnlyAdmin[DebtEntry]):
    list_display = ("created_at", "user_link", "grant_link", "kind", "amount", "key")
    list_display_links = ("key",)
    list_filter = ("kind", "created_at", "grant__kind")
    list_select_related = ("grant__user",)
    search_fields = ("=key", "=grant__source", "grant__user__email")
    search_help_text = _("A user's e-mail address, or a whole key or grant")
    ordering = ("-pk",)

    @admin.display(description=_("User"), ordering="grant__user__email")
    def user_link(self, entry: DebtEntry) -> SafeString:
        return user_links(entry.grant.user)

    @admin.display(description=_("Grant"))
    def grant_link(self, entry: DebtEntry) -> SafeString:
        url = reverse("admin:billing_grant_change", args=[entry.grant_id])
        return format_html('<a href="{}">{}</a>', url, entry.grant.source)
