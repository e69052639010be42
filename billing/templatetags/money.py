"""Template tags of the money pages."""

from __future__ import annotations

from uuid import uuid4

from django import template

register = template.Library()


@register.simple_tag
def buy_key() -> str:
    """An idempotency key for one button of one rendered page: pressed twice, it is one order."""
    return uuid4().hex
