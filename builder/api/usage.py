"""`GET /api/usage`: tokens by day, model and site, and the same as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from accounts.api_schema import ApiSchema
from accounts.http import AuthenticatedHttpRequest
from builder.selectors.usage import (
    DAY,
    MODEL,
    SITE,
    UsageRow,
    UsageScope,
    site_names,
    usage_rows,
    usage_total,
)
from builder.selectors.usage_scope import (
    SCOPE_PARAMETERS,
    groups_asked,
    parameters_read,
    scope_asked,
)
from builder.usage_csv import csv_response, usage_lines

router = Router(tags=["usage"], by_alias=True)
PARAMETERS = SCOPE_PARAMETERS | {"group"}


class PocketSumOut(ApiSchema):
    kind: str
    amount: int


class UsageSumOut(ApiSchema):
    """charged: tokens. runs: finished ones, charged or not. inputTokens, outputTokens: the
    models' own, of what was charged."""

    charged: int
    pockets: list[PocketSumOut]
    runs: int
    input_tokens: int
    output_tokens: int


class UsageRowOut(UsageSumOut):
    """Has the keys it is grouped by. model, siteId: null for what no run made."""

    day: date | None = None
    model: str | None = None
    site_id: UUID | None = None
    site_name: str | None = None


class UsageOut(ApiSchema):
    """Days are those of timeZone, both ends included."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    time_zone: str
    group: list[str]
    total: UsageSumOut
    rows: list[UsageRowOut]


class UsageQuery(ApiSchema):
    """Read by `scope_asked`, which answers in the person's language; here for the description."""

    first: str = Field("", alias="from", description="First day, as 2026-11-01; default: the 1st")
    last: str = Field("", alias="to", description="Last day, included; default: today")
    group: str = Field("", description="One or more of day, model, site; default: day")
    model: str = Field("", description="Only runs that this model answered: its id")
    site: str = Field("", description="Only runs of this site: its id")


@router.get("/usage", response=UsageOut, exclude_unset=True, summary="Tokens used")
def usage(request: AuthenticatedHttpRequest, query: Query[UsageQuery]) -> dict[str, Any]:
    """Tokens charged, by any of day, model and site, split by pocket: the ledger's own sums.
    At most 366 days; days are those of your time zone."""
    scope, by, rows = _asked(request)
    names = site_names(scope, rows)
    return {
        "first": scope.days.first,
        "last": scope.days.last,
        "time_zone": str(scope.days.zone),
        "group": list(by),
        "total": _sums(usage_total(rows)),
        "rows": [{**_keys(row, by, names), **_sums(row)} for row in rows],
    }


@router.get("/usage.csv", summary="Tokens used, as CSV")
def usage_csv(request: AuthenticatedHttpRequest, query: Query[UsageQuery]) -> HttpResponseBase:
    """The rows of `/api/usage` as a file. Text that a spreadsheet would take for a formula has an
    apostrophe in front."""
    scope, by, rows = _asked(request)
    name = f"usage-{scope.days.first}-{scope.days.last}.csv"
    return csv_response(usage_lines(rows, by, site_names(scope, rows)), name)


def _asked(request: AuthenticatedHttpRequest) -> tuple[UsageScope, Sequence[str], list[UsageRow]]:
    given = parameters_read(request.GET, PARAMETERS)
    by = groups_asked(given.get("group", ""))
    scope = scope_asked(user=request.user, given=given, now=timezone.now())
    return scope, by, usage_rows(scope, by)


def _keys(row: UsageRow, by: Sequence[str], names: dict[UUID, str]) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    if DAY in by:
        keys["day"] = row.day
    if MODEL in by:
        keys["model"] = row.model
    if SITE in by:
        keys["site_id"] = row.site_id
        keys["site_name"] = names.get(row.site_id) if row.site_id else None
    return keys


def _sums(row: UsageRow) -> dict[str, Any]:
    return {
        "charged": row.charged,
        "pockets": [{"kind": kind, "amount": tokens} for kind, tokens in row.pockets.items()],
        "runs": row.runs,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
    }
