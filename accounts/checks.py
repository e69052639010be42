"""System checks: how people, and staff above all, sign in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from accounts.models import User
from accounts.selectors import staff_without_mfa


@register(Tags.security)
def tokens_end_with_the_session(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not settings.HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED:
        found.append(
            Error(
                "Access tokens would outlive a log-out.",
                hint="Set HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True.",
                id="accounts.E001",
            )
        )
    if settings.HEADLESS_JWT_PRIVATE_KEY in ("", settings.SECRET_KEY):
        found.append(
            Error(
                "Access tokens must be signed with a key of their own.",
                hint="Set JWT_SECRET to something else than SECRET_KEY.",
                id="accounts.E002",
            )
        )
    return found


@register(Tags.database)
def staff_have_a_second_factor(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Run by `check --database default`, and before each migrate (so tables may be missing)."""
    if settings.DEBUG or "default" not in (databases or ()):
        return []
    tables = set(connections["default"].introspection.table_names())
    if not {User._meta.db_table, Authenticator._meta.db_table} <= tables:
        return []
    count = staff_without_mfa()
    if not count:
        return []
    return [
        Warning(
            f"{count} active staff account(s) can be entered with a password alone.",
            hint="Each should add an authenticator app or a passkey at /accounts/2fa/.",
            id="accounts.W001",
        )
    ]
