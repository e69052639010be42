"""Reads of the catalogue: what can be run, through what, and why something can not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import quote

from django.conf import settings
from django.core.validators import slug_re
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from config.errors import NotFound
from models_catalog.models import AIModel, Provider, Route
from models_catalog.pricing import (
    TYPICAL_PAGE_INPUT_TOKENS,
    TYPICAL_PAGE_OUTPUT_TOKENS,
    Price,
    charge,
    price_of,
)

# Where the stand-in for each kind of API lives below AI_EMULATOR_URL.
EMULATOR_PATHS: Final = {
    Provider.Adapter.OPENROUTER: "/openrouter/api/v1",
    Provider.Adapter.DASHSCOPE: "/dashscope/compatible-mode/v1",
    Provider.Adapter.OPENAI_COMPATIBLE: "/openai/v1",
    Provider.Adapter.ANTHROPIC: "/anthropic",
}
EMULATOR_KEY: Final = "emulated"


class KeyState(Enum):
    SET = "set"
    URL_ONLY = "url_only"
    EMULATED = "emulated"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Availability:
    """`reason`: in plain words why a person can not choose it; "" when available."""

    available: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """Everything a provider client needs to call one route. Holds a key: never log or show it."""

    model_slug: str
    provider_slug: str
    provider_name: str
    adapter: str
    provider_model_id: str
    base_url: str
    api_key: str
    proxy_url: str | None
    headers: tuple[tuple[str, str], ...]
    emulated: bool

    def __repr__(self) -> str:
        return f"<RouteTarget {self.model_slug} via {self.provider_slug}>"


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model as the page and the API show it. `provider`: the name of the one it goes to."""

    model: AIModel
    price: Price
    provider: str
    availability: Availability
    emulated: bool

    @property
    def typical_page_tokens(self) -> int:
        """What the one-page site of the price lists costs on this model."""
        return charge(
            self.price,
            input_tokens=TYPICAL_PAGE_INPUT_TOKENS,
            output_tokens=TYPICAL_PAGE_OUTPUT_TOKENS,
        )


@dataclass(frozen=True, slots=True)
class _Endpoint:
    base_url: str
    api_key: str
    emulated: bool


def model_get(slug: str) -> AIModel:
    """The model with its routes and providers. Raises NotFound, also for what is no slug."""
    # Checked first: a database refuses NUL or a lone surrogate with an error of its own.
    sluggish = len(slug) <= 50 and slug_re.fullmatch(slug)
    model = _with_routes(AIModel.objects.filter(slug=slug)).first() if sluggish else None
    if model is None:
        raise NotFound(_("There is no such model. The list of models has every id."))
    return model


def models_all() -> list[AIModel]:
    """Every model in the catalogue's order, with routes and providers, in three queries."""
    return list(_with_routes(AIModel.objects.all()))


def models_listed() -> list[ModelRow]:
    """Every model in the catalogue's order, also those that are unavailable, with the reason."""
    return [_row(model) for model in models_all()]


def availability(model: AIModel) -> Availability:
    """Whether a person can choose it right now."""
    if not model.enabled:
        return Availability(False, model.disabled_reason or _("switched off by our staff"))
    routes = list(model.routes.all())
    problems = [(route, route_problem(route)) for route in routes]
    if any(not problem for _route, problem in problems):
        return Availability(True)
    # The route people would normally get explains best; one that is meant to be off does not.
    meant = [problem for route, problem in problems if route.enabled and route.provider.enabled]
    reasons = meant or [problem for _route, problem in problems]
    return Availability(False, reasons[0] if reasons else _("no provider serves it at the moment"))


def routes_of(model: AIModel) -> list[RouteTarget]:
    """The usable ways to reach it, first tried first. Empty when it is unavailable."""
    if not model.enabled:
        return []
    return [_target(model, route) for route in model.routes.all() if not route_problem(route)]


def fallbacks_of(model: AIModel) -> list[AIModel]:
    """The models to try when every route failed, in order; only those available now."""
    candidates = _with_routes(
        AIModel.objects.filter(fallback_of__model=model).order_by(
            "fallback_of__position", "fallback_of__pk"
        )
    )
    return [
        candidate
        for candidate in candidates
        if availability(candidate).available and (candidate.vision or not model.vision)
    ]


