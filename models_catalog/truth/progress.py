"""A comparison in words, for staff who watch it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from models_catalog.models import CatalogueComparison, Provider
from models_catalog.truth.comparisons import is_lost, lost_words
from models_catalog.truth.services import Outcome

State = CatalogueComparison.State
REFRESH_SECONDS: Final = 2
# Whoever waits this long for a worker waits for staff to start one.
PATIENT_AFTER_SECONDS: Final = 30
REFRESH_SLOWLY_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class Progress:
    """level: a class of Django's admin messages. lines: (level, what came of one provider).
    refresh_seconds: when to look again, None where nothing will change by itself."""

    level: str
    words: str
    lines: list[tuple[str, str]]
    refresh_seconds: int | None = None


def progress_of(comparison: CatalogueComparison, now: datetime) -> Progress:
    """How far a comparison is. One query while it is being done."""
    lines = [_line(result) for result in comparison.results]
    if is_lost(comparison, now):
        return Progress("error", _("The comparison failed. %(why)s") % {"why": lost_words()}, lines)
    if comparison.state == State.FAILED:
        words = _("The comparison failed. %(why)s") % {"why": comparison.error}
        return Progress("error", words, lines)
    if comparison.state == State.DONE:
        at = date_format(comparison.ended_at, "Y-m-d H:i") if comparison.ended_at else ""
        return Progress("success", _("Compared at %(at)s UTC.") % {"at": at}, lines)
    if comparison.started_at is None:
        return _waiting(round((now - comparison.asked_at).total_seconds()), lines)
    words = _("Comparing… started %(seconds)d s ago, %(done)d of %(all)d providers are through.")
    return Progress(
        "info",
        words
        % {
            "seconds": round((now - comparison.started_at).total_seconds()),
            "done": len(lines),
            "all": Provider.objects.count(),
        },
        lines,
        REFRESH_SECONDS,
    )


def _waiting(seconds: int, lines: list[tuple[str, str]]) -> Progress:
    if seconds < PATIENT_AFTER_SECONDS:
        words = _("Waiting for a worker, asked %(seconds)d s ago.") % {"seconds": seconds}
        return Progress("info", words, lines, REFRESH_SECONDS)
    words = _(
        "No worker has taken it for %(seconds)d s: is one running? Once there is, it is done;"
        " press the button to ring again."
    ) % {"seconds": seconds}
    return Progress("warning", words, lines, REFRESH_SLOWLY_SECONDS)


def _line(result: dict[str, Any]) -> tuple[str, str]:
    level, words = _told(result)
    return level, f"{result['name']}: {words}"


def _told(result: dict[str, Any]) -> tuple[str, str]:
    if result["outcome"] == Outcome.COMPARED:
        words = ngettext(
            "%(listed)d models listed, %(opened)d new finding.",
            "%(listed)d models listed, %(opened)d new findings.",
            result["opened"],
        )
        return "success", words % {"listed": result["listed"], "opened": result["opened"]}
    if result["outcome"] == Outcome.SKIPPED:
        return "info", _("switched off or without a key, so not asked.")
    return "error", _("nothing was changed. %(why)s") % {"why": result["message"]}
