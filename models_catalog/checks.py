"""System checks: a configuration or a catalogue under which people would be let down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from models_catalog.fallbacks import edges_of, find_loop
from models_catalog.models import AIModel, Fallback
from models_catalog.selectors import availability, models_all


@register()
def proxy_is_a_bare_host(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if any(mark in settings.PROXY_HOST for mark in ("/", "@", " ")):
        return [
            Error(
                "PROXY_HOST must be a bare host name or address.",
                hint="Put the port in PROXY_PORT, the login in PROXY_USER and PROXY_PASSWORD.",
                id="models_catalog.E001",
            )
        ]
    return []


@register()
def some_provider_has_a_key(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    configured = any([*settings.PROVIDER_KEYS.values(), *settings.PROVIDER_BASE_URLS.values()])
    if settings.DEBUG or configured:
        return []
    return [
        Warning(
            "No AI provider has a key: no model can be chosen.",
            hint="Set OPENROUTER_API_KEY, QWEN_API_KEY, or both.",
            id="models_catalog.W001",
        )
    ]


@register(Tags.database)
def catalogue_can_serve(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Run by `check --database default`, and before each migrate (so tables may be missing)."""
    if "default" not in (databases or ()):
        return []
    tables = set(connections["default"].introspection.table_names())
    if not {AIModel._meta.db_table, Fallback._meta.db_table} <= tables:
        return []
    models = models_all()
    if not models:
        return []
    return [*_choosable(models), *_fallbacks_lead_somewhere(models)]


def _choosable(models: list[AIModel]) -> list[CheckMessage]:
    # On the embedded default the samples are wired in by whatever starts the processes.
    if settings.DEBUG or any(availability(model).available for model in models):
        return []
    reasons = sorted({availability(model).reason for model in models})
    return [
        Warning(
            "No model of the catalogue can be chosen.",
            hint="Reasons given: " + "; ".join(reasons),
            id="models_catalog.W002",
        )
    ]


def _fallbacks_lead_somewhere(models: list[AIModel]) -> list[CheckMessage]:
    names = {model.pk: model.name for model in models}
    found: list[CheckMessage] = []
    ordinary = Fallback.objects.filter(last_resort=False)
    loop = find_loop(edges_of(ordinary.values_list("model_id", "fallback_id")))
    if loop:
        circle = " → ".join(names[pk] for pk in loop)
        found.append(Warning(f"Fallbacks lead in a circle: {circle}.", id="models_catalog.W003"))
    blind = Fallback.objects.filter(model__vision=True, fallback__vision=False)
    for fallback in blind.select_related("model", "fallback"):
        found.append(
            Warning(
                f"{fallback.model} understands pictures, its fallback {fallback.fallback} "
                "does not.",
                hint="It is skipped until corrected in the admin.",
                id="models_catalog.W004",
            )
        )
    return found
