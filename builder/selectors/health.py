"""How providers and models are doing: from the attempts of runs, from probes, from breakers.

Codes and numbers only, the same for everybody: words are the page's business. Read at most every
15 s by a process, however many look.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.utils import timezone

from builder.models import Attempt, Outage, Probe
from builder.routing.guard import guard, route_name
from builder.selectors.tallies import Tally, percentile, tallies_of
from models_catalog.models import AIModel, Provider
from models_catalog.selectors import (
    KeyState,
    key_state,
    models_all,
    provider_problem,
    route_problem,
)

HOURS: Final = 24
# A person who waits longer for the first word calls it slow.
SLOW_FIRST_TOKEN_MS: Final = 10_000
SLOW_PROBE_MS: Final = 5_000


class Condition(StrEnum):
    WORKING = "working"
    SLOW = "slow"
    FAILING = "failing"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Hour:
    at: datetime
    answered: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One provider or model. Times in milliseconds, None where nothing was measured.

    code: why it is not working, "" where it is: a failure's code, `no_key`, `switched_off`,
    `account`, `gone`. reason: staff's words where it is switched off.
    """

    slug: str
    name: str
    condition: Condition
    code: str = ""
    reason: str = ""
    since: datetime | None = None
    hours: tuple[Hour, ...] = ()
    first_token_p50_ms: int | None = None
    first_token_p95_ms: int | None = None
    emulated: bool = False
    models: int = 0

    @property
    def answered(self) -> int:
        return sum(hour.answered for hour in self.hours)

    @property
    def failed(self) -> int:
        return sum(hour.failed for hour in self.hours)

    @property
    def success_percent(self) -> float | None:
        """Of 24 hours; rounded down, so that 100 means all."""
        total = self.answered + self.failed
        return int(1000 * self.answered / total) / 10 if total else None


@dataclass(frozen=True, slots=True)
class Health:
    as_of: datetime
    providers: tuple[HealthRow, ...]
    models: tuple[HealthRow, ...]

    @property
    def all_well(self) -> bool:
        rows = (*self.providers, *self.models)
        return all(row.condition in (Condition.WORKING, Condition.OFF) for row in rows)


_lock = threading.Lock()
_kept: tuple[float, Health] | None = None


def health_now() -> Health:
    """How everything is doing, at most 15 s old. Six queries where it is read anew."""
    global _kept
    kept = _kept
    if kept is not None and time.monotonic() - kept[0] < settings.STATUS_FRESH_SECONDS:
        return kept[1]
    health = _read(timezone.now())
    with _lock:
        _kept = (time.monotonic(), health)
    return health


def _read(now: datetime) -> Health:
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    attempts = Attempt.objects.filter(started_at__gte=since)
    providers, models = tallies_of(attempts, now)
    outages = {str(row): row for row in Outage.objects.filter(ended_at=None)}
    catalogue = models_all()
    return Health(
        as_of=now,
        providers=tuple(
            _provider(row, providers[row.slug], outages, since, models=_served(row, catalogue))
            for row in Provider.objects.all()
        ),
        models=tuple(_model(row, models[row.slug], outages, since) for row in catalogue),
    )


def _provider(
    row: Provider, tally: Tally, outages: dict[str, Outage], since: datetime, *, models: int
) -> HealthRow:
    condition, code, reason, began = _provider_condition(row, tally, outages)
    return _standing(
        row.slug,
        row.name,
        tally,
        since,
        condition=condition,
        code=code,
        reason=reason,
        began=began,
        models=models,
        emulated=row.enabled and key_state(row) is KeyState.EMULATED,
    )


def _provider_condition(
    row: Provider, tally: Tally, outages: dict[str, Outage]
) -> tuple[Condition, str, str, datetime | None]:
    if not row.enabled:
        return Condition.OFF, "switched_off", row.disabled_reason, None
    if row.outage_since is not None:
        return Condition.FAILING, "account", "", row.outage_since
    if provider_problem(row):
        return Condition.OFF, "no_key", "", None
    if row.slug in guard().breaker.known():
        outage = outages.get(row.slug)
        return Condition.FAILING, *_of(outage)
    probes = list(Probe.objects.filter(provider_slug=row.slug)[:2])
    if len(probes) == 2 and not any(probe.ok for probe in probes):
        return Condition.FAILING, probes[0].code, "", probes[1].at
    if tally.keeps_failing:
        return Condition.FAILING, "failures", "", None
    slow = bool(probes) and all(probe.latency_ms > SLOW_PROBE_MS for probe in probes)
    return _quick_or_slow(tally, slow=slow)


def _model(model: AIModel, tally: Tally, outages: dict[str, Outage], since: datetime) -> HealthRow:
    condition, code, reason, began = _model_condition(model, tally, outages)
    return _standing(
        model.slug,
        model.name,
        tally,
        since,
        condition=condition,
        code=code,
        reason=reason,
        began=began,
    )


def _model_condition(
    model: AIModel, tally: Tally, outages: dict[str, Outage]
) -> tuple[Condition, str, str, datetime | None]:
    if not model.enabled:
        return Condition.OFF, "switched_off", model.disabled_reason, None
    usable = [route for route in model.routes.all() if not route_problem(route)]
    if not usable:
        out = [route.provider for route in model.routes.all() if route.provider.outage_since]
        if out:
            return Condition.FAILING, "account", "", out[0].outage_since
        gone = any(route.gone_since for route in model.routes.all())
        return Condition.OFF, "gone" if gone else "no_route", "", None
    known = guard().breaker.known()
    closed = [
        route
        for route in usable
        if route.provider.slug not in known
        and route_name(route.provider.slug, route.provider_model_id) not in known
    ]
    if not closed:
        first = usable[0]
        name = route_name(first.provider.slug, first.provider_model_id)
        outage = outages.get(name) or outages.get(first.provider.slug)
        return Condition.FAILING, *_of(outage)
    if tally.keeps_failing and len(closed) == len(usable) == 1:
        return Condition.FAILING, "failures", "", None
    return _quick_or_slow(tally, slow=False)


def _of(outage: Outage | None) -> tuple[str, str, datetime | None]:
    return (outage.code, "", outage.began_at) if outage else ("", "", None)


def _quick_or_slow(tally: Tally, *, slow: bool) -> tuple[Condition, str, str, datetime | None]:
    # The latest come first.
    median = percentile(tally.waits_ms[:100], 50)
    if slow or (median is not None and median > SLOW_FIRST_TOKEN_MS):
        return Condition.SLOW, "slow", "", None
    return Condition.WORKING, "", "", None


def _standing(
    slug: str,
    name: str,
    tally: Tally,
    since: datetime,
    *,
    condition: Condition,
    code: str,
    reason: str,
    began: datetime | None,
    models: int = 0,
    emulated: bool = False,
) -> HealthRow:
    hours = []
    for number in range(HOURS):
        at = since + timedelta(hours=number)
        answered, failed = tally.hours.get(at, (0, 0))
        hours.append(Hour(at, answered, failed))
    return HealthRow(
        slug=slug,
        name=name,
        condition=condition,
        code=code,
        reason=reason,
        since=began,
        hours=tuple(hours),
        first_token_p50_ms=percentile(tally.waits_ms, 50),
        first_token_p95_ms=percentile(tally.waits_ms, 95),
        models=models,
        emulated=emulated,
    )


def _served(provider: Provider, catalogue: Iterable[AIModel]) -> int:
    """How many models have a usable way through it."""
    return sum(
        any(
            route.provider_id == provider.pk and not route_problem(route)
            for route in model.routes.all()
        )
        for model in catalogue
        if model.enabled
    )