def emulation_in_use() -> bool:
    """Whether some answers come from samples: an enabled provider has neither key nor URL."""
    if not settings.AI_EMULATOR_URL:
        return False
    return any(_endpoint(provider).emulated for provider in Provider.objects.filter(enabled=True))


def provider_problem(provider: Provider) -> str:
    """Why nothing can be sent to it, in plain words; "" when it can."""
    if not provider.enabled:
        return provider.disabled_reason or _("switched off by our staff")
    if not _endpoint(provider).base_url:
        return _("no key is set for %(provider)s") % {"provider": provider.name}
    return ""


def route_problem(route: Route) -> str:
    """Why this way to its model can not be used, in plain words; "" when it can."""
    if not route.enabled:
        return route.disabled_reason or _("switched off by our staff")
    return provider_problem(route.provider)


def key_state(provider: Provider) -> KeyState:
    """Whether its key is there; never the key itself."""
    endpoint = _endpoint(provider)
    if endpoint.emulated:
        return KeyState.EMULATED
    if endpoint.api_key:
        return KeyState.SET
    return KeyState.URL_ONLY if endpoint.base_url else KeyState.MISSING


def _with_routes(models: QuerySet[AIModel]) -> QuerySet[AIModel]:
    routes = Route.objects.select_related("provider").order_by("priority", "pk")
    return models.prefetch_related(Prefetch("routes", queryset=routes))


def _row(model: AIModel) -> ModelRow:
    routes: Sequence[Route] = list(model.routes.all())
    usable = [route for route in routes if not route_problem(route)]
    shown = (usable or routes)[:1]
    return ModelRow(
        model=model,
        price=price_of(model),
        provider=shown[0].provider.name if shown else "",
        availability=availability(model),
        emulated=bool(usable) and _endpoint(usable[0].provider).emulated,
    )


def _target(model: AIModel, route: Route) -> RouteTarget:
    provider = route.provider
    endpoint = _endpoint(provider)
    proxied = provider.use_proxy and not endpoint.emulated
    return RouteTarget(
        model_slug=model.slug,
        provider_slug=provider.slug,
        provider_name=provider.name,
        adapter=provider.adapter,
        provider_model_id=route.provider_model_id,
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,
        proxy_url=_proxy_url() if proxied else None,
        headers=_headers(provider),
        emulated=endpoint.emulated,
    )


def _endpoint(provider: Provider) -> _Endpoint:
    """Where its calls go. The environment's URL wins; `base_url` "" means: nowhere."""
    key = _from_environment(settings.PROVIDER_KEYS, provider.key_variable)
    base_url = _from_environment(settings.PROVIDER_BASE_URLS, provider.base_url_variable)
    if key or base_url:
        return _Endpoint(base_url or provider.base_url.rstrip("/"), key, emulated=False)
    if settings.AI_EMULATOR_URL:
        path = EMULATOR_PATHS[Provider.Adapter(provider.adapter)]
        return _Endpoint(settings.AI_EMULATOR_URL + path, EMULATOR_KEY, emulated=True)
    return _Endpoint("", "", emulated=False)


def _from_environment(known: dict[str, str], name: str) -> str:
    # Staff may add a provider whose variable the settings do not name. The column's validator
    # keeps that to `…_API_KEY`, so no other secret of ours can be sent out by a catalogue row.
    return known[name] if name in known else os.environ.get(name, "").strip()


def _proxy_url() -> str | None:
    if not settings.PROXY_HOST:
        return None
    login = ""
    if settings.PROXY_USER:
        login = f"{quote(settings.PROXY_USER, safe='')}:{quote(settings.PROXY_PASSWORD, safe='')}@"
    return f"http://{login}{settings.PROXY_HOST}:{settings.PROXY_PORT}"


def _headers(provider: Provider) -> tuple[tuple[str, str], ...]:
    if provider.adapter != Provider.Adapter.OPENROUTER:
        return ()
    # https://openrouter.ai/docs/app-attribution: names the app in OpenRouter's own reports.
    host = settings.ALLOWED_HOSTS[0].lstrip(".*") if settings.ALLOWED_HOSTS else "localhost"
    return (
        ("HTTP-Referer", f"{settings.SITES_SCHEME}://{host}"),
        ("X-Title", "Sitewright"),
    )
