"""How a run ends: one transaction for version, state and hold; then the world is told.

Whoever wins the compare-and-set on (state, fence) ends the run; everybody else does nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.services.holds import PocketCharge, hold_release, hold_settle
from billing.services.notices import balance_check
from builder.estimates import text_files
from builder.models import Attempt, Run, RunText, Version
from builder.pictures.naming import picture_path
from builder.reply import AppliedReply, ParsedReply, apply_reply
from builder.selectors.pictures import pictures_of_run
from builder.selectors.sites import version_files, version_latest
from builder.services.sites import site_lock
from builder.services.usage_correction import correction_ring
from builder.services.versions import version_create
from config.errors import DomainError
from config.prepared import PreparedInsert, PreparedSelect, PreparedUpdate, slot
from models_catalog.pricing import Price, charge, price_of

START_PAGE = "index.html"

# What the end writes to the run, and to its last attempt.
_ENDED_FIELDS = (
    *("state", "version", "model_used_slug", "input_tokens", "output_tokens", "usage_estimated"),
    *("charged", "error_code", "error_message", "notes", "first_content_at", "finished_at"),
    *("lease_until",),
)
_CLOSED_FIELDS = (
    *("outcome", "charged", "input_tokens", "output_tokens", "cost_usd", "cost_estimated"),
    *("token_cost", "billing_unit", "input_weight", "generation_id", "first_content_at"),
    *("ended_at",),
)
_OURS = PreparedSelect(
    lambda: (
        Run.objects.select_for_update()
        .filter(pk=slot(Run, "id"), state=Run.State.RUNNING, fence=slot(Run, "fence"))
        .values_list("pk")
    )
)
_END = PreparedUpdate(
    lambda: Run.objects.filter(pk=slot(Run, "id")),
    **{name: slot(Run, name) for name in _ENDED_FIELDS},
)
_TEXT = PreparedInsert(RunText, replacing=(["run"], ["fence", "text", "updated_at"]))
# Only the last one is open: those before it were ended when the next was tried.
_CLOSE = PreparedUpdate(
    lambda: Attempt.objects.filter(run=slot(Attempt, "run"), ended_at__isnull=True),
    **{name: slot(Attempt, name) for name in _CLOSED_FIELDS},
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A model's own tokens of one answer. `estimated`: counted by us, the provider was silent."""

    input_tokens: int
    output_tokens: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How generating ended, before anything is stored.

    error_code "" means that the model finished (or was stopped with something to keep).
    billable: whether a usable version is charged; a failure on the provider's or our side never
    is. parsed: None when there is nothing to store.
    """

    state: str
    error_code: str = ""
    error_message: str = ""
    billable: bool = True
    parsed: ParsedReply | None = None
    measured: Measured | None = None
    model_used_slug: str = ""
    text: str = ""
    truncated: bool = False
    attempt_outcome: str = "succeeded"
    generation_id: str = ""
    cost_usd: Decimal | None = None
    cost_estimated: bool = False
    notes: list[str] = field(default_factory=list)
    # Of the fallback that answered; None where the model that was asked did.
    fallback_price: Price | None = None


@dataclass(slots=True)
class Ended:
    """A run that has just ended, with its version; and what it was paid from."""

    run: Run
    pockets: tuple[PocketCharge, ...]


@dataclass(slots=True)
class _Stored:
    version: Version | None = None
    notes: list[str] = field(default_factory=list)
    error_code: str = ""
    error_message: str = ""
    price: Price | None = None
    pockets: tuple[PocketCharge, ...] = ()


def run_finish(*, run: Run, outcome: Outcome) -> Ended | None:
    """End a running run: store what is usable, charge what is due, free the rest of the hold.

    None, and nothing changed, if the run is no longer this worker's (fence).
    """
    with transaction.atomic():
        # The site first, then the run, then the ledger: the same order as everywhere.
        site_lock(run.site)
        if not _OURS.rows(id=run.pk, fence=run.fence):
            return None
        stored = _store(run, outcome)
        charged = _charge(run, outcome, stored)
        ended = _save(run, outcome, stored, charged)
    if outcome.generation_id and outcome.measured is not None and outcome.measured.estimated:
        correction_ring(run.pk)
    return Ended(ended, stored.pockets)


def _store(run: Run, outcome: Outcome) -> _Stored:
    """Make the version out of the answer, if it is usable."""
    if outcome.parsed is None:
        return _Stored()
    latest = version_latest(run.site, bare=True)
    base = version_files(latest) if latest is not None else {}
    base_text = text_files(base)
    applied = apply_reply(base_text, outcome.parsed)
    notes = _notes(applied, run, latest)
    if not applied.changed:
        code, message = _nothing_usable(applied, outcome)
        return _Stored(notes=notes, error_code=code, error_message=message)
    pictures = {picture_path(one.name): bytes(one.content) for one in pictures_of_run(run)}
    files: dict[str, str | bytes] = {**base, **applied.files, **pictures}
    if not _has_start_page(files):
        return _Stored(
            notes=notes,
            error_code="no_start_page",
            error_message=_("The answer had no start page (index.html). Not charged. Try again."),
        )
    try:
        # In a savepoint of its own: a refused version must not undo the end of the run around it.
        version = version_create(
            site=run.site,
            files=files,
            origin=Version.Origin.RUN,
            parent=latest,
            summary=run.prompt[:200],
            changed_paths=[*applied.changed, *(path for path in pictures if path not in base)],
            on_top_of_parent=True,
        )
    except DomainError as refused:
        return _Stored(notes=notes, error_code="not_storable", error_message=refused.message)
    return _Stored(version=version, notes=notes)


def _has_start_page(files: Mapping[str, Any]) -> bool:
    return START_PAGE in files


def _nothing_usable(applied: AppliedReply, outcome: Outcome) -> tuple[str, str]:
    if outcome.truncated:
        return "truncated", _(
            "The answer was cut off before a whole file was finished. Not charged."
            " Ask for less at once, or choose a model with a longer answer."
        )
    if any(error.code in {"search_not_found", "search_ambiguous"} for error in applied.errors):
        return "edit_matched_nothing", _(
            "The model's edits did not fit the site, so nothing was changed. Not charged."
            " Try again, say it in other words, or choose another model."
        )
    if applied.errors:
        return "unusable", _("The answer could not be used: %(why)s. Not charged. Try again.") % {
            "why": applied.errors[0].message.rstrip(".")
        }
    if not outcome.text.strip():
        return "empty", _("The model gave an empty answer. Not charged. Try again.")
    return "unparseable", _(
        "The answer had no files in it. Not charged. Try again or choose another model."
    )


def _notes(applied: AppliedReply, run: Run, latest: Version | None) -> list[str]:
    """What was left out, for the person; nothing is dropped silently."""
    notes = [error.message for error in applied.errors[:10]]
    if applied.changed and run.base_version_id != (latest.pk if latest else None):
        notes.append(_("The site had changed meanwhile; this was applied to its newest version."))
    return notes


def _charge(run: Run, outcome: Outcome, stored: _Stored) -> int:
    """Settle or free the hold. Tokens charged."""
    measured = outcome.measured
    if stored.version is None or not outcome.billable or measured is None:
        hold_release(hold_id=run.hold_id)
        return 0
    due, stored.price = _due(run, outcome, measured)
    if stored.price.token_cost < run.token_cost:
        words = _("You paid the lower of the two prices: ×%(paid)d instead of ×%(quoted)d.")
        stored.notes.append(words % {"paid": stored.price.token_cost, "quoted": run.token_cost})
    # Never above the ceiling quoted: what a provider counts beyond it is our loss.
    settled = hold_settle(hold_id=run.hold_id, amount=min(due, run.ceiling))
    stored.pockets = settled.pockets
    # Robust: a notice that fails to be written must not fail the run, which is stored by then.
    transaction.on_commit(partial(balance_check, user_id=run.owner_id), robust=True)
    return settled.charged


def _due(run: Run, outcome: Outcome, measured: Measured) -> tuple[int, Price]:
    """Tokens due and at which price: the one quoted, or a fallback's where that comes out lower."""
    prices = [price_of(run)]
    if outcome.fallback_price is not None:
        prices.append(outcome.fallback_price)
    costs = [
        charge(price, input_tokens=measured.input_tokens, output_tokens=measured.output_tokens)
        for price in prices
    ]
    lowest = costs.index(min(costs))
    return costs[lowest], prices[lowest]


