"""Staff's pages that need more than the catalogue: the comparison, and what models earn."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from builder.margin_page import margin_lines, margin_page
from builder.selectors.margin import margin_rows
from builder.selectors.taken_back import taken_back_rows
from builder.selectors.usage import UsageScope
from builder.selectors.usage_scope import model_names
from builder.services.comparing import comparison_start
from builder.token_value import pocket_usd
from builder.usage_csv import csv_response
from builder.usage_page import range_choices
from builder.usage_range import DayRange, last_30_days, range_asked, today_in
from config.errors import DomainError, InvalidInput
from models_catalog.selectors import emulation_in_use

UTC_ZONE = ZoneInfo("UTC")


@require_POST
def compare(request: HttpRequest) -> HttpResponse:
    """Have a worker hold the catalogue against the providers' lists; the findings' page tells
    how far it is."""
    if not request.user.has_perm("models_catalog.change_cataloguefinding"):
        raise PermissionDenied
    try:
        comparison_start()
    except DomainError as refused:
        messages.error(request, refused.message)
    return HttpResponseRedirect(reverse("admin:models_catalog_cataloguefinding_changelist"))


@require_safe
def margin(request: HttpRequest) -> HttpResponse:
    """Tokens sold, revenue, cost and margin over a range of UTC days."""
    _allow(request)
    days, errors = _days(request)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Margin by model and day"),
        "days": days,
        "given": request.GET.dict(),
        "errors": errors,
        "ranges": range_choices(
            UsageScope(0, days), today_in(UTC_ZONE, timezone.now()), chosen=not errors
        ),
        "page": margin_page(days, margin_rows(days), taken_back_rows(days)),
        "names": model_names(),
        "worth": [(kind, 1_000_000 * usd) for kind, usd in pocket_usd().items()],
        "emulated": emulation_in_use(),
    }
    return TemplateResponse(
        request, "admin/builder/margin.html", context, status=422 if errors else 200
    )


@require_safe
def margin_csv(request: HttpRequest) -> HttpResponseBase:
    """The same, a line per day and model."""
    _allow(request)
    days, errors = _days(request)
    if errors:
        return HttpResponse(" ".join(errors), status=422, content_type="text/plain")
    lines = margin_lines(margin_rows(days), taken_back_rows(days))
    return csv_response(lines, f"margin-{days.first}-{days.last}.csv")


def _allow(request: HttpRequest) -> None:
    if not request.user.has_perm("builder.view_attempt"):
        raise PermissionDenied


def _days(request: HttpRequest) -> tuple[DayRange, list[str]]:
    """The days asked for, the last 30 if none; what is wrong with them."""
    now = timezone.now()
    usual = last_30_days(today_in(UTC_ZONE, now), UTC_ZONE)
    if not (request.GET.get("from") or request.GET.get("to")):
        return usual, []
    try:
        return range_asked(request.GET.dict(), zone=UTC_ZONE, now=now), []
    except InvalidInput as refused:
        return usual, [one["message"] for one in refused.extra["errors"]]
