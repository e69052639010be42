"""Template tags of the status page."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _

from builder import status_words
from builder.selectors.health import HealthRow
from builder.templatetags.interface import moment

register = template.Library()

BAR_STEP, BAR_HEIGHT = 4, 20
# Below this many a percentage says more than is known.
FEW = 20


@register.simple_tag
def why(row: HealthRow) -> str:
    """Why it is not working, "" where it is."""
    return status_words.why(row)


@register.simple_tag
def condition_word(row: HealthRow) -> str:
    return status_words.condition_word(row.condition)


@register.simple_tag
def seconds(milliseconds: int) -> str:
    """A wait as people say it: 0.4 s, 12 s."""
    value = milliseconds / 1000
    return _("%(seconds)s s") % {"seconds": f"{value:.1f}" if value < 10 else f"{value:.0f}"}


@register.simple_tag
def share(row: HealthRow) -> str:
    """How many of its attempts were answered: of a few the numbers, of many the percentage."""
    total = row.answered + row.failed
    if not total:
        return _("no runs in 24 hours")
    if total < FEW:
        return _("%(answered)d of %(total)d answered") % {
            "answered": row.answered,
            "total": total,
        }
    return _("%(share)s %% answered") % {"share": row.success_percent}


@register.simple_tag
def hour_bars(row: HealthRow) -> dict[str, Any]:
    """What the bars draw: `bars` with x, y, height, kind (ok, some, bad, none) and title."""
    bars = []
    for number, hour in enumerate(row.hours):
        total = hour.answered + hour.failed
        share = hour.answered / total if total else 0.0
        # An hour without runs is a low mark, one in which all failed is full and red.
        height = BAR_HEIGHT if total else 4
        kind = "none" if not total else "ok" if share >= 0.99 else "some" if share >= 0.5 else "bad"
        title = _("%(time)s: %(answered)d of %(total)d answered") % {
            "time": moment(hour.at),
            "answered": hour.answered,
            "total": total,
        }
        bars.append(
            {
                "x": number * BAR_STEP,
                "y": BAR_HEIGHT - height,
                "height": height,
                "kind": kind,
                "title": title,
            }
        )
    label = _("Last 24 hours: %(answered)d of %(total)d answered") % {
        "answered": row.answered,
        "total": row.answered + row.failed,
    }
    return {"bars": bars, "label": label}
