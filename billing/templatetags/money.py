"""Template tags of the money pages."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import uuid4

from django import template
from django.conf import settings
from django.utils.safestring import SafeString

from billing.stripe.dashboard import stripe_link

register = template.Library()


@register.simple_tag
def buy_key() -> str:
    """An idempotency key for one button of one rendered page: pressed twice, it is one order."""
    return uuid4().hex


@register.simple_tag
def stripe(*ids: str) -> SafeString | str:
    """Ids of Stripe's as links into its dashboard, for staff."""
    return stripe_link(*ids)


@register.simple_tag
def payments_are_practice() -> bool:
    """Whether it is not Stripe who is paid but its emulator on this machine."""
    host = urlsplit(settings.STRIPE_API_BASE).hostname
    return host in {"127.0.0.1", "::1", "localhost"}
