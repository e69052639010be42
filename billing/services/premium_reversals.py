"""A month of premium whose money went back, or is claimed back: which days, how much of them.

Refunded in full, or lost in a dispute: the period ends before today; of its days' tokens what is
left is voided and what was used is owed. Disputed and open: no new days, and today's rest is
withheld. Won: the period and the rest of today come back. Part of it refunded: nothing moves.

A day that another period pays for too is left alone, until that one's money goes back as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F
from django.db.models.functions import Coalesce

from billing.allowances import PREMIUM_SOURCE_PREFIX
from billing.models import Grant, Payment, PremiumPeriod
from billing.periods import Period, day_of
from billing.services.premium_periods import (
    grace_after,
    payment_is_kept,
    payment_is_reversed,
    period_cut,
    period_end_billed,
    period_restore,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be taken of a grant, tokens. firm: taken, or owed where it was used.

    withheld: in all, as far as it is left; never less than firm.
    """

    grant: Grant
    firm: int
    withheld: int


def premium_claims(*, payment: Payment, period: PremiumPeriod, now: datetime) -> list[Claim]:
    """Cut the payment's period, or put it back, and say what follows for its days' grants.

    Writes periods; inside a transaction, under the user's lock. Claims in spending order.
    """
    if payment_is_kept(payment) and period.cut_from is None and not payment.reversals:
        return []
    for each in (period, grace_after(period)):
        if each is not None:
            if payment_is_kept(payment):
                period_restore(period=each)
            else:
                period_cut(period=each, now=now)
            each.save(update_fields=["ends_at", "cut_from"])
    return list(_claims(period, now))


def _claims(period: PremiumPeriod, now: datetime) -> Iterator[Claim]:
    days = {f"{PREMIUM_SOURCE_PREFIX}{period.user_id}:{day.key}": day for day in _days(period, now)}
    others = periods_beside(period=period)
    today = day_of(now)
    for grant in Grant.objects.filter(source__in=days).order_by("effective_at", "pk"):
        day = days[grant.source]
        paying = [other for other in others if _overlaps(other, day)]
        if any(_is_kept(other) for other in paying):
            yield Claim(grant, 0, 0)
        elif paying and all(_is_reversed(other) for other in paying):
            yield Claim(grant, grant.amount, grant.amount)
        elif day == today:
            yield Claim(grant, 0, grant.amount)
        # A day gone by, in dispute: its tokens have lapsed, and nobody owes any before it is lost.


def _days(period: PremiumPeriod, now: datetime) -> Iterator[Period]:
    """The UTC days that a period was billed for, so far."""
    day = day_of(period.starts_at)
    end = min(period_end_billed(period), day_of(now).end)
    while day.start < end:
        yield day
        day = day_of(day.start + timedelta(days=1))


def periods_beside(*, period: PremiumPeriod) -> list[PremiumPeriod]:
    """All of the person's periods that share a day with this one, itself among them."""
    return list(
        PremiumPeriod.objects.annotate(billed_until=Coalesce("cut_from", F("ends_at")))
        .filter(
            user_id=period.user_id,
            starts_at__lt=day_of(period_end_billed(period)).end,
            billed_until__gt=day_of(period.starts_at).start,
        )
        .select_related("payment")
    )


def _overlaps(period: PremiumPeriod, day: Period) -> bool:
    end = period_end_billed(period)
    return period.starts_at < day.end and end > day.start and end > period.starts_at


def _is_kept(period: PremiumPeriod) -> bool:
    # Grace is cut and put back together with the period it follows.
    return period.cut_from is None if period.payment is None else payment_is_kept(period.payment)


def _is_reversed(period: PremiumPeriod) -> bool:
    if period.payment is None:
        return period.cut_from is not None
    return payment_is_reversed(period.payment)
