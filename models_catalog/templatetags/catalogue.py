"""Dollars, and the findings that wait for staff, in templates."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.db.models import Count

from models_catalog.models import CatalogueFinding

register = template.Library()


@register.filter
def usd(amount: Decimal) -> str:
    """`$1,234.50`; below a dollar with four places, since a run costs a fraction of a cent."""
    places = 2 if abs(amount) >= 1 or not amount else 4
    sign = "−" if round(amount, places) < 0 else ""
    return f"{sign}${abs(amount):,.{places}f}"


@register.simple_tag
def open_findings() -> list[tuple[str, str, int]]:
    """(kind, its name, how many) of the findings that are open and not dismissed."""
    rows = CatalogueFinding.objects.filter(resolved_at=None, dismissed_at=None)
    counts = dict(rows.values_list("kind").annotate(count=Count("pk")).order_by())
    kinds = CatalogueFinding.Kind
    return [(kind.value, str(kind.label), counts[kind]) for kind in kinds if kind in counts]
