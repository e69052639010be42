"""What a person has, and what they used: read from the grants' totals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from accounts.models import User
from billing.allowances import free_allowance, premium_allowance
from billing.entitlement import entitled_on
from billing.models import Grant
from billing.periods import day_of, month_of
from billing.services.grants import allowance_ensure

# What `tokenSource` may say. Adjustments are gifts or corrections of staff, not a source.
SOURCES = (Grant.Kind.FREE_MONTHLY, Grant.Kind.PURCHASED, Grant.Kind.PREMIUM_DAILY)


@dataclass(frozen=True, slots=True)
class Pocket:
    """All grants of one kind. available: spendable now. held: set aside for running work.

    expires_at: the soonest end ahead among its grants, None if none of them ends.
    """

    kind: str
    available: int
    held: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class DailyStanding:
    """Premium, today in UTC. used: tokens spent out of today's allowance."""

    next_reset: datetime
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A user's tokens at one instant. Amounts are whole tokens, instants are UTC.

    subscription_status: `premium_monthly` while entitled, else `paid_tokens` while purchased
    tokens are left, else `free`. token_source: the pocket spent next, `free_monthly` if none.
    tokens_used_this_month: spent out of this month's free allowance, so that it and what is left
    of it add up to the limit; what other pockets paid is in the receipts.
    """

    available: int
    held: int
    pockets: tuple[Pocket, ...]
    subscription_status: str
    token_source: str
    next_reset: datetime
    tokens_used_this_month: int
    monthly_limit: int
    daily: DailyStanding | None


def standing_of(user: User, now: datetime) -> Standing:
    """The user's standing; makes the period's allowance if this is its first touch.

    One query where the allowance is already there.
    """
    grants = _grants_that_count(user.pk, now)
    entitled = entitled_on(user_id=user.pk, day=now.astimezone(UTC).date())
    free = free_allowance(user_id=user.pk, now=now)
    premium = premium_allowance(user_id=user.pk, now=now)
    due = {free.source, premium.source} if entitled else {free.source}
    if not due <= grants.keys():
        allowance_ensure(user_id=user.pk, now=now)
        grants = _grants_that_count(user.pk, now)
    spendable = [grant for grant in grants.values() if _is_spendable(grant, now)]
    purchased_left = sum(
        (grant.available if grant in spendable else 0) + grant.held
        for grant in grants.values()
        if grant.kind == Grant.Kind.PURCHASED
    )
    status = "premium_monthly" if entitled else "paid_tokens" if purchased_left else "free"
    return Standing(
        available=sum(grant.available for grant in spendable),
        held=sum(grant.held for grant in grants.values()),
        pockets=_pockets(grants.values(), spendable, now),
        subscription_status=status,
        token_source=_next_source(spendable),
        next_reset=month_of(now).end,
        tokens_used_this_month=grants[free.source].spent,
        monthly_limit=grants[free.source].amount,
        daily=_daily(grants[premium.source], now) if entitled else None,
    )


def _grants_that_count(user_id: int, now: datetime) -> dict[str, Grant]:
    """By source, in spending order: what is available or held, and this period's even if empty."""
    sources = [
        free_allowance(user_id=user_id, now=now).source,
        premium_allowance(user_id=user_id, now=now).source,
    ]
    grants = Grant.objects.filter(
        Q(spendable=True) | Q(held__gt=0) | Q(source__in=sources), user_id=user_id
    )
    return {grant.source: grant for grant in grants.in_spending_order()}


def _is_spendable(grant: Grant, now: datetime) -> bool:
    begun = grant.effective_at <= now
    ended = grant.expires_at is not None and grant.expires_at <= now
    return begun and not ended and grant.available > 0


def _next_source(spendable: list[Grant]) -> str:
    for grant in spendable:
        if grant.kind in SOURCES:
            return grant.kind
    return Grant.Kind.FREE_MONTHLY.value


def _pockets(grants: Iterable[Grant], spendable: list[Grant], now: datetime) -> tuple[Pocket, ...]:
    """One per kind with anything in it, and the free one always; in spending order."""
    kinds: dict[str, list[Grant]] = {}
    for grant in grants:
        kinds.setdefault(grant.kind, []).append(grant)
    pockets = []
    for kind, lots in kinds.items():
        left = [grant for grant in lots if grant in spendable]
        held = sum(grant.held for grant in lots)
        ends = [grant.expires_at for grant in lots if grant.expires_at and grant.expires_at > now]
        if left or held or kind == Grant.Kind.FREE_MONTHLY:
            available = sum(grant.available for grant in left)
            pockets.append(Pocket(kind, available, held, min(ends, default=None)))
    return tuple(pockets)


def _daily(today: Grant, now: datetime) -> DailyStanding:
    return DailyStanding(next_reset=day_of(now).end, used=today.spent, limit=today.amount)


def debt_of(user_id: int) -> int:
    """Tokens the user owes: taken back after they were used, and not paid yet."""
    owing = Grant.objects.filter(user_id=user_id, owed__gt=0)
    return owing.aggregate(owed=Coalesce(Sum("owed"), 0))["owed"]
