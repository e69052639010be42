"""Reading the providers' lists and holding the catalogue against them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from accounts.staff_alerts import staff_alert
from models_catalog.endpoints import endpoint_of
from models_catalog.models import CatalogueFinding, Provider, Route
from models_catalog.provider_lists import ListedModel, ListUnreadable, read_list
from models_catalog.truth.comparing import below_cost, compare
from models_catalog.truth.recording import LISTED_KINDS, findings_record, gone_tell, routes_mark


class Outcome(StrEnum):
    """SKIPPED: switched off, or it can not be called. DOUBTED: nothing was changed."""

    COMPARED = "compared"
    SKIPPED = "skipped"
    UNREADABLE = "unreadable"
    DOUBTED = "doubted"


@dataclass(frozen=True, slots=True)
class ProviderResult:
    """listed: models on the list. opened: new findings. message: why nothing was compared."""

    provider: Provider
    outcome: Outcome
    listed: int = 0
    opened: int = 0
    message: str = ""


def catalogue_compare(
    *, token_usd: Decimal, on_result: Callable[[ProviderResult], None] = lambda _result: None
) -> list[ProviderResult]:
    """Compare every enabled provider with its own list, one after the other.

    token_usd: dollars that one of our tokens brings at least. on_result: told of each as it is
    through. The lists are read outside any transaction. A list that can not be read, is empty, or
    has lost more than half of what it had of ours changes nothing; staff are alerted. Safe to run
    twice at once: findings are unique.
    """
    results = []
    for provider in Provider.objects.all():
        results.append(_compare_provider(provider, token_usd))
        on_result(results[-1])
    below_cost_refresh(token_usd=token_usd)
    return results


def below_cost_refresh(*, token_usd: Decimal) -> None:
    """Open and resolve the findings about models sold below cost. No network."""
    for provider in Provider.objects.all():
        with transaction.atomic():
            Provider.objects.select_for_update().get(pk=provider.pk)
            routes = _routes(provider) if provider.enabled else []
            found = below_cost(routes, token_usd=token_usd)
            kind = CatalogueFinding.Kind.BELOW_COST
            findings_record(provider, found, kinds=[kind], now=timezone.now())


def _compare_provider(provider: Provider, token_usd: Decimal) -> ProviderResult:
    endpoint = endpoint_of(provider)
    if not provider.enabled or not endpoint.base_url:
        return ProviderResult(provider, Outcome.SKIPPED)
    try:
        listed = read_list(endpoint, provider.adapter)
    except ListUnreadable as error:
        _alert(provider, f"could not be read. {error.message}")
        return ProviderResult(provider, Outcome.UNREADABLE, message=error.message)
    return _record(provider, listed, token_usd)


def _record(
    provider: Provider, listed: dict[str, ListedModel], token_usd: Decimal
) -> ProviderResult:
    now = timezone.now()
    with transaction.atomic():
        Provider.objects.select_for_update().get(pk=provider.pk)
        comparison = compare(_routes(provider), listed, token_usd=token_usd)
        opened: list[CatalogueFinding] = []
        if not comparison.suspicious:
            opened = findings_record(provider, comparison.found, kinds=LISTED_KINDS, now=now)
            routes_mark(provider, comparison, listed, now)
            _fill_prices(provider, listed)
            gone_tell(opened)
    if comparison.suspicious:
        message = f"It has lost {len(comparison.missing)} of our models at once."
        _alert(provider, f"is doubted. {message}")
        return ProviderResult(provider, Outcome.DOUBTED, listed=len(listed), message=message)
    return ProviderResult(provider, Outcome.COMPARED, listed=len(listed), opened=len(opened))


def _routes(provider: Provider) -> list[Route]:
    return list(Route.objects.filter(provider=provider).select_related("model"))


def _fill_prices(provider: Provider, listed: dict[str, ListedModel]) -> None:
    """A price that nobody ever set is taken from the list; any other is for staff to change."""
    for route in Route.objects.filter(
        provider=provider,
        priced_at=None,
        input_usd_per_million=None,
        output_usd_per_million=None,
        provider_model_id__in=list(listed),
    ):
        row = listed[route.provider_model_id]
        if row.input_usd is not None and row.output_usd is not None:
            route.input_usd_per_million = row.input_usd
            route.output_usd_per_million = row.output_usd
            route.priced_at = timezone.now()
            route.save(
                update_fields=["input_usd_per_million", "output_usd_per_million", "priced_at"]
            )


def _alert(provider: Provider, what: str) -> None:
    staff_alert(
        key=f"catalogue-list:{provider.slug}",
        subject=f"The list of models of {provider} {what}"[:200],
        detail="Nothing in the catalogue was changed. The comparison runs again tomorrow, and from "
        "the findings in the admin at any time.",
    )
