"""What the attempts of runs say of providers and models: counts by hour, and first tokens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncHour

from builder.models import Attempt
from builder.routing.policy import FAULT_CODES

# Of the latest first tokens this many are looked at: enough for a median, bounded for a busy day.
SAMPLE_MOST: Final = 4_000
RECENT: Final = timedelta(minutes=15)
RECENT_LEAST: Final = 4
ACCOUNT_CODES: Final = frozenset({"unauthorized", "payment_required"})
FAILED_CODES: Final = FAULT_CODES | ACCOUNT_CODES | {"first_token_timeout", "idle_timeout"}
# Says nothing of the provider: still going on, or ended by a person or by us.
NEUTRAL_CODES: Final = frozenset(
    {"running", "cancelled", "interrupted", "shutdown", "lease_lost", "internal_error", "too_long"}
)


@dataclass(slots=True)
class Tally:
    """What the attempts of one provider or model came to."""

    hours: dict[datetime, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    waits_ms: list[int] = field(default_factory=list)
    recent: list[int] = field(default_factory=lambda: [0, 0])

    @property
    def keeps_failing(self) -> bool:
        answered, failed = self.recent
        return failed >= RECENT_LEAST and failed > answered


def tallies_of(
    attempts: QuerySet[Attempt], now: datetime
) -> tuple[dict[str, Tally], dict[str, Tally]]:
    """By provider and by model, of the same rows."""
    providers: dict[str, Tally] = defaultdict(Tally)
    models: dict[str, Tally] = defaultdict(Tally)
    keys = ("provider_slug", "model_slug", "outcome")
    hourly = attempts.annotate(hour=TruncHour("started_at")).values_list(*keys, "hour", Count("pk"))
    for provider, model, outcome, hour, count in hourly.order_by():
        if outcome not in NEUTRAL_CODES:
            place = int(outcome in FAILED_CODES)
            providers[provider].hours[hour][place] += count
            models[model].hours[hour][place] += count
    recent = attempts.filter(started_at__gte=now - RECENT).values_list(*keys, Count("pk"))
    for provider, model, outcome, count in recent.order_by():
        if outcome not in NEUTRAL_CODES:
            place = int(outcome in FAILED_CODES)
            providers[provider].recent[place] += count
            models[model].recent[place] += count
    waits = attempts.filter(first_content_at__isnull=False).order_by("-started_at")
    for provider, model, began, first in waits.values_list(
        "provider_slug", "model_slug", "started_at", "first_content_at"
    )[:SAMPLE_MOST]:
        waited_ms = max(0, round((first - began).total_seconds() * 1000)) if first else 0
        providers[provider].waits_ms.append(waited_ms)
        models[model].waits_ms.append(waited_ms)
    return providers, models


def percentile(values: Sequence[int], percent: int) -> int | None:
    """Nearest rank; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
