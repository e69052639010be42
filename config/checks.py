"""System checks: what is not wrong enough to refuse to start, but wrong enough to be told."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Info, Tags, Warning, register
from django.db import DatabaseError


@register(Tags.database, deploy=True)
def check_database_is_for_many(**_options: Any) -> list[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return [
            Info(
                "Production runs on SQLite: one machine, one writer at a time.",
                hint="Set DATABASE_URL to a PostgreSQL before it grows.",
                id="sitewright.I001",
            )
        ]
    return []


@register(deploy=True)
def check_somebody_answers(**_options: Any) -> list[CheckMessage]:
    if not any(settings.PROVIDER_KEYS.values()):
        return [
            Warning(
                "No AI provider has a key: every model is unavailable.",
                hint="Set OPENROUTER_API_KEY or QWEN_API_KEY.",
                id="sitewright.W002",
            )
        ]
    return []


@register(deploy=True)
def check_sender(**_options: Any) -> list[CheckMessage]:
    if settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        return [
            Warning(
                "Mail is sent from an address at localhost, which mail servers refuse.",
                hint="Set DEFAULT_FROM_EMAIL.",
                id="sitewright.W003",
            )
        ]
    return []


@register()
def check_stripe_is_whole(**_options: Any) -> list[CheckMessage]:
    if settings.STRIPE_SECRET_KEY and not (settings.STRIPE_WEBHOOK_SECRET or _secret_is_kept()):
        return [
            Warning(
                "STRIPE_SECRET_KEY is set but STRIPE_WEBHOOK_SECRET is not: payments would "
                "succeed at Stripe and credit nothing here.",
                hint="Set the signing secret of the webhook endpoint, or run "
                "manage.py stripe_sync --register.",
                id="sitewright.W004",
            )
        ]
    return []


def _secret_is_kept() -> bool:
    """Whether the database has the secret that Stripe told when our endpoint was registered."""
    endpoints = apps.get_model("djstripe", "WebhookEndpoint").objects.exclude(secret="")
    try:
        return bool(endpoints.filter(livemode=settings.STRIPE_LIVE_MODE).exists())
    except DatabaseError:
        # Not migrated yet.
        return False