def _save(run: Run, outcome: Outcome, stored: _Stored, charged: int) -> Run:
    """The run as it is now stored: a copy, as the one under way is still told of."""
    if stored.version is not None and outcome.error_code and not outcome.billable:
        stored.notes.append(_kept_note(stored.version))
    state = outcome.state
    if stored.version is None and state == Run.State.SUCCEEDED:
        state = Run.State.FAILED
    stopped = state == Run.State.CANCELLED
    measured = outcome.measured
    ended = copy.copy(run)
    ended.state = state
    ended.version = stored.version
    ended.model_used_slug = outcome.model_used_slug
    ended.input_tokens = measured.input_tokens if measured else None
    ended.output_tokens = measured.output_tokens if measured else None
    ended.usage_estimated = bool(measured and measured.estimated)
    ended.charged = charged
    ended.error_code = "" if stopped else outcome.error_code or stored.error_code
    message = outcome.error_message or stored.error_message
    ended.error_message = "" if stopped else message[:500]
    ended.notes = [*outcome.notes, *stored.notes]
    ended.finished_at = timezone.now()
    ended.lease_until = None
    values = {name: getattr(ended, name) for name in _ENDED_FIELDS}
    _END.run(**{**values, "id": run.pk, "version": ended.version_id})
    _TEXT.run(RunText(run=run, fence=run.fence, text=outcome.text))
    _close_attempt(ended, outcome, stored)
    return ended


def _kept_note(version: Version) -> str:
    kept = len(version.changed_paths)
    return ngettext(
        "%(count)d finished file was kept as version %(number)d.",
        "%(count)d finished files were kept as version %(number)d.",
        kept,
    ) % {"count": kept, "number": version.number}


def _close_attempt(ended: Run, outcome: Outcome, stored: _Stored) -> None:
    price = stored.price
    _CLOSE.run(
        run=ended.pk,
        outcome=_attempt_outcome(outcome, stored),
        charged=ended.charged,
        input_tokens=ended.input_tokens,
        output_tokens=ended.output_tokens,
        cost_usd=outcome.cost_usd,
        cost_estimated=outcome.cost_estimated,
        token_cost=price.token_cost if price else None,
        billing_unit=price.billing_unit if price else "",
        input_weight=price.input_weight if price else None,
        generation_id=outcome.generation_id[:120],
        first_content_at=ended.first_content_at,
        ended_at=ended.finished_at,
    )


def _attempt_outcome(outcome: Outcome, stored: _Stored) -> str:
    """A stop stays a stop, also where nothing usable had come; else why nothing was stored."""
    if stored.version is None and outcome.state == Run.State.SUCCEEDED:
        return stored.error_code or outcome.attempt_outcome
    return outcome.attempt_outcome
