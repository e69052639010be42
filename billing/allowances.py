"""The allowances a person has by right: free every month, premium every entitled day.

They are facts of the calendar. Nothing has to run for them to be true: whoever touches a balance
first in a period makes its grant, under a name that can exist only once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings

from billing.entitlement import entitled_on
from billing.models import Grant
from billing.periods import Period, day_of, month_of

FREE_SOURCE_PREFIX = "grant:free:"
PREMIUM_SOURCE_PREFIX = "grant:premium:"


@dataclass(frozen=True, slots=True)
class Allowance:
    """amount: tokens. source: the grant's unique name, e.g. `grant:free:7:2026-11`."""

    kind: Grant.Kind
    source: str
    amount: int
    period: Period


def allowances_of(*, user_id: int, now: datetime) -> tuple[Allowance, ...]:
    """What the user is due in the periods that `now` falls in, free first. No effects."""
    free = free_allowance(user_id=user_id, now=now)
    if not entitled_on(user_id=user_id, day=now.astimezone(UTC).date()):
        return (free,)
    return (free, premium_allowance(user_id=user_id, now=now))


def free_allowance(*, user_id: int, now: datetime) -> Allowance:
    """The month's free tokens."""
    month = month_of(now)
    return Allowance(
        Grant.Kind.FREE_MONTHLY,
        f"{FREE_SOURCE_PREFIX}{user_id}:{month.key}",
        settings.FREE_MONTHLY_TOKENS,
        month,
    )


def premium_allowance(*, user_id: int, now: datetime) -> Allowance:
    """The day's premium tokens, whoever asks whether the user is entitled."""
    day = day_of(now)
    return Allowance(
        Grant.Kind.PREMIUM_DAILY,
        f"{PREMIUM_SOURCE_PREFIX}{user_id}:{day.key}",
        settings.PREMIUM_DAILY_TOKENS,
        day,
    )
