"""Template tags of usage and receipts: names of models, pockets, outcomes and days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django import template
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from builder.models import Run

register = template.Library()

# Without "this month" and "today", which balances say: here they are of any month and day.
POCKET_NAMES = {
    "free_monthly": _("Free"),
    "purchased": _("Purchased"),
    "premium_daily": _("Premium"),
    "adjustment": _("From our staff"),
}
_ELSE = _("Failed: %(code)s")
ATTEMPT_OUTCOMES = {
    "running": _("Running"),
    "succeeded": _("Answered"),
    "cancelled": _("Stopped by you"),
    "length": _("Answered up to the length limit"),
    "interrupted": _("Interrupted on our side"),
    "refused": _("The model refused"),
    "empty": _("Empty answer"),
    "unparseable": _("No files in the answer"),
    "unusable": _("The answer could not be used"),
    "edit_matched_nothing": _("The edits did not fit the site"),
    "no_start_page": _("No start page in the answer"),
    "truncated": _("Cut off before a file was finished"),
    "cut": _("The provider broke off"),
    "rate_limited": _("The provider was too busy"),
    "timeout": _("No answer in time"),
    "unavailable": _("The provider was not available"),
    "server_error": _("The provider failed"),
    "context_too_long": _("The request was too long for the model"),
}


@register.simple_tag
def pocket_name(kind: str) -> str:
    """A pocket's name, whatever the time it is about."""
    return str(POCKET_NAMES.get(kind, kind))


@register.simple_tag
def model_name(slug: str, names: Mapping[str, str]) -> str:
    """A model's name; its id once it has left the catalogue."""
    return names.get(slug, slug)


@register.simple_tag
def model_used(run: Run, names: Mapping[str, str]) -> str:
    """The name of the model that answered, else of the one asked for."""
    return model_name(run.model_used_slug or run.model_slug, names)


@register.simple_tag
def attempt_outcome(code: str) -> str:
    """How an attempt ended, in words."""
    return str(ATTEMPT_OUTCOMES.get(code) or _ELSE % {"code": code.replace("_", " ")})


@register.filter
def read_cost(run: Run) -> str:
    """Tokens charged for each token that the model read: 0.6. Exact, so not rounded."""
    return f"{(run.token_cost * run.input_weight).normalize():f}"


@register.filter
def day(value: date) -> str:
    """A date in the reader's language."""
    return date_format(value, pgettext("date format", "j M Y"))
