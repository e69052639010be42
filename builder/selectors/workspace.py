"""What the pages below /sites/ show: prepared here, so that templates only lay out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from billing.models import Movement
from billing.selectors import Standing
from builder.models import Attempt, Picture, Run, Site, Version
from builder.preview import check_url, preview_url
from builder.selectors.dashboard import SiteCard
from builder.selectors.pictures import pictures_of_runs
from builder.selectors.sites import ListedSite, file_facts
from models_catalog.selectors import ModelRow, models_listed

RUNS_SHOWN = 30
# Chosen for a person who never chose: quick, cheap and good enough for a first page.
DEFAULT_MODEL = "claude-3-haiku"


@dataclass(frozen=True, slots=True)
class RunView:
    """A run in the conversation. `pockets`: [{"kind", "amount"}] it was paid from; `pictures`: what
    was sent with it."""

    run: Run
    pockets: list[dict[str, Any]]
    model_name: str
    # Of the model that was asked; and the token cost that was charged, a fallback's if lower.
    asked_name: str
    token_cost: int
    version_number: int | None
    is_live: bool
    paths: list[str]
    needs_tokens: bool
    pictures: list[Picture]


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model in the composer. `pages_left`: usual pages the balance buys on it."""

    row: ModelRow
    pages_left: int
    short_by: int


def site_cards(sites: Iterable[ListedSite]) -> list[SiteCard]:
    """Cards with a link to each site's latest version."""
    listed = list(sites)
    latest = Version.objects.in_bulk([site.latest_id for site in listed if site.latest_id])
    return [
        SiteCard(
            site=site,
            latest_number=site.latest_number,
            frame_url=preview_url(latest[site.latest_id]) if site.latest_id in latest else "",
        )
        for site in listed
    ]


def conversation_of(site: Site, names: dict[str, str]) -> list[RunView]:
    """The latest runs, the oldest first. `names`: model slug → name."""
    runs = list(_runs().filter(site=site)[:RUNS_SHOWN])
    return run_views(reversed(runs), names)


def run_view(run: Run, names: dict[str, str]) -> RunView:
    return run_views([run], names)[0]


def run_views(runs: Iterable[Run], names: dict[str, str]) -> list[RunView]:
    """Runs with what each was paid from, in one query for all."""
    shown = list(runs)
    pockets = _pockets_of([run.hold_id for run in shown])
    pictures = pictures_of_runs(shown)
    lower = _costs_of([run for run in shown if run.model_used_slug not in ("", run.model_slug)])
    return [
        RunView(
            run=run,
            pockets=pockets.get(run.hold_id, []),
            model_name=names.get(run.model_used_slug or run.model_slug, run.model_slug),
            asked_name=names.get(run.model_slug, run.model_slug),
            token_cost=lower.get(run.pk, run.token_cost),
            version_number=run.version.number if run.version else None,
            is_live=not run.is_terminal,
            paths=run.version.changed_paths if run.version else [],
            needs_tokens=run.error_code == "insufficient_tokens",
            pictures=pictures.get(run.pk, []),
        )
        for run in shown
    ]


def model_choices(standing: Standing) -> list[ModelChoice]:
    """Every model with what the balance buys on it, also those that can not be chosen."""
    return [
        ModelChoice(
            row=row,
            pages_left=standing.available // row.typical_page_tokens,
            short_by=max(0, row.typical_page_tokens - standing.available),
        )
        for row in models_listed()
    ]


def model_first(choices: Iterable[ModelChoice], wanted: Iterable[str]) -> ModelChoice | None:
    """The first of `wanted` that can be chosen, else our default, else any that can."""
    usable = {c.row.model.slug: c for c in choices if c.row.availability.available}
    for slug in (*wanted, DEFAULT_MODEL, *usable):
        if slug in usable:
            return usable[slug]
    return None


def fallback_allowed_last(user: User, runs: list[RunView]) -> bool:
    """Whether the person's last run allowed other models: of this conversation, else of any."""
    if runs:
        return runs[-1].run.allow_fallback
    latest = Run.objects.filter(owner=user).order_by("-created_at")
    return bool(latest.values_list("allow_fallback", flat=True).first())


def version_as_json(version: Version) -> dict[str, Any]:
    """A version for the workspace's scripts, the same keys as the API's."""
    return {
        "id": str(version.pk),
        "number": version.number,
        "origin": version.origin,
        "summary": version.summary,
        "createdAt": version.created_at.isoformat(),
        "files": file_facts(version),
        "changed": version.changed_paths,
        "previewUrl": preview_url(version),
        "checkUrl": check_url(version),
    }


def _runs() -> Any:
    return Run.objects.select_related("version", "site").order_by("-created_at", "-pk")


def _costs_of(runs: list[Run]) -> dict[Any, int]:
    """Run → the token cost that was charged, of runs that a fallback answered."""
    if not runs:
        return {}
    charged = Attempt.objects.filter(run__in=runs, token_cost__isnull=False)
    costs = charged.values_list("run_id", "token_cost")
    return {run_id: cost for run_id, cost in costs if cost is not None}


def _pockets_of(hold_ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Hold → what was spent of it by pocket, in spending order (that of the movements)."""
    spent = Movement.objects.filter(hold_id__in=hold_ids, to_state=Movement.State.SPENT)
    sums: dict[int, dict[str, int]] = {}
    for hold_id, kind, amount in spent.order_by("pk").values_list(
        "hold_id", "grant__kind", "amount"
    ):
        by_kind = sums.setdefault(hold_id or 0, {})
        by_kind[kind] = by_kind.get(kind, 0) + amount
    return {
        hold_id: [{"kind": kind, "amount": amount} for kind, amount in by_kind.items()]
        for hold_id, by_kind in sums.items()
    }
