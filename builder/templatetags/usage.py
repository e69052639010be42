"""Template tags of usage and receipts: names of models, pockets, outcomes and days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django import template
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from builder.models import Attempt, Run

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
    "first_token_timeout": _("No answer in time"),
    "idle_timeout": _("Fell silent"),
    "total_timeout": _("Took too long"),
    "too_long": _("The answer grew beyond its limit"),
    "connect_failed": _("The provider could not be reached"),
    "dns_failed": _("The provider could not be reached"),
    "tls_failed": _("No secure connection to the provider"),
    "proxy_failed": _("Our proxy could not be used"),
    "bad_response": _("Not an answer of a model"),
    "bad_request": _("The provider did not accept the request"),
    "not_found": _("The provider did not have the model"),
    "unauthorized": _("The provider did not serve us"),
    "payment_required": _("The provider did not serve us"),
    "not_storable": _("The answer could not be stored"),
    "internal_error": _("Something broke on our side"),
    "shutdown": _("Interrupted on our side"),
    "lease_lost": _("Interrupted on our side"),
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
def provider_name(slug: str, names: Mapping[str, str]) -> str:
    """A provider's name; its id once it has left the catalogue."""
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
def read_cost(run: Run | Attempt) -> str:
    """Tokens charged for each token that the model read: 0.6. Exact, so not rounded."""
    return f"{((run.token_cost or 0) * Decimal(run.input_weight or 0)).normalize():f}"


@register.filter
def day(value: date) -> str:
    """A date in the reader's language."""
    return date_format(value, pgettext("date format", "j M Y"))
