"""The allowances a person has by right: free every month, premium every entitled day.

They are facts of the calendar. Nothing has to run for them to be true: whoever touches a balance
first in a period makes its grant, under a name that can exist only once.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime

from billing.entitlement import premium_tokens_on
from billing.models import Grant
from billing.offers import free_tokens
from billing.periods import Period, day_of, month_of

FREE_SOURCE_PREFIX = "grant:free:"
PREMIUM_SOURCE_PREFIX = "grant:premium:"


@dataclass(frozen=True, slots=True)
class Due:
    """Which allowance, when. source: its grant's unique name, e.g. `grant:free:7:2026-11`."""

    kind: Grant.Kind
    source: str
    period: Period


@dataclass(frozen=True, slots=True)
class Allowance:
    """amount: whole tokens, at least 1."""

    due: Due
    amount: int


def free_due(*, user_id: int, now: datetime) -> Due:
    """The month's free tokens. Everybody's, always."""
    month = month_of(now)
    return Due(Grant.Kind.FREE_MONTHLY, f"{FREE_SOURCE_PREFIX}{user_id}:{month.key}", month)


def premium_due(*, user_id: int, now: datetime) -> Due:
    """The day's premium tokens, whoever asks whether the user is entitled."""
    day = day_of(now)
    return Due(Grant.Kind.PREMIUM_DAILY, f"{PREMIUM_SOURCE_PREFIX}{user_id}:{day.key}", day)


def allowances_of(
    *, user_id: int, now: datetime, made: Container[str] = ()
) -> tuple[Allowance, ...]:
    """What the user is due in the periods that `now` falls in, free first, without those whose
    source is in `made`. One query for each that is looked up; no effects."""
    wanted = []
    free = free_due(user_id=user_id, now=now)
    if free.source not in made:
        wanted.append(Allowance(free, free_tokens()))
    premium = premium_due(user_id=user_id, now=now)
    if premium.source not in made:
        tokens = premium_tokens_on(user_id=user_id, day=now.astimezone(UTC).date())
        if tokens:
            wanted.append(Allowance(premium, tokens))
    return tuple(wanted)
