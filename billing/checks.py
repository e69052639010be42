"""System checks: settings under which the ledger would be wrong, told before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from billing.models import Grant


@register(Tags.compatibility)
def check_tokens(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """The free month is at least 1 token, and every pocket has a place in the spending order."""
    problems: list[CheckMessage] = []
    amount = getattr(settings, "FREE_MONTHLY_TOKENS", None)
    if not _is_count(amount) or amount == 0:
        problems.append(
            Error(
                "FREE_MONTHLY_TOKENS must be a whole number of tokens, at least 1",
                id="billing.E001",
            )
        )
    priorities = getattr(settings, "POCKET_PRIORITIES", {})
    for kind in Grant.Kind.values:
        if not _is_count(priorities.get(kind)):
            problems.append(
                Error(
                    f"POCKET_PRIORITIES needs a whole number for {kind!r}",
                    hint="The pocket with the lowest number is spent first.",
                    id="billing.E002",
                )
            )
    return problems


@register(Tags.compatibility)
def check_database(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """The ledger is right at READ COMMITTED on PostgreSQL, and with IMMEDIATE on SQLite."""
    database = settings.DATABASES["default"]
    options = database.get("OPTIONS", {})
    if database["ENGINE"].endswith("sqlite3"):
        if str(options.get("transaction_mode", "")).upper() not in {"IMMEDIATE", "EXCLUSIVE"}:
            return [
                Error(
                    "SQLite must begin transactions IMMEDIATE, or two holds can spend one balance",
                    hint='OPTIONS = {"transaction_mode": "IMMEDIATE"}',
                    id="billing.E003",
                )
            ]
    elif options.get("isolation_level") is not None and options["isolation_level"] != 2:
        return [
            Error(
                "PostgreSQL must run at READ COMMITTED: holds would fail to serialise",
                hint="Leave isolation_level out of the database's OPTIONS.",
                id="billing.E004",
            )
        ]
    return []


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
