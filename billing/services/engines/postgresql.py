"""Holds through two functions in the database: one round trip, plans kept per connection.

What they do is written in the migration that makes them, step by step as in `portable`.
"""

from __future__ import annotations

from billing.services.engines.types import Outcome, ResolveRequest, Take, TakeRequest
from config.prepared import executed

_TAKE = "SELECT * FROM billing_hold_take(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_RESOLVE = "SELECT * FROM billing_hold_resolve(%s, %s, %s)"


def take(request: TakeRequest) -> Take:
    """One hold, or the reason why not; see `hold_create`."""
    values = [
        request.user_id,
        request.key,
        request.at_least,
        request.at_most,
        request.expires_at,
        request.free,
        request.premium,
        request.day_start,
        request.day_end,
        request.now,
    ]
    with executed(_TAKE, values) as cursor:
        outcome, hold_id, amount, available = cursor.fetchone()
    return Take(Outcome(outcome), hold_id, amount, available)


def resolve(request: ResolveRequest) -> list[tuple[str, int]] | None:
    """The charged (kind, tokens) in spending order; None if the hold was not open any more."""
    with executed(_RESOLVE, [request.hold_id, request.charge, request.now]) as cursor:
        resolved, kinds, amounts = cursor.fetchone()
    return list(zip(kinds, amounts, strict=True)) if resolved else None
