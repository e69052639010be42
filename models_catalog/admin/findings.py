"""What differs from the providers' lists, and the one click that settles it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.errors import DomainError
from models_catalog.models import CatalogueFinding
from models_catalog.truth.actions import ACTIONS, actions_of, finding_act
from models_catalog.truth.comparisons import comparison_latest
from models_catalog.truth.progress import progress_of
from models_catalog.truth.words import consequence, difference, stands_in


class StateFilter(admin.SimpleListFilter):
    """Open ones unless asked otherwise: the rest is history."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("dismissed", _("dismissed")),
            ("resolved", _("resolved")),
            ("all", _("all")),
        ]

    def choices(self, changelist: Any) -> Any:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("open"),
        }
        for value, title in self.lookup_choices:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[CatalogueFinding]
    ) -> QuerySet[CatalogueFinding]:
        if self.value() == "all":
            return queryset
        if self.value() == "resolved":
            return queryset.filter(resolved_at__isnull=False)
        unresolved = queryset.filter(resolved_at=None)
        return unresolved.filter(dismissed_at__isnull=self.value() != "dismissed")


@admin.register(CatalogueFinding)
class CatalogueFindingAdmin(admin.ModelAdmin[CatalogueFinding]):
    list_display = ("badge", "about", "what", "to_do", "since")
    list_display_links = None
    list_filter = (StateFilter, "kind", "provider")
    list_select_related = ("provider", "route__model")
    search_fields = ("provider_model_id", "route__model__name", "provider__name")
    ordering = ("-found_at", "-pk")
    actions = None
    list_per_page = 50

    class Media:
        css = {"all": ["css/admin-catalogue.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        act = path(
            "<int:finding_id>/do/<slug:verb>/",
            self.admin_site.admin_view(self.act),
            name="models_catalog_cataloguefinding_act",
        )
        return [act, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        latest = comparison_latest()
        context = {
            "title": _("Findings"),
            "comparison": latest and progress_of(latest, timezone.now()),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        # Everything there is to see stands in the list.
        return HttpResponseRedirect(reverse("admin:models_catalog_cataloguefinding_changelist"))

    def act(self, request: HttpRequest, finding_id: int, verb: str) -> HttpResponse:
        """Says what the action would do; does it when posted."""
        if not self.has_change_permission(request) or not self._may_touch(request, verb):
            raise PermissionDenied
        rows = CatalogueFinding.objects.select_related("provider", "route__model")
        finding = get_object_or_404(rows, pk=finding_id)
        action = next((one for one in actions_of(finding) if one.verb == verb), None)
        if request.method == "POST":
            return self._done(request, finding, verb)
        if action is None:
            return self._over(request)
        context = {
            **self.admin_site.each_context(request),
            "title": action.label,
            "opts": self.opts,
            "finding": finding,
            "what": difference(finding),
            "sentences": consequence(finding, verb),
        }
        return TemplateResponse(request, "admin/models_catalog/finding_act.html", context)

    def _may_touch(self, request: HttpRequest, verb: str) -> bool:
        needed = {
            "take-price": "models_catalog.change_route",
            "follow": "models_catalog.change_route",
            "add": "models_catalog.add_aimodel",
            "raise-price": "models_catalog.change_aimodel",
        }
        return verb not in needed or request.user.has_perm(needed[verb])

    def _done(self, request: HttpRequest, finding: CatalogueFinding, verb: str) -> HttpResponse:
        try:
            finding, row, done = finding_act(finding_id=finding.pk, verb=verb)
        except DomainError as refused:
            messages.error(request, refused.message)
            return self._list()
        self.log_change(request, finding, f"{ACTIONS[verb].label}: {done}")
        if row != finding:
            changed: Any = row
            self.log_change(request, changed, f"{finding}: {done}")
        messages.success(request, f"{finding.provider_model_id}: {done}.")
        if verb == "add":
            return HttpResponseRedirect(
                reverse("admin:models_catalog_aimodel_change", args=[row.pk])
            )
        return self._list()

    def _over(self, request: HttpRequest) -> HttpResponse:
        messages.warning(request, _("This finding is over, or that can not be done about it."))
        return self._list()

    def _list(self) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:models_catalog_cataloguefinding_changelist"))

    @admin.display(description=gettext_lazy("finding"), ordering="kind")
    def badge(self, finding: CatalogueFinding) -> SafeString:
        return format_html(
            '<span class="finding-badge finding-{}">{}</span>',
            finding.kind,
            finding.get_kind_display(),
        )

    @admin.display(description=gettext_lazy("model"), ordering="provider_model_id")
    def about(self, finding: CatalogueFinding) -> SafeString:
        listed = format_html("<code>{}</code><br>{}", finding.provider_model_id, finding.provider)
        if finding.route is None:
            return listed
        return format_html(
            '<a href="{}">{}</a><br>{}',
            reverse("admin:models_catalog_aimodel_change", args=[finding.route.model_id]),
            finding.route.model,
            listed,
        )

    @admin.display(description=gettext_lazy("what differs"))
    def what(self, finding: CatalogueFinding) -> str:
        words = difference(finding)
        if finding.resolved_at is None and (other := stands_in(finding)):
            words += " " + _("Falls back to %(model)s.") % {"model": other}
        return words

    @admin.display(description=gettext_lazy("since, seen"), ordering="found_at")
    def since(self, finding: CatalogueFinding) -> SafeString:
        days = (f"{at:%Y-%m-%d}" for at in (finding.found_at, finding.seen_at))
        return format_html("{}<br>{}", *days)

    @admin.display(description=gettext_lazy("settle it"))
    def to_do(self, finding: CatalogueFinding) -> SafeString | str:
        if finding.resolved_at is not None:
            return finding.resolution
        links = (
            (
                reverse(
                    "admin:models_catalog_cataloguefinding_act", args=[finding.pk, action.verb]
                ),
                "button" if action.resolves else "finding-aside",
                action.label,
            )
            for action in actions_of(finding)
        )
        return format_html_join(" ", '<a href="{}" class="{}">{}</a>', links)
