"""What a person has, and what they used: read from the grants' totals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, Q, Sum
from django.db.models.functions import Coalesce

from accounts.models import User
from billing.allowances import Due, free_due, premium_due
from billing.entitlement import overlapping
from billing.models import Grant, PremiumPeriod
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
    of it add up to the limit; what other pockets paid is in the receipts. debt: owed for tokens
    that were taken back after they were used; later purchased tokens pay it.
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
    debt: int = 0


def standing_of(user: User, now: datetime) -> Standing:
    """The user's standing; makes the period's allowance if this is its first touch.

    One query where the allowance is already there.
    """
    free = free_due(user_id=user.pk, now=now)
    premium = premium_due(user_id=user.pk, now=now)
    grants, entitled = _grants_that_count(user.pk, free, premium)
    while free.source not in grants or (entitled and premium.source not in grants):
        allowance_ensure(user_id=user.pk, now=now)
        grants, entitled = _grants_that_count(user.pk, free, premium)
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
        debt=sum(grant.owed for grant in grants.values()),
    )


def _grants_that_count(user_id: int, free: Due, premium: Due) -> tuple[dict[str, Grant], bool]:
    """By source, in spending order: what is available, held or owed, and this period's even if
    empty; and whether the user is entitled to premium today (not told where there is no grant).
    """
    today = overlapping(start=premium.period.start, end=premium.period.end)
    periods = PremiumPeriod.objects.filter(today, user_id=user_id)
    grants = Grant.objects.filter(
        Q(spendable=True)
        | Q(held__gt=0)
        | Q(owed__gt=0)
        | Q(source__in=[free.source, premium.source]),
        user_id=user_id,
    )
    rows = list(grants.in_spending_order().annotate(entitled=Exists(periods)))
    # A queryset of the model's own class forgets what was annotated.
    entitled = any(row.entitled for row in rows)  # type: ignore[attr-defined]
    return {row.source: row for row in rows}, entitled


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
    return int(owing.aggregate(owed=Coalesce(Sum("owed"), 0))["owed"])
