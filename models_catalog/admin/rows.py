"""Staff's view of the catalogue. Every change is logged with its old and new value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, QuerySet
from django.forms import BaseFormSet, Form
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from models_catalog import selectors, services
from models_catalog.forms import (
    AIModelForm,
    FallbackFormSet,
    ProviderForm,
    ReasonForm,
    RouteForm,
)
from models_catalog.models import AIModel, Fallback, Provider, Route
from models_catalog.seed_data import MODELS, PROVIDERS

Row = TypeVar("Row", Provider, AIModel, Route)


class SwitchableAdmin(admin.ModelAdmin[Row], Generic[Row]):
    """Rows are switched off with a reason, through a page that asks for it."""

    actions: Sequence[str] = ("switch_off", "switch_on")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # Deleting is for a row made by mistake, one at a time; the rest is switched off.
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.action(description=gettext_lazy("Switch off, with a reason"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Row]) -> HttpResponse | None:
        form = ReasonForm(request.POST if "confirmed" in request.POST else None)
        if not form.is_valid():
            return self._ask_reason(request, queryset, form)
        for row in queryset:
            services.switch_off(row, reason=form.cleaned_data["reason"])
            self.log_change(
                request, row, _("Switched off: %(reason)s") % {"reason": row.disabled_reason}
            )
        self._told(request, queryset.count(), "off")
        return None

    @admin.action(description=gettext_lazy("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Row]) -> None:
        for row in queryset:
            services.switch_on(row)
            self.log_change(request, row, _("Switched on"))
        self._told(request, queryset.count(), "on")

    def _ask_reason(
        self, request: HttpRequest, queryset: QuerySet[Row], form: ReasonForm
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Switch off, with a reason"),
            "opts": self.model._meta,
            "rows": queryset,
            "form": form,
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        status = 422 if form.is_bound else 200
        return TemplateResponse(
            request, "admin/models_catalog/switch_off.html", context, status=status
        )

    def _told(self, request: HttpRequest, count: int, state: str) -> None:
        if state == "off":
            text = ngettext("%(count)d switched off.", "%(count)d switched off.", count)
        else:
            text = ngettext("%(count)d switched on.", "%(count)d switched on.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    def construct_change_message(
        self,
        request: HttpRequest,
        form: Form,
        formsets: Iterable[BaseFormSet[Any]],
        add: bool = False,
    ) -> list[dict[str, Any]]:
        message = super().construct_change_message(request, form, formsets, add)
        if not add and form.changed_data and message:
            message[0]["changed"]["fields"] = [
                f"{name}: {form.initial.get(name)} → {form.cleaned_data.get(name)}"
                for name in form.changed_data
            ]
        return message


class RouteInline(admin.TabularInline[Route, Any]):
    """The rest of a route (what is merged into its requests) is on its own page."""

    model = Route
    form = RouteForm
    extra = 0
    autocomplete_fields = ("model", "provider")
    exclude = ("request_options",)
    show_change_link = True

    class Media:
        css = {"all": ["css/admin-catalogue.css"]}


class FallbackInline(admin.TabularInline[Fallback, AIModel]):
    model = Fallback
    fk_name = "model"
    formset = FallbackFormSet
    extra = 0
    autocomplete_fields = ("fallback",)
    verbose_name = gettext_lazy("fallback")
    verbose_name_plural = gettext_lazy(
        "fallbacks: tried in order when every route failed and the user allows another model"
    )


@admin.register(Provider)
class ProviderAdmin(SwitchableAdmin[Provider]):
    form = ProviderForm
    actions = (*SwitchableAdmin.actions, "end_outage")
    list_display = ("name", "adapter", "state", "key", "use_proxy", "route_count", "position")
    list_filter = ("enabled", "adapter", "use_proxy")
    search_fields = ("name", "slug", "base_url", "routes__provider_model_id")
    fieldsets = (
        (None, {"fields": ("name", "slug", "position")}),
        (
            gettext_lazy("How it is called"),
            {"fields": ("adapter", "base_url", "key_variable", "use_proxy")},
        ),
        (gettext_lazy("State"), {"fields": ("enabled", "disabled_reason")}),
    )
    inlines = (RouteInline,)

    @admin.action(
        description=gettext_lazy("End the outage: our account is in order again"),
        permissions=["change"],
    )
    def end_outage(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        ended = [row for row in queryset if services.provider_outage_end(row.slug)]
        for row in ended:
            self.log_change(request, row, _("Outage ended"))
        names = ", ".join(row.name for row in ended)
        if names:
            told = _("Back in use: %(names)s.") % {"names": names}
        else:
            told = _("None of these was out.")
        self.message_user(request, told, messages.SUCCESS if names else messages.WARNING)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Provider]:
        return super().get_queryset(request).annotate(routes_total=Count("routes"))

    def get_readonly_fields(
        self, request: HttpRequest, obj: Provider | None = None
    ) -> tuple[str, ...]:
        # Receipts name providers by slug.
        return ("slug",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Provider | None = None) -> bool:
        shipped = obj is not None and obj.slug in {seed.slug for seed in PROVIDERS}
        return not shipped and super().has_delete_permission(request, obj)

    @admin.display(description=gettext_lazy("state"))
    def state(self, provider: Provider) -> str:
        problem = selectors.provider_problem(provider)
        if provider.outage_since is not None:
            problem = f"{problem} ({provider.outage_code}, {provider.outage_since:%Y-%m-%d %H:%M})"
        return _("unavailable: %(reason)s") % {"reason": problem} if problem else _("available")

    @admin.display(description=gettext_lazy("key"))
    def key(self, provider: Provider) -> str:
        return {
            selectors.KeyState.SET: _("set"),
            selectors.KeyState.URL_ONLY: _("none, base URL set"),
            selectors.KeyState.EMULATED: _("none, emulated"),
            selectors.KeyState.MISSING: _("missing: %(name)s") % {"name": provider.key_variable},
        }[selectors.key_state(provider)]

    @admin.display(description=gettext_lazy("routes"), ordering="routes_total")
    def route_count(self, provider: Any) -> int:
        return int(provider.routes_total)


@admin.register(AIModel)
class AIModelAdmin(SwitchableAdmin[AIModel]):
    form = AIModelForm
    list_display = (
        "name",
        "maker",
        "token_cost",
        "billing_unit",
        "input_weight",
        "vision",
        "context_window",
        "max_output_tokens",
        "state",
        "position",
    )
    list_filter = ("enabled", "vision", "maker", "billing_unit", "routes__provider")
    search_fields = ("name", "slug", "maker", "tagline", "routes__provider_model_id")
    fieldsets = (
        (None, {"fields": ("name", "slug", "maker", "tagline", "position")}),
        (gettext_lazy("Price"), {"fields": ("token_cost", "billing_unit", "input_weight")}),
        (
            gettext_lazy("What it can do"),
            {"fields": ("vision", "context_window", "max_output_tokens")},
        ),
        (gettext_lazy("State"), {"fields": ("enabled", "disabled_reason")}),
    )
    inlines = (RouteInline, FallbackInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AIModel]:
        return super().get_queryset(request).prefetch_related("routes__provider")

    def get_readonly_fields(
        self, request: HttpRequest, obj: AIModel | None = None
    ) -> tuple[str, ...]:
        # Runs, receipts and API clients name models by slug.
        return ("slug",) if obj else ()

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: AIModel | None = None
    ) -> dict[str, Sequence[str]]:
        return {} if obj else {"slug": ("name",)}

    def has_delete_permission(self, request: HttpRequest, obj: AIModel | None = None) -> bool:
        shipped = obj is not None and obj.slug in {seed.slug for seed in MODELS}
        return not shipped and super().has_delete_permission(request, obj)

    @admin.display(description=gettext_lazy("state"))
    def state(self, model: AIModel) -> str:
        available = selectors.availability(model)
        if available.available:
            return _("available")
        return _("unavailable: %(reason)s") % {"reason": available.reason}


@admin.register(Route)
class RouteAdmin(SwitchableAdmin[Route]):
    form = RouteForm
    list_display = (
        "model",
        "provider",
        "provider_model_id",
        "priority",
        "input_usd_per_million",
        "output_usd_per_million",
        "priced_at",
        "state",
    )
    list_filter = (
        "enabled",
        ("gone_since", admin.EmptyFieldListFilter),
        "provider",
        "model__maker",
    )
    readonly_fields = ("priced_at", "gone_since", "listed_name")
    list_select_related = ("model", "provider")
    search_fields = ("model__name", "model__slug", "provider__name", "provider_model_id")
    autocomplete_fields = ("model", "provider")

    @admin.display(description=gettext_lazy("state"))
    def state(self, route: Route) -> str:
        problem = selectors.route_problem(route)
        return _("unavailable: %(reason)s") % {"reason": problem} if problem else _("available")
