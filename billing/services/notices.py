"""Low-balance notices: who is told that their tokens run out, at 80 % and at 100 %, once.

What counts is everything a person can spend, held tokens included, against the size of ONE
pocket, the one they live from. It also names the period in which each level is told once:

- premium: the day's allowance; the period is the UTC day (`2026-11-30`);
- else purchased: the latest purchase; the period is that purchase (`purchase:<grant>`), until the
  last purchased token is gone and, if that left nothing at all, to the end of that UTC month;
- else free: the month's allowance; the period is the UTC month (`2026-11`).

Other pockets make the sum bigger, never the size: who has premium and 200,000 purchased tokens is
low when 6,000 are left in all. "All used" means that less than half a percent of the size is
left: nobody stops at exactly 0, because the last tokens do not pay for a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Max, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from billing.allowances import free_due, premium_due
from billing.doorbell import ring_on_commit
from billing.models import Grant, Notice
from billing.periods import day_of, month_of
from billing.selectors import Standing, standing_of
from config.prepared import PreparedSelect, slot

_NOW = slot(Grant, "effective_at", "now")
_SPENDABLE = Q(effective_at__lte=_NOW) & (Q(expires_at__isnull=True) | Q(expires_at__gt=_NOW))
# At least what is left, and at least the size of the pocket that counts, whichever it is.
_ROUGHLY = PreparedSelect(
    lambda: (
        Grant.objects.filter(
            Q(spendable=True)
            | Q(held__gt=0)
            | Q(kind=Grant.Kind.PURCHASED)
            | Q(source=slot(Grant, "source", "free"))
            | Q(source=slot(Grant, "source", "premium")),
            user=slot(Grant, "user"),
        )
        .order_by()
        .values("user")
        .annotate(
            left=Coalesce(Sum("available", filter=_SPENDABLE), 0) + Sum("held"), most=Max("amount")
        )
        .values_list("left", "most")
    )
)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """period: what a level is told once in. size: tokens of the pocket that counts."""

    period: str
    size: int


def balance_check(*, user_id: int, now: datetime | None = None) -> Notice | None:
    """Write the notice that is due and not given yet, and ring for its mail. Again: no effect.

    To be called after the commit of whatever spent tokens. Returns the new notice, if any.
    """
    now = now or timezone.now()
    if _is_far(user_id, now):
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    standing = standing_of(user, now)
    left = standing.available + standing.held
    yardstick = yardstick_of(user_id=user_id, standing=standing, now=now)
    level = level_of(left=left, size=yardstick.size)
    if level is None:
        return None
    given = Notice.objects.filter(user_id=user_id, period=yardstick.period, level__gte=level)
    if given.exists():
        return None
    notice, created = Notice.objects.get_or_create(
        user_id=user_id, period=yardstick.period, level=level, defaults={"created_at": now}
    )
    if not created:
        return None
    ring_on_commit("billing.tasks.notice_mail", notice.pk)
    return notice


def _is_far(user_id: int, now: datetime) -> bool:
    """Whether no level can have been reached, told by one statement: nearly every run's end.

    An allowance that is not made yet is left out of both sums: it would be there in full.
    """
    roughly = _ROUGHLY.rows(
        user=user_id,
        now=now,
        free=free_due(user_id=user_id, now=now).source,
        premium=premium_due(user_id=user_id, now=now).source,
    )
    return bool(roughly) and level_of(left=int(roughly[0][0]), size=roughly[0][1]) is None


def yardstick_of(*, user_id: int, standing: Standing, now: datetime) -> Yardstick:
    """The pocket that a person lives from, as the module says. At most two queries."""
    if standing.daily:
        return Yardstick(day_of(now).key, standing.daily.limit)
    purchases = Grant.objects.filter(user_id=user_id, kind=Grant.Kind.PURCHASED)
    latest = purchases.exclude(voided=F("amount")).order_by("-pk").first()
    if latest is not None and _lives_from(latest, standing, now):
        return Yardstick(_period_of(latest), latest.amount)
    return Yardstick(month_of(now).key, standing.monthly_limit)


def level_of(*, left: int, size: int) -> Notice.Level | None:
    """The level that `left` of `size` tokens has reached: 100 below 0.5 %, 80 at 20 % or less."""
    if left * 200 < size:
        return Notice.Level.OUT
    return Notice.Level.LOW if left * 5 <= size else None


def notice_dismiss(*, user: User, notice_id: int, now: datetime | None = None) -> None:
    """Do not show it on pages any more. Somebody else's, or none: no effect."""
    Notice.objects.filter(pk=notice_id, user=user, dismissed_at=None).update(
        dismissed_at=now or timezone.now()
    )


def _lives_from(purchase: Grant, standing: Standing, now: datetime) -> bool:
    if any(p.available or p.held for p in standing.pockets if p.kind == Grant.Kind.PURCHASED):
        return True
    if standing.available or standing.held:
        return False
    told = Notice.objects.filter(
        user_id=purchase.user_id, period=_period_of(purchase), level=Notice.Level.OUT
    ).first()
    # Without this the purchase and the free month would both be told as used up, in one breath.
    return told is None or told.created_at >= month_of(now).start


def _period_of(purchase: Grant) -> str:
    return f"purchase:{purchase.pk}"
