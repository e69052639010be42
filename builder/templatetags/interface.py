"""Template tags of the interface: icons, amounts, the current page in a navigation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from models_catalog.selectors import ModelRow

register = template.Library()

POCKET_LABELS = {
    "free_monthly": _("Free this month"),
    "purchased": _("Purchased"),
    "premium_daily": _("Premium today"),
    "adjustment": _("From our staff"),
}


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """A decorative icon of static/img/icons.svg; `size` is "" or "sm". Hidden from readers."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        f" icon-{size}" if size else "",
        static("img/icons.svg"),
        name,
    )


@register.filter
def grouped(value: Any) -> str:
    """A whole number with its thousands set apart, the same in every language: 8,420.

    Django's own grouping would write 1,0000 in Chinese, where prices and amounts are grouped by
    three all the same.
    """
    return f"{int(value):,}" if value not in (None, "") else ""


@register.filter
def moment(value: datetime | None, style: str = "short") -> str:
    """An instant in the reader's zone and language. style: short, full (with the year), zone, day.

    Django's `date` filter would write "22 十一月" in Chinese: the order is part of a language too.
    """
    if value is None:
        return ""
    formats = {
        "short": pgettext("date format", "j M, H:i"),
        "full": pgettext("date format", "j M Y, H:i"),
        "zone": pgettext("date format", "j M, H:i T"),
        "day": pgettext("date format", "j M Y"),
    }
    return date_format(localtime(value), formats[style])


@register.filter
def dollars(cents: int) -> str:
    """Minor units as a price: 500 → $5, 1050 → $10.50."""
    whole, rest = divmod(int(cents), 100)
    return f"${whole:,}.{rest:02d}" if rest else f"${whole:,}"


@register.filter
def dollars_exact(cents: float) -> str:
    """A price with its cents, rounded to the nearest: 222.2 → $2.22."""
    return f"${cents / 100:,.2f}"


@register.simple_tag
def pages_bought(row: ModelRow | None, tokens: int | None) -> int | None:
    """How many usual one-page sites an amount buys on a model; None when either is unknown."""
    if row is None or not isinstance(tokens, int):
        return None
    return tokens // row.typical_page_tokens


@register.simple_tag(takes_context=True)
def here(context: template.Context, path: str) -> SafeString | str:
    """`aria-current="page"` when the page shown is `path` or below it."""
    request = context.get("request")
    if request is None or not path:
        return ""
    below = path != "/" and request.path.startswith(path)
    return mark_safe('aria-current="page"') if request.path == path or below else ""


@register.simple_tag
def pocket_label(kind: str) -> str:
    """A pocket's name as people read it."""
    return str(POCKET_LABELS.get(kind, kind))


@register.simple_tag
def pocket_parts(standing: Any) -> dict[str, list[dict[str, Any]]]:
    """What the pocket bar draws: `bar`, slices in percent of all there is (available first, then
    held, pocket by pocket), and `pockets`, the rows of its legend."""
    # An empty free pocket is told all the same: people want to know when it is full again.
    pockets = [
        pocket
        for pocket in standing.pockets
        if pocket.available or pocket.held or pocket.kind == "free_monthly"
    ]
    total = sum(pocket.available + pocket.held for pocket in pockets)
    bar: list[dict[str, Any]] = []
    start = 0.0
    for pocket in pockets:
        for amount, held in ((pocket.available, False), (pocket.held, True)):
            if amount:
                width = 100 * amount / total
                # Numbers for SVG: a comma of the reader's language would break them.
                slice_ = {"start": f"{start:.3f}", "width": f"{width:.3f}"}
                bar.append({"kind": pocket.kind, "held": held, **slice_})
                start += width
    rows = [
        {
            "kind": pocket.kind,
            "label": pocket_label(pocket.kind),
            "available": pocket.available,
            "held": pocket.held,
            "expires_at": pocket.expires_at
            or (standing.next_reset if pocket.kind == "free_monthly" else None),
        }
        for pocket in pockets
    ]
    return {"bar": bar, "pockets": rows}


@register.simple_tag
def widget(field: BoundField, css_class: str) -> SafeString:
    """The field's widget with our class, marked invalid and tied to its errors when it has some."""
    wrong = " is-invalid" if field.errors else ""
    attributes: dict[str, str | bool] = {"class": css_class + wrong}
    if field.errors:
        attributes["aria-invalid"] = "true"
        ids = [f"{field.id_for_label}_error{number}" for number in range(len(field.errors))]
        if field.help_text:
            ids.append(f"{field.id_for_label}_helptext")
        attributes["aria-describedby"] = " ".join(ids)
    return field.as_widget(attrs=attributes)
