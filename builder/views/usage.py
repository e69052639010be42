"""What a person used: the sums of a range of days, and the receipt of every run."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest
from accounts.zones import zone_of
from billing.selectors import standing_of
from builder.models import Run
from builder.selectors.receipts import receipt_get, receipts_of, receipts_shown, receipts_streamed
from builder.selectors.usage import (
    DAY,
    MODEL,
    SITE,
    UsageScope,
    pocket_rows,
    regrouped,
    run_rows,
    site_names,
)
from builder.selectors.usage_scope import model_names, provider_names, scope_asked, sites_to_choose
from builder.usage_csv import csv_response, receipt_lines
from builder.usage_page import models_ranked, overview_of, query_of, range_choices, sites_ranked
from builder.usage_range import last_30_days, this_month, today_in
from config.errors import InvalidInput, NotFound

RECEIPTS_A_PAGE = 25


@login_required
@require_safe
def usage(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Tokens by day, model and site over a range, and the receipts behind them."""
    now = timezone.now()
    zone = zone_of(request.user.time_zone)
    today = today_in(zone, now)
    given, errors = request.GET.dict(), {}
    scope = UsageScope(request.user.pk, this_month(today, zone))
    try:
        scope = scope_asked(user=request.user, given=given, now=now)
    except NotFound as unknown:
        raise Http404(unknown.message) from None
    except InvalidInput as refused:
        errors = {one["field"]: one["message"] for one in refused.extra["errors"]}
    names = model_names()
    standing = standing_of(request.user, now)
    context = {
        "scope": scope,
        "given": given,
        "errors": errors,
        "ranges": range_choices(scope, today, chosen=not errors),
        "models": sorted(names.items(), key=lambda item: item[1]),
        "sites": sites_to_choose(scope),
        "standing": standing,
        "own_standing": standing,
        **({} if errors else _sums(scope, names, today, request.GET.get("page"))),
    }
    return render(request, "pages/usage.html", context, status=422 if errors else 200)


def _sums(
    scope: UsageScope, names: dict[str, str], today: date, page_number: str | None
) -> dict[str, Any]:
    by_day = pocket_rows(scope, [DAY])
    # By model and site at once: the join to the runs is what takes the time.
    rows = run_rows(scope, [MODEL, SITE])
    page = Paginator(receipts_of(scope), RECEIPTS_A_PAGE).get_page(page_number)
    return {
        "overview": overview_of(scope.days, by_day, runs=sum(row.runs for row in rows)),
        "by_model": models_ranked(scope, regrouped(rows, MODEL), names),
        "by_site": sites_ranked(scope, regrouped(rows, SITE), site_names(scope, rows)),
        "page": page,
        "receipts": receipts_shown(page.object_list),
        "names": names,
        "query": query_of(scope),
        "unfiltered": query_of(UsageScope(scope.user_id, last_30_days(today, scope.days.zone))),
        "never_used": not page.paginator.count and not _ever_used(scope.user_id),
    }


def _ever_used(user_id: int) -> bool:
    return Run.objects.filter(owner_id=user_id).exists()


@login_required
@require_safe
def receipts_csv(request: AuthenticatedHttpRequest) -> HttpResponseBase:
    """Every receipt of the range as a line of a file, read and sent piece by piece."""
    try:
        scope = scope_asked(user=request.user, given=request.GET.dict(), now=timezone.now())
    except NotFound as unknown:
        raise Http404(unknown.message) from None
    except InvalidInput:
        # The page says what is wrong with the parameters, beside the fields to mend it in.
        return usage(request)
    lines = receipt_lines(receipts_streamed(scope), scope.days.zone)
    return csv_response(lines, f"receipts-{scope.days.first}-{scope.days.last}.csv")


@login_required
@require_safe
def receipt(request: AuthenticatedHttpRequest, run_id: UUID) -> HttpResponse:
    """What one run cost and why, what was tried, and what it made."""
    try:
        found = receipt_get(user=request.user, run_id=run_id)
    except NotFound as unknown:
        raise Http404(unknown.message) from None
    context = {"receipt": found, "names": model_names(), "providers": provider_names()}
    return render(request, "pages/receipt.html", context)
