"""Findings as rows: opened once, seen again, resolved by themselves when no longer so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from accounts.staff_alerts import staff_alert
from models_catalog.models import CatalogueFinding, Provider, Route
from models_catalog.provider_lists import ListedModel
from models_catalog.truth.comparing import Comparison, Found

Kind = CatalogueFinding.Kind
LISTED_KINDS: Final = (Kind.GONE, Kind.RENAMED, Kind.PRICE, Kind.CANDIDATE)
NO_LONGER_SO: Final = "no longer so"
# What staff accepted is shown again when its facts change. A candidate's price may move.
_SHOWN_AGAIN: Final = {Kind.PRICE, Kind.RENAMED, Kind.BELOW_COST}


def findings_record(
    provider: Provider, found: Iterable[Found], *, kinds: Iterable[str], now: datetime
) -> list[CatalogueFinding]:
    """Make the provider's open findings of these kinds what was found; gives those newly opened.

    Inside a transaction that has locked the provider.
    """
    open_rows = {
        (row.kind, row.provider_model_id): row
        for row in CatalogueFinding.objects.filter(
            provider=provider, kind__in=list(kinds), resolved_at=None
        )
    }
    opened = []
    for one in found:
        row = open_rows.pop((one.kind, one.provider_model_id), None)
        if row is None:
            opened.append(_open(provider, one, now))
        else:
            _see_again(row, one, now)
    CatalogueFinding.objects.filter(pk__in=[row.pk for row in open_rows.values()]).update(
        resolved_at=now, resolution=NO_LONGER_SO
    )
    return opened


def routes_mark(
    provider: Provider, comparison: Comparison, listed: Mapping[str, ListedModel], now: datetime
) -> None:
    """Take routes whose model is gone out of use, put those that are back in use again, and keep
    what each is called there. Routes that staff want to keep (a dismissed finding) stay in use."""
    kept = CatalogueFinding.objects.filter(
        provider=provider,
        kind__in=[Kind.GONE, Kind.RENAMED],
        resolved_at=None,
        dismissed_at__isnull=False,
    ).values_list("provider_model_id", flat=True)
    gone = comparison.missing - set(kept)
    routes = Route.objects.filter(provider=provider)
    routes.filter(provider_model_id__in=gone, gone_since=None).update(gone_since=now)
    for route in routes.filter(provider_model_id__in=list(listed)):
        row = listed[route.provider_model_id]
        facts = (None, row.name, row.canonical_slug)
        if (route.gone_since, route.listed_name, route.canonical_slug) != facts:
            routes.filter(pk=route.pk).update(
                gone_since=None, listed_name=row.name, canonical_slug=row.canonical_slug
            )


def gone_tell(opened: Iterable[CatalogueFinding]) -> None:
    """One alert to staff for each model that a provider has newly dropped or renamed."""
    for row in opened:
        if row.kind not in (Kind.GONE, Kind.RENAMED):
            continue
        renamed = f" It is now called {row.detail['to']}." if row.kind == Kind.RENAMED else ""
        staff_alert(
            key=f"catalogue-gone:{row.provider.slug}:{row.provider_model_id}",
            subject=f"{row.provider} no longer lists {row.provider_model_id}",
            detail=f"{row.route} is out of use since {row.found_at:%Y-%m-%d %H:%M} UTC.{renamed} "
            "See the findings in the admin, under models and providers.",
        )


def _open(provider: Provider, one: Found, now: datetime) -> CatalogueFinding:
    return CatalogueFinding.objects.create(
        kind=one.kind,
        provider=provider,
        route=one.route,
        provider_model_id=one.provider_model_id,
        detail=one.detail,
        found_at=now,
        seen_at=now,
    )


def _see_again(row: CatalogueFinding, one: Found, now: datetime) -> None:
    if row.kind in _SHOWN_AGAIN and row.detail != one.detail:
        row.dismissed_at = None
    row.detail, row.route, row.seen_at = one.detail, one.route, now
    row.save(update_fields=["detail", "route", "seen_at", "dismissed_at"])
