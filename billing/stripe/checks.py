"""System checks about Stripe: what would lose payments or misread events, told beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import stripe
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError
from djstripe.settings import djstripe_settings
from stripe._api_version import _ApiVersion

from billing.services.stripe_endpoint import endpoint_of
from billing.stripe.api import purchases_open


@register(Tags.compatibility)
def check_api_version(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """One version of Stripe's API: the library's types, our calls, and dj-stripe's."""
    pinned = settings.STRIPE_API_VERSION
    spoken = {
        "the stripe library is made for": _ApiVersion.CURRENT,
        "dj-stripe calls with": djstripe_settings.STRIPE_API_VERSION,
        "the stripe library's global client calls with": stripe.api_version,
    }
    return [
        Error(
            f"STRIPE_API_VERSION is {pinned}, and {who} {version}",
            hint="docs/stripe.md says how to move to another version.",
            id="billing.E010",
        )
        for who, version in spoken.items()
        if version != pinned
    ]


@register(Tags.compatibility)
def check_endpoint(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """While things can be bought, there is an endpoint, with a secret, of the pinned version."""
    if not purchases_open():
        return []
    try:
        endpoint = endpoint_of()
    except DatabaseError:
        # Not migrated yet.
        return []
    if endpoint is None:
        return [
            Warning(
                "Purchases are open and there is no webhook endpoint: payments are noticed when"
                " people come back, or within the hour.",
                hint="Run manage.py stripe_sync --register.",
                id="billing.W010",
            )
        ]
    if endpoint.api_version != settings.STRIPE_API_VERSION:
        return [
            Warning(
                f"The webhook endpoint renders events at {endpoint.api_version or 'no version'},"
                f" and STRIPE_API_VERSION is {settings.STRIPE_API_VERSION}.",
                hint="Run manage.py stripe_sync --register: it makes the endpoint anew.",
                id="billing.W011",
            )
        ]
    return []
