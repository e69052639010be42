"""Writes to the catalogue: seeding, and switching things on and off with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InvalidInput
from models_catalog.fallbacks import edges_of, find_loop
from models_catalog.models import AIModel, Fallback, Provider, Route
from models_catalog.seed_data import MODELS, PROVIDERS, SeedModel, SeedProvider
from models_catalog.seed_prices import seed_prices

Switchable = Provider | AIModel | Route
# Room between seeded rows, for staff to put others in between.
POSITION_STEP = 10


@dataclass(slots=True)
class Seeded:
    """Slugs (or `model → other` pairs) of what this seeding created."""

    providers: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    fallbacks: list[str] = field(default_factory=list)


@transaction.atomic
def catalogue_seed() -> Seeded:
    """Creates the shipped rows that are missing; what staff changed is never touched.

    Of existing rows only routes whose price nobody ever set are given the shipped one. Routes and
    fallbacks come with the model or provider they belong to, so one that staff have
    removed from an existing model stays removed. Safe to run twice, also at once.
    """
    seeded = Seeded()
    for position, provider in enumerate(PROVIDERS, start=1):
        _seed_provider(provider, position * POSITION_STEP, seeded)
    for position, model in enumerate(MODELS, start=1):
        _seed_model(model, position * POSITION_STEP, seeded)
    new = set(seeded.models)
    for model in MODELS:
        _seed_routes(model, set(seeded.providers), new, seeded)
    for model in MODELS:
        _seed_fallbacks(model, new, seeded)
    _seed_prices()
    return seeded


def switch_off(row: Switchable, *, reason: str) -> None:
    """Takes a provider, model or route out of use. Raises InvalidInput without a reason."""
    reason = " ".join(reason.split())
    if not reason:
        raise InvalidInput(_("Say why it is switched off: people are shown the reason."))
    row.enabled = False
    row.disabled_reason = reason[:200]
    row.save(update_fields=["enabled", "disabled_reason"])


def switch_on(row: Switchable) -> None:
    """Puts it back in use and forgets why it was off."""
    row.enabled = True
    row.disabled_reason = ""
    row.save(update_fields=["enabled", "disabled_reason"])


def provider_outage_begin(slug: str, code: str) -> bool:
    """Takes a provider out of use because our account there is refused or empty.

    code: of the error, e.g. `payment_required`. False, and nothing changed, if it already was
    out (or there is no such provider): whoever gets True tells staff.
    """
    return bool(
        Provider.objects.filter(slug=slug, outage_since=None).update(
            outage_since=timezone.now(), outage_code=code[:40]
        )
    )


def provider_outage_end(slug: str) -> bool:
    """Puts it back in use. False if it was not out."""
    return bool(
        Provider.objects.filter(slug=slug, outage_since__isnull=False).update(
            outage_since=None, outage_code=""
        )
    )


def _seed_provider(seed: SeedProvider, position: int, seeded: Seeded) -> None:
    _row, created = Provider.objects.get_or_create(
        slug=seed.slug,
        defaults={
            "name": seed.name,
            "adapter": seed.adapter,
            "base_url": seed.base_url,
            "key_variable": seed.key_variable,
            "use_proxy": seed.use_proxy,
            "enabled": not seed.disabled_reason,
            "disabled_reason": seed.disabled_reason,
            "position": position,
        },
    )
    if created:
        seeded.providers.append(seed.slug)


def _seed_model(seed: SeedModel, position: int, seeded: Seeded) -> None:
    _row, created = AIModel.objects.get_or_create(
        slug=seed.slug,
        defaults={
            "name": seed.name,
            "maker": seed.maker,
            "tagline": seed.tagline,
            "token_cost": seed.token_cost,
            "input_weight": seed.input_weight,
            "vision": seed.vision,
            "context_window": seed.context_window,
            "max_output_tokens": seed.max_output_tokens,
            "position": position,
        },
    )
    if created:
        seeded.models.append(seed.slug)


def _seed_routes(
    seed: SeedModel, new_providers: set[str], new_models: set[str], seeded: Seeded
) -> None:
    for place, (provider_slug, provider_model_id) in enumerate(seed.routes, start=1):
        if seed.slug not in new_models and provider_slug not in new_providers:
            continue
        _row, created = Route.objects.get_or_create(
            model=AIModel.objects.get(slug=seed.slug),
            provider=Provider.objects.get(slug=provider_slug),
            provider_model_id=provider_model_id,
            defaults={"priority": place * POSITION_STEP},
        )
        if created:
            seeded.routes.append(f"{seed.slug} → {provider_slug}")


def _seed_fallbacks(seed: SeedModel, new_models: set[str], seeded: Seeded) -> None:
    slugs = [*seed.fallbacks, *filter(None, [seed.last_resort])]
    for place, fallback_slug in enumerate(slugs, start=1):
        last = fallback_slug == seed.last_resort
        if seed.slug not in new_models and fallback_slug not in new_models:
            continue
        model = AIModel.objects.get(slug=seed.slug)
        fallback = AIModel.objects.get(slug=fallback_slug)
        if not _fallback_fits(model, fallback, last_resort=last):
            continue
        _row, created = Fallback.objects.get_or_create(
            model=model, fallback=fallback, defaults={"position": place, "last_resort": last}
        )
        if created:
            seeded.fallbacks.append(f"{seed.slug} → {fallback_slug}")


def _fallback_fits(model: AIModel, fallback: AIModel, *, last_resort: bool) -> bool:
    # Staff may have rearranged what was there before: theirs stands, a clashing seed is left out.
    if model.vision and not fallback.vision:
        return False
    if last_resort:
        return not model.fallbacks.filter(last_resort=True).exists()
    ordinary = Fallback.objects.filter(last_resort=False)
    pairs = list(ordinary.values_list("model_id", "fallback_id"))
    return not find_loop(edges_of([*pairs, (model.pk, fallback.pk)]))


def _seed_prices() -> None:
    # Staff's saving a route dates its price, also where they left it empty: that stands.
    for route in Route.objects.select_related("provider").filter(
        priced_at=None, input_usd_per_million=None, output_usd_per_million=None
    ):
        prices = seed_prices(route.provider.slug, route.provider_model_id)
        if prices:
            Route.objects.filter(pk=route.pk, priced_at=None).update(
                input_usd_per_million=prices[0],
                output_usd_per_million=prices[1],
                priced_at=timezone.now(),
            )
