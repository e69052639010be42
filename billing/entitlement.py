"""Who has premium, on which day. The only place that decides it.

A UTC day is entitled if a period with premium overlaps it, by however little: a pure function of
the user's `PremiumPeriod` rows. A period of no length entitles to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from django.db.models import F, Max, Q, QuerySet

from billing.models import PremiumPeriod
from billing.periods import day_of


def entitled_on(*, user_id: int, day: date) -> bool:
    """Whether the user has the premium allowance on a UTC day. One query."""
    return _of_user(user_id, day).exists()


def premium_tokens_on(*, user_id: int, day: date) -> int:
    """Tokens of the user's premium allowance on a UTC day, 0 if there is none. One query.

    Where periods overlap, the best of them: never the sum.
    """
    return _of_user(user_id, day).aggregate(best=Max("tokens_per_day"))["best"] or 0


def entitled_among(*, user_ids: Iterable[int], day: date) -> set[int]:
    """Those of the users who have the premium allowance on a UTC day. One query."""
    whole_day = day_of(datetime.combine(day, time(), tzinfo=UTC))
    periods = PremiumPeriod.objects.filter(
        overlapping(start=whole_day.start, end=whole_day.end), user_id__in=set(user_ids)
    )
    return set(periods.values_list("user_id", flat=True))


def overlapping(*, start: datetime, end: datetime) -> Q:
    """Condition on periods: some of it lies from `start` up to, not including, `end`."""
    return Q(starts_at__lt=end, ends_at__gt=start) & Q(ends_at__gt=F("starts_at"))


def _of_user(user_id: int, day: date) -> QuerySet[PremiumPeriod]:
    whole_day = day_of(datetime.combine(day, time(), tzinfo=UTC))
    return PremiumPeriod.objects.filter(
        overlapping(start=whole_day.start, end=whole_day.end), user_id=user_id
    )
