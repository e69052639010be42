"""Reads of the catalogue: what can be run, through what, and why something can not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from django.conf import settings
from django.core.validators import slug_re
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from config.errors import NotFound
from config.prepared import PreparedSelect, prefetched, slot
from models_catalog.endpoints import endpoint_of
from models_catalog.models import AIModel, Provider, Route
from models_catalog.pricing import (
    TYPICAL_PAGE_INPUT_TOKENS,
    TYPICAL_PAGE_OUTPUT_TOKENS,
    Price,
    charge,
    price_of,
)

_MODEL = PreparedSelect(lambda: AIModel.objects.filter(slug=slot(AIModel, "slug")))
_ROUTES = PreparedSelect(
    lambda: (
        Route.objects.select_related("provider")
        .filter(model=slot(Route, "model"))
        .order_by("priority", "pk")
    )
)


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
    # What the provider charges us, US dollars per million tokens; None where nobody told.
    input_usd_per_million: Decimal | None = None
    output_usd_per_million: Decimal | None = None
    # Merged into each request, e.g. OpenRouter's provider preferences.
    request_options: Mapping[str, Any] = field(default_factory=dict, hash=False)

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


def model_get(slug: str) -> AIModel:
    """The model with its routes and providers. Raises NotFound, also for what is no slug."""
    # Checked first: a database refuses NUL or a lone surrogate with an error of its own.
    sluggish = len(slug) <= 50 and slug_re.fullmatch(slug)
    model = _MODEL.first(slug=slug) if sluggish else None
    if model is None:
        raise NotFound(_("There is no such model. The list of models has every id."))
    prefetched(model, "routes", _ROUTES.all(model=model.pk))
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
    if not problems:
        return Availability(False, _("no provider serves it at the moment"))
    # The route people would normally get explains best; one that is meant to be off does not.
    meant = [pair for pair in problems if pair[0].enabled and pair[0].provider.enabled]
    route, reason = (meant or problems)[0]
    if route.gone_since is None:
        return Availability(False, reason)
    return Availability(False, _with_replacement(model, reason))


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
        if _can_serve(candidate) and (candidate.vision or not model.vision)
    ]


def _can_serve(model: AIModel) -> bool:
    # Not `availability`: its reason names a fallback, and a last resort may lead back here.
    return model.enabled and any(not route_problem(route) for route in model.routes.all())


def emulation_in_use() -> bool:
    """Whether some answers come from samples: an enabled provider has neither key nor URL."""
    if not settings.AI_EMULATOR_URL:
        return False
    return any(endpoint_of(provider).emulated for provider in Provider.objects.filter(enabled=True))


def provider_problem(provider: Provider) -> str:
    """Why nothing can be sent to it, in plain words; "" when it can."""
    if not provider.enabled:
        return provider.disabled_reason or _("switched off by our staff")
    if not endpoint_of(provider).base_url:
        return _("no key is set for %(provider)s") % {"provider": provider.name}
    if provider.outage_since is not None:
        return _("%(provider)s does not serve us at the moment; our staff know") % {
            "provider": provider.name
        }
    return ""


def route_problem(route: Route) -> str:
    """Why this way to its model can not be used, in plain words; "" when it can."""
    if not route.enabled:
        return route.disabled_reason or _("switched off by our staff")
    problem = provider_problem(route.provider)
    if not problem and route.gone_since is not None:
        return _("%(provider)s no longer offers it") % {"provider": route.provider.name}
    return problem


def _with_replacement(model: AIModel, reason: str) -> str:
    # Asked only for models that are gone, so the common listing stays at its two queries.
    replacements = fallbacks_of(model)
    if not replacements:
        return reason
    return _("%(reason)s; choose %(model)s instead") % {
        "reason": reason,
        "model": replacements[0].name,
    }


def key_state(provider: Provider) -> KeyState:
    """Whether its key is there; never the key itself."""
    endpoint = endpoint_of(provider)
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
        emulated=bool(usable) and endpoint_of(usable[0].provider).emulated,
    )


def _target(model: AIModel, route: Route) -> RouteTarget:
    provider = route.provider
    endpoint = endpoint_of(provider)
    return RouteTarget(
        model_slug=model.slug,
        provider_slug=provider.slug,
        provider_name=provider.name,
        adapter=provider.adapter,
        provider_model_id=route.provider_model_id,
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,
        proxy_url=endpoint.proxy_url,
        headers=endpoint.headers,
        emulated=endpoint.emulated,
        input_usd_per_million=route.input_usd_per_million,
        output_usd_per_million=route.output_usd_per_million,
        request_options=route.request_options,
    )
