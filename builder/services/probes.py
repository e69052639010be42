"""Looking after the providers every other minute: probes, their history, and putting back."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from builder.models import Outage, Probe
from builder.routing.guard import guard
from builder.routing.probing import Probed, provider_probe
from builder.services.outages import outages_ended, provider_out_tell
from models_catalog.endpoints import endpoint_of
from models_catalog.models import Provider
from models_catalog.services import provider_outage_end

logger = logging.getLogger(__name__)

KEEP: Final = timedelta(days=8)
# No cheap call tells that our credit is back, so after this a run may find out.
CREDIT_AGAIN_AFTER: Final = timedelta(minutes=10)
# A breaker that was forgotten (Redis lost it) has no run that closes it.
FORGOTTEN_AFTER: Final = timedelta(minutes=2)


def providers_probe() -> dict[str, str]:
    """Probe every provider that can be called; "ok" or the failure's code by slug.

    A provider that was out is put back when its key is taken again, or after ten minutes where
    its credit was gone. Old probes are forgotten, and outages that nothing stands behind end.
    """
    results: dict[str, str] = {}
    for provider in Provider.objects.filter(enabled=True):
        endpoint = endpoint_of(provider)
        if not endpoint.base_url:
            continue
        probed = provider_probe(endpoint, provider.adapter)
        results[provider.slug] = probed.error.code if probed.error else "ok"
        _note(provider, probed)
    _tidy(timezone.now())
    return results


def provider_back(slug: str) -> bool:
    """Put a provider back that our account kept out. False if it was not out."""
    with transaction.atomic():
        back = provider_outage_end(slug)
        if back:
            outages_ended([slug])
    return back


def _note(provider: Provider, probed: Probed) -> None:
    now, error = timezone.now(), probed.error
    Probe.objects.create(
        provider_slug=provider.slug,
        at=now,
        ok=error is None,
        latency_ms=probed.latency_ms,
        code=error.code if error else "",
        message=error.message[:300] if error else "",
    )
    if provider.outage_since is None:
        return
    provider_out_tell(provider.slug)
    if error is not None:
        return
    if provider.outage_code == "unauthorized" or now - provider.outage_since > CREDIT_AGAIN_AFTER:
        logger.warning("%s is asked again: its probe was answered", provider.slug)
        provider_back(provider.slug)


def _tidy(now: datetime) -> None:
    Probe.objects.filter(at__lt=now - KEEP).delete()
    opened = set(guard().breaker.opened())
    out = set(Provider.objects.filter(outage_since__isnull=False).values_list("slug", flat=True))
    for outage in Outage.objects.filter(ended_at=None, began_at__lt=now - FORGOTTEN_AFTER):
        if str(outage) not in opened | out:
            outages_ended([str(outage)])
