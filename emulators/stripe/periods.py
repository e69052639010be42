"""Where billing periods end: counted from the anchor, so that the 31st comes back after February.

https://docs.stripe.com/billing/subscriptions/billing-cycle
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


def period_start(anchor: int, *, interval: str, interval_count: int, number: int) -> int:
    """When the period of that number begins (0 begins at the anchor). Seconds since 1970, UTC."""
    first = datetime.fromtimestamp(anchor, UTC)
    steps = interval_count * number
    if interval in _DAYS:
        return int((first + timedelta(days=_DAYS[interval] * steps)).timestamp())
    months = first.month - 1 + _MONTHS[interval] * steps
    year, month = first.year + months // 12, months % 12 + 1
    day = min(first.day, calendar.monthrange(year, month)[1])
    return int(first.replace(year=year, month=month, day=day).timestamp())
