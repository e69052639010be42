"""The day's premium grants by the thousand, in the database: what first touches would make.

A convenience like the batches of `batches`: the ledger is the same whether it runs never, late,
once, or twice at the same time.
"""

from __future__ import annotations

from datetime import datetime

from billing.allowances import PREMIUM_SOURCE_PREFIX
from billing.entitlement import overlapping
from billing.models import Grant, PremiumPeriod
from billing.periods import day_of
from billing.services.premake import Batch, batch_premake

# The condition is `entitlement.overlapping`, the amount `entitlement.premium_tokens_on`.
_PREMIUM_DUE = """
SELECT user_id, max(tokens_per_day) AS amount FROM billing_premiumperiod
WHERE user_id > %(after_id)s AND user_id <= %(upto_id)s
    AND starts_at < %(end)s AND ends_at > %(start)s AND ends_at > starts_at
GROUP BY user_id
"""


def premium_grants_premake(*, now: datetime, batch: int = 1_000) -> int:
    """Make the day's premium grant of every entitled user who has none, `batch` users a time.

    Each batch is its own transaction. Returns how many grants were made. Safe beside itself and
    beside first touches.
    """
    day = day_of(now)
    entitled = (
        PremiumPeriod.objects.filter(overlapping(start=day.start, end=day.end))
        .order_by("user_id")
        .values_list("user_id", flat=True)
        .distinct()
    )
    made, last_id = 0, 0
    while True:
        users = list(entitled.filter(user_id__gt=last_id)[:batch])
        if not users:
            return made
        made += batch_premake(
            Batch(
                kind=Grant.Kind.PREMIUM_DAILY,
                source_prefix=PREMIUM_SOURCE_PREFIX,
                period=day,
                due=_PREMIUM_DUE,
                after_id=last_id,
                upto_id=users[-1],
                facts={},
            ),
            now=now,
        )
        last_id = users[-1]
