"""System checks that need what tokens are worth: models sold below cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

from billing.models import Offer
from builder.token_value import token_usd_least
from models_catalog.models import Route
from models_catalog.truth.actions import prices_text
from models_catalog.truth.comparing import below_cost


@register(Tags.database)
def models_pay_for_themselves(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Run by `check --database default`, and before each migrate (so columns may be missing)."""
    if "default" not in (databases or ()) or not _tables_are_there():
        return []
    routes = Route.objects.filter(enabled=True, provider__enabled=True).select_related(
        "model", "provider"
    )
    found: list[CheckMessage] = []
    for one in below_cost(routes, token_usd=token_usd_least()):
        earned, cost = prices_text(one.detail["earned"]), prices_text(one.detail["cost"])
        least = one.detail["least_token_cost"]
        found.append(
            Warning(
                f"{one.route} is sold below cost: a million tokens bring {earned}, "
                f"and cost us {cost}.",
                hint=f"Raise its token cost to {least}." if least else "Raise its input weight.",
                id="builder.W001",
            )
        )
    return found


def _tables_are_there() -> bool:
    connection = connections["default"]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if not {Route._meta.db_table, Offer._meta.db_table} <= tables:
            return False
        description = connection.introspection.get_table_description(cursor, Route._meta.db_table)
    return {field.column for field in Route._meta.concrete_fields} <= {
        column.name for column in description
    }
