"""Reads of runs, always for a person: someone else's run does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone

from accounts.models import User
from billing.services.holds import PocketCharge, settlement_of
from builder.models import Attempt, Picture, Run, RunText, Site
from builder.selectors.pictures import picture_as_dict, pictures_of_runs
from config.errors import NotFound
from config.prepared import PreparedSelect, slot
from models_catalog.pricing import Price, charge, price_of

_MINE = PreparedSelect(
    lambda: Run.objects.select_related("site", "version").filter(
        pk=slot(Run, "id"), owner=slot(Run, "owner"), site__deleted_at__isnull=True
    )
)
_ATTEMPTS = PreparedSelect(
    lambda: Attempt.objects.filter(run=slot(Attempt, "run")).order_by("number")
)


def run_get(*, user: User, run_id: UUID) -> Run:
    """The run, with its site and version. Raises NotFound, also for someone else's."""
    run = _MINE.first(id=run_id, owner=user.pk)
    if run is None:
        raise NotFound("There is no such run.")
    return run


def runs_of_site(site: Site, *, limit: int = 50) -> list[Run]:
    """The latest runs of a site, newest first."""
    return list(
        Run.objects.filter(site=site)
        .select_related("version")
        .prefetch_related(models.Prefetch("attempts", Attempt.objects.order_by("number")))[:limit]
    )


def run_as_dict(run: Run, pictures: list[Picture] | None = None) -> dict[str, Any]:
    """The run as the API shows it: JSON values, camelCase keys, amounts in whole tokens.

    pictures: what was sent with it; looked up when None, which asks nothing for a run without.
    """
    if pictures is None:
        pictures = pictures_of_runs([run]).get(run.pk, [])
    return {
        "id": str(run.pk),
        "siteId": str(run.site_id),
        "state": run.state,
        "model": run.model_slug,
        "modelUsed": run.model_used_slug or None,
        "prompt": run.prompt,
        "createdAt": _moment(run.created_at),
        "startedAt": _moment(run.started_at),
        "finishedAt": _moment(run.finished_at),
        "url": f"/api/runs/{run.pk}",
        "eventsUrl": f"/api/runs/{run.pk}/events",
        "cancelUrl": f"/api/runs/{run.pk}/cancel",
        "estimate": {
            "low": run.estimate_low,
            "high": run.estimate_high,
            "ceiling": run.ceiling,
        },
        "usage": _usage(run),
        "receipt": receipt_of(run) if run.is_terminal else None,
        "versionId": str(run.version_id) if run.version_id else None,
        "version": run.version.number if run.version else None,
        "notes": run.notes,
        "error": error_of(run),
        "images": [picture_as_dict(picture) for picture in pictures],
    }


def receipt_of(run: Run, *, pockets: Sequence[PocketCharge] | None = None) -> dict[str, Any]:
    """What a finished run cost: total, split over pockets, and each attempt.

    pockets: for who has just settled it; read from the ledger when None.
    """
    if pockets is None:
        pockets = settlement_of(hold_id=run.hold_id).pockets
    return {
        "charged": run.charged or 0,
        "pockets": [{"kind": kind, "amount": amount} for kind, amount in pockets],
        "estimated": run.usage_estimated,
        "attempts": [
            {
                "model": attempt.model_slug,
                "provider": attempt.provider_slug,
                "outcome": attempt.outcome,
                "charged": attempt.charged,
            }
            for attempt in _attempts_of(run)
        ],
    }


def _attempts_of(run: Run) -> Iterable[Attempt]:
    if "attempts" in getattr(run, "_prefetched_objects_cache", ()):
        return run.attempts.all()
    return _ATTEMPTS.all(run=run.pk)


def error_of(run: Run) -> dict[str, Any] | None:
    if not run.error_code:
        return None
    return {"code": run.error_code, "message": run.error_message, "charged": run.charged or 0}


def _usage(run: Run) -> dict[str, Any] | None:
    if run.output_tokens is None:
        return None
    return {
        "inputTokens": run.input_tokens,
        "outputTokens": run.output_tokens,
        "estimated": run.usage_estimated,
    }


def _moment(value: Any) -> str | None:
    return value.isoformat().replace("+00:00", "Z") if value else None


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """What the event stream needs to know of a run. `text` starts at the offset asked for."""

    run_id: UUID
    state: str
    terminal: bool
    text: str
    status: dict[str, Any]
    closing: list[tuple[str, dict[str, Any]]]


def run_snapshot(run_id: UUID, *, after: int) -> RunSnapshot:
    """State of a run and its checkpointed text from offset `after` (code points).

    Not scoped to a user: the caller has authorised. Raises NotFound.
    """
    run = Run.objects.select_related("version").filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such run.")
    # Sliced in Python: SQLite's substr stops at a NUL, PostgreSQL's does not.
    text = RunText.objects.filter(pk=run_id).values_list("text", flat=True).first() or ""
    return RunSnapshot(
        run_id=run.pk,
        state=run.state,
        terminal=run.is_terminal,
        text=text[after:],
        status=status_of(run),
        closing=closing_events(run) if run.is_terminal else [],
    )


def status_of(run: Run) -> dict[str, Any]:
    """A `status` event: `seconds` since it began. What came so far is only known to the worker
    that does the run (`progress_of`), and to everybody at the end."""
    started = run.started_at or run.created_at
    until = run.finished_at or timezone.now()
    status = {
        "state": run.state,
        "model": run.model_used_slug or run.model_slug,
        "seconds": round(max(0.0, (until - started).total_seconds()), 1),
        "ceiling": run.ceiling,
    }
    if run.is_terminal:
        status |= {"outputTokens": run.output_tokens or 0, "tokensSoFar": run.charged or 0}
    return status


def progress_of(
    run: Run, *, input_tokens: int, output_tokens: int, fallback_price: Price | None = None
) -> dict[str, Any]:
    """A `status` event of a running run. input_tokens, output_tokens: the model's own, as we
    count them; `tokensSoFar` is what they would be charged, at the lower of the two prices where
    a fallback answers."""
    so_far = min(
        charge(price, input_tokens=input_tokens, output_tokens=output_tokens)
        for price in (price_of(run), fallback_price)
        if price is not None
    )
    return {
        **status_of(run),
        "outputTokens": output_tokens,
        "tokensSoFar": min(so_far, run.ceiling) if output_tokens else 0,
    }


def closing_events(
    run: Run, *, pockets: Sequence[PocketCharge] | None = None
) -> list[tuple[str, dict[str, Any]]]:
    """The last events of a finished run: its files, the receipt, then `done`. pockets: see
    `receipt_of`."""
    paths = run.version.changed_paths if run.version else []
    return [
        *(("file", {"path": path, "complete": True}) for path in paths),
        ("status", status_of(run)),
        ("receipt", receipt_of(run, pockets=pockets)),
        (
            "done",
            {
                "state": run.state,
                "versionId": str(run.version_id) if run.version_id else None,
                "version": run.version.number if run.version else None,
                "notes": run.notes,
                "error": error_of(run),
            },
        ),
    ]
