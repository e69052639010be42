"""Reads for a person's home and usage pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, NullIf

from accounts.models import User
from billing.plan import Plan, PlanState
from billing.selectors import Standing
from builder.models import Run, Site, Version
from builder.preview import preview_url
from builder.selectors.sites import sites_of
from models_catalog.models import AIModel
from models_catalog.selectors import ModelRow

SITES_SHOWN = 3
RUNS_SHOWN = 5
# The models a balance is explained by: a cheap, a usual and a dear one.
YARDSTICKS = ("qwen-turbo", "claude-3-haiku", "claude-3-opus")


@dataclass(frozen=True, slots=True)
class SiteCard:
    """A site and where its latest version is seen; `frame_url` is "" while it has none."""

    site: Site
    latest_number: int | None
    frame_url: str


@dataclass(frozen=True, slots=True)
class Afforded:
    """How many usual pages a balance buys on a model."""

    model_name: str
    pages: int


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one thing to do first. kind: pay (a payment failed), watch (a run is going) or buy (too
    few tokens for a page). run: the one to watch. page_tokens: what the cheapest usual page takes.
    """

    kind: str
    run: Run | None = None
    page_tokens: int = 0


def next_step(
    *, standing: Standing, plan: Plan, runs: Iterable[Run], rows: Iterable[ModelRow]
) -> NextStep | None:
    """What comes before the next request; None where the next request is what comes next.

    runs: the latest. rows: the catalogue.
    """
    if plan.state == PlanState.PAST_DUE:
        return NextStep("pay")
    going = next((run for run in runs if not run.is_terminal), None)
    if going:
        return NextStep("watch", run=going)
    pages = [row.typical_page_tokens for row in rows if row.availability.available]
    if pages and standing.available < min(pages):
        return NextStep("buy", page_tokens=min(pages))
    return None


def recent_sites(user: User) -> list[SiteCard]:
    """The latest touched sites, with a link to each one's latest version."""
    sites = list(sites_of(user)[:SITES_SHOWN])
    latest = Version.objects.in_bulk([site.latest_id for site in sites if site.latest_id])
    return [
        SiteCard(
            site=site,
            latest_number=site.latest_number,
            frame_url=preview_url(latest[site.latest_id]) if site.latest_id in latest else "",
        )
        for site in sites
    ]


def recent_runs(user: User) -> list[Run]:
    """The latest runs of sites that still exist, with their site.

    Each with `model_name`, the catalogue's name of the model that answered (None if it is gone).
    """
    used = Coalesce(NullIf(F("model_used_slug"), Value("")), F("model_slug"))
    names = AIModel.objects.filter(slug=OuterRef("used_slug")).values("name")
    runs = Run.objects.filter(owner=user, site__deleted_at__isnull=True).select_related("site")
    named = runs.annotate(used_slug=used).annotate(model_name=Subquery(names[:1]))
    return list(named.order_by("-created_at", "pk")[:RUNS_SHOWN])


def models_afforded(available_tokens: int, rows: Iterable[ModelRow]) -> list[Afforded]:
    """What a balance buys, in usual one-page sites, on three models of the catalogue's `rows`
    that are known to everyone."""
    return [
        Afforded(row.model.name, available_tokens // row.typical_page_tokens)
        for row in rows
        if row.model.slug in YARDSTICKS
    ]
