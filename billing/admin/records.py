"""What came in, what was told, what staff did: to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing.admin.base import ReadOnlyAdmin, user_links
from billing.admin.standing import standing_act, standing_page
from billing.models import Notice, StaffAction, WebhookReceipt
from billing.stripe.dashboard import stripe_link


@admin.register(WebhookReceipt)
class WebhookReceiptAdmin(ReadOnlyAdmin[WebhookReceipt]):
    list_display = (
        "event_id",
        "event_type",
        "stripe",
        "received_at",
        "handled_at",
        "attempts",
        "problem",
    )
    list_filter = (("handled_at", admin.EmptyFieldListFilter), "object_type", "received_at")
    search_fields = ("=event_id", "=object_id", "event_type")
    search_help_text = _("A whole id of Stripe's, or a part of the event's type")
    ordering = ("-received_at", "-pk")

    @admin.display(description=_("object"))
    def stripe(self, receipt: WebhookReceipt) -> SafeString | str:
        return stripe_link(receipt.object_id)

    @admin.display(description=_("error"))
    def problem(self, receipt: WebhookReceipt) -> str:
        return receipt.error[:120]


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin[Notice]):
    list_display = ("user_link", "level", "period", "created_at", "mailed_at", "dismissed_at")
    list_filter = ("level", "created_at", ("mailed_at", admin.EmptyFieldListFilter))
    list_display_links = ("period",)
    list_select_related = ("user",)
    search_fields = ("user__email", "=period")

    @admin.display(description=_("User"), ordering="user__email")
    def user_link(self, notice: Notice) -> SafeString:
        return user_links(notice.user)


@admin.register(StaffAction)
class StaffActionAdmin(ReadOnlyAdmin[StaffAction]):
    """Also the door to a person's standing, where these are made."""

    list_display = ("created_at", "staff", "user_link", "verb", "tokens", "subject", "reason")
    list_filter = ("verb", "created_at", "staff")
    list_select_related = ("user", "staff")
    search_fields = ("user__email", "staff__email", "=subject", "=key", "reason")

    @admin.display(description=_("User"), ordering="user__email")
    def user_link(self, action: StaffAction) -> SafeString:
        return user_links(action.user)

    def get_urls(self) -> list[URLPattern]:
        def guarded(view: Any) -> Any:
            def with_site(request: HttpRequest, **kwargs: Any) -> Any:
                return view(request, site=self.admin_site, **kwargs)

            return self.admin_site.admin_view(with_site)

        return [
            path("standing/<int:user_id>/", guarded(standing_page), name="billing_standing"),
            path(
                "standing/<int:user_id>/<slug:verb>/",
                guarded(standing_act),
                name="billing_standing_act",
            ),
            *super().get_urls(),
        ]
