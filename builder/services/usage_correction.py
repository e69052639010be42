"""Putting right what was estimated, once the provider's own record of the answer is there.

A stream that ends without usage (a broken connection, a run that was stopped) is counted by us. A
provider that keeps a record of each generation is asked for it some seconds later: the attempt
then says what it really used and cost us. The person's charge is final, but for one case: where
the record comes to less, the difference is given back, once.
"""

from __future__ import annotations

import logging
from typing import Any, Final
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import ngettext
from kombu.exceptions import OperationalError

from billing.models import Grant
from billing.services.grants import grant_create
from builder.models import Attempt, Run
from builder.providers import Endpoint, ProviderError, Usage, usage_lookup_for
from models_catalog.endpoints import endpoint_of
from models_catalog.models import Provider
from models_catalog.pricing import Price, charge, price_of

logger = logging.getLogger(__name__)

# The record is there some seconds after the answer; then the waits between three more tries.
FIRST_LOOKUP_SECONDS: Final = 5
LOOKUP_AGAIN_SECONDS: Final = (10, 60, 300)
LOOKUP_TIMEOUT_SECONDS: Final = 10.0


def correction_ring(run_id: UUID) -> None:
    """Have the run's estimates corrected a little later; nothing is lost if the broker is away."""
    try:
        current_app.send_task(
            "builder.tasks.usage_correct", args=[str(run_id)], countdown=FIRST_LOOKUP_SECONDS
        )
    except (OperationalError, OSError) as error:
        logger.warning("Run %s keeps its estimated usage: %s", run_id, type(error).__name__)


def usage_correct(run_id: str | UUID) -> bool:
    """Correct the run's attempts whose usage or cost was estimated, and give back what was
    charged beyond the record.

    True: nothing is left to correct. False: a record is not there yet, so try again later. Again
    after True: no effect. Never raises for what a provider does.
    """
    done = True
    for attempt in _uncorrected(run_id):
        try:
            usage = _look_up(attempt)
        except ProviderError as error:
            logger.info("No record of %s yet: %s", attempt, error)
            # Our key or the id is refused: asking again would not help.
            done &= error.account or error.permanent
            continue
        if usage is not None:
            _correct(attempt, usage)
    return done


def _uncorrected(run_id: str | UUID) -> QuerySet[Attempt]:
    unknown_cost = Q(cost_usd=None) | Q(cost_estimated=True)
    attempts = Attempt.objects.filter(unknown_cost, run_id=run_id, ended_at__isnull=False)
    return attempts.exclude(generation_id="").order_by("number")


def _look_up(attempt: Attempt) -> Usage | None:
    """The provider's record; None where it keeps none. Raises ProviderError."""
    provider = Provider.objects.filter(slug=attempt.provider_slug).first()
    look_up = usage_lookup_for(provider.adapter) if provider is not None else None
    if provider is None or look_up is None:
        return None
    found = endpoint_of(provider)
    if not found.base_url:
        return None
    endpoint = Endpoint(
        base_url=found.base_url,
        api_key=found.api_key,
        proxy_url=found.proxy_url,
        headers=found.headers,
        read_timeout_seconds=LOOKUP_TIMEOUT_SECONDS,
    )
    return look_up(endpoint, attempt.generation_id)


def _correct(attempt: Attempt, usage: Usage) -> None:
    """One transaction: the run's row, then the attempt, then the ledger, as everywhere."""
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=attempt.run_id)
        told: dict[str, Any] = {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
        }
        if usage.cost_usd is not None:
            told |= {"cost_usd": usage.cost_usd, "cost_estimated": False}
        corrected = _uncorrected(run.pk).filter(pk=attempt.pk).update(**told)
        if corrected and run.usage_estimated and attempt.charged:
            _give_back(run, attempt, usage)


def _give_back(run: Run, attempt: Attempt, usage: Usage) -> None:
    """The difference, where the record comes to less than what was charged."""
    prices = [price_of(run)]
    if attempt.token_cost is not None and attempt.input_weight is not None:
        prices.append(Price(attempt.token_cost, attempt.input_weight, attempt.billing_unit))
    due = min(
        charge(price, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
        for price in prices
    )
    tokens = attempt.charged - due
    source = f"correction:run:{run.pk}"
    if tokens <= 0 or Grant.objects.filter(source=source).exists():
        return
    grant_create(
        user_id=run.owner_id,
        kind=Grant.Kind.ADJUSTMENT,
        amount=tokens,
        source=source,
        effective_at=timezone.now(),
    )
    with translation.override(run.language or settings.LANGUAGE_CODE):
        note = ngettext(
            "%(count)d token was given back: the provider counted less than we had estimated.",
            "%(count)d tokens were given back: the provider counted less than we had estimated.",
            tokens,
        ) % {"count": tokens}
    run.notes = [*run.notes, note]
    run.save(update_fields=["notes"])
