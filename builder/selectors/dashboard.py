"""Reads for a person's home and usage pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf

from accounts.models import User
from builder.models import Run, Site, Version
from builder.preview import preview_url
from builder.selectors.sites import sites_of
from models_catalog.models import AIModel
from models_catalog.selectors import models_listed

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
    """The latest runs of sites that still exist, with their site."""
    return list(runs_spending(user).filter(site__deleted_at__isnull=True)[:RUNS_SHOWN])


def runs_spending(user: User) -> QuerySet[Run]:
    """Every run of the person, newest first, also of deleted sites: what was spent stays.

    Each with `model_name`, the catalogue's name of the model that answered (None if it is gone).
    """
    used = Coalesce(NullIf(F("model_used_slug"), Value("")), F("model_slug"))
    names = AIModel.objects.filter(slug=OuterRef("used_slug")).values("name")
    runs = Run.objects.filter(owner=user).select_related("site")
    named = runs.annotate(used_slug=used).annotate(model_name=Subquery(names[:1]))
    return named.order_by("-created_at", "pk")


def models_afforded(available_tokens: int) -> list[Afforded]:
    """What a balance buys, in usual one-page sites, on three models known to everyone."""
    return [
        Afforded(row.model.name, available_tokens // row.typical_page_tokens)
        for row in models_listed()
        if row.model.slug in YARDSTICKS
    ]
