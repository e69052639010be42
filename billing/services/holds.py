"""Holds: tokens set aside before the work, resolved exactly once after it.

Every call is idempotent under its key, safe beside itself, and either happens wholly or not at
all. They join the caller's transaction where there is one.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone
from django.utils.translation import gettext

from billing.allowances import free_due, premium_due
from billing.errors import HoldAlreadyReleased, HoldAlreadySettled, InsufficientTokens
from billing.models import Hold, Movement
from billing.services.engines import engine
from billing.services.engines.types import Outcome, ResolveRequest, TakeRequest
from billing.services.grants import allowance_ensure


class PocketCharge(NamedTuple):
    """kind: a `Grant.Kind` value. amount: tokens."""

    kind: str
    amount: int


class Settlement(NamedTuple):
    """charged: tokens in all. pockets: its parts, one per kind, in spending order."""

    charged: int
    pockets: tuple[PocketCharge, ...]


def hold_create(
    *,
    user_id: int,
    key: str,
    at_least: int,
    at_most: int,
    expires_at: datetime,
    now: datetime | None = None,
) -> Hold:
    """Set aside as many tokens as there are, from `at_least` up to `at_most`.

    key: what the tokens are for (`run:<id>`), unique: the same key gives the same hold, whatever
    the amounts. expires_at: when the sweep gives the tokens back if nobody resolved the hold.
    Makes the period's allowance on the way. Raises InsufficientTokens (nothing is set aside), or
    ValueError for bounds that are no bounds or a key that belongs to another user.
    """
    now = now or timezone.now()
    if not 0 < at_least <= at_most:
        raise ValueError(f"a hold needs 0 < at_least <= at_most, not {at_least} and {at_most}")
    free = free_due(user_id=user_id, now=now)
    premium = premium_due(user_id=user_id, now=now)
    request = TakeRequest(
        user_id=user_id,
        key=key,
        at_least=at_least,
        at_most=at_most,
        expires_at=expires_at,
        free=free.source,
        premium=premium.source,
        day_start=premium.period.start,
        day_end=premium.period.end,
        now=now,
    )
    take = engine().take(request)
    # More than once only if the user becomes entitled between the two steps.
    while take.outcome is Outcome.ALLOWANCE_MISSING:
        allowance_ensure(user_id=user_id, now=now)
        take = engine().take(request)
    if take.outcome is Outcome.SHORT:
        raise InsufficientTokens(required=at_least, available=take.available)
    if take.outcome is Outcome.TAKEN:
        return _hold_taken(request, take.hold_id, take.amount)
    hold = Hold.objects.get(key=key)
    if hold.user_id != user_id:
        raise ValueError(f"the hold {key} belongs to another user")
    return hold


def hold_settle(*, hold_id: int, amount: int, now: datetime | None = None) -> Settlement:
    """Charge `amount` tokens of the hold and give the rest back; tokens of a grant that lapsed
    meanwhile expire instead.

    Again, with any amount: the first settlement, nothing changed. Raises HoldAlreadyReleased if
    the tokens had been given back, Hold.DoesNotExist, and ValueError for an amount below 0 or
    above the hold.
    """
    if amount < 0:
        raise ValueError("a settlement can not be negative")
    charged = engine().resolve(ResolveRequest(hold_id, amount, now or timezone.now()))
    if charged is not None:
        return _settlement(charged)
    hold = Hold.objects.get(pk=hold_id)
    if hold.state == Hold.State.SETTLED:
        return settlement_of(hold_id=hold_id)
    if hold.state == Hold.State.RELEASED:
        raise HoldAlreadyReleased(
            gettext("These tokens had already been given back. Nothing was charged.")
        )
    raise ValueError(f"a settlement of {amount} does not fit the hold of {hold.amount} tokens")


def hold_release(*, hold_id: int, now: datetime | None = None) -> None:
    """Give all tokens of the hold back (those of a lapsed grant expire). Again: no effect.

    Raises HoldAlreadySettled if they had been charged, Hold.DoesNotExist.
    """
    if engine().resolve(ResolveRequest(hold_id, None, now or timezone.now())) is not None:
        return
    if Hold.objects.get(pk=hold_id).state == Hold.State.SETTLED:
        raise HoldAlreadySettled(
            gettext("This had already been charged, so it can not be given back.")
        )


def holds_expire(*, now: datetime, limit: int = 1_000) -> int:
    """Release open holds that nobody resolved in time, oldest first, each in its own
    transaction. Returns how many (at most `limit`)."""
    due = Hold.objects.filter(state=Hold.State.OPEN, expires_at__lte=now).order_by("expires_at")
    released = 0
    for hold_id in list(due.values_list("pk", flat=True)[:limit]):
        released += engine().resolve(ResolveRequest(hold_id, None, now)) is not None
    return released


def settlement_of(*, hold_id: int) -> Settlement:
    """What a settled hold was charged, read back from its movements."""
    # Movements are written in spending order, so their own order is the receipt's.
    spent = Movement.objects.filter(hold_id=hold_id, to_state=Movement.State.SPENT)
    return _settlement(list(spent.order_by("pk").values_list("grant__kind", "amount")))


def _hold_taken(request: TakeRequest, hold_id: int, amount: int) -> Hold:
    hold = Hold(
        pk=hold_id,
        user_id=request.user_id,
        key=request.key,
        amount=amount,
        expires_at=request.expires_at,
        created_at=request.now,
    )
    hold._state.adding = False
    hold._state.db = DEFAULT_DB_ALIAS
    return hold


def _settlement(charged: list[tuple[str, int]]) -> Settlement:
    by_kind: dict[str, int] = {}
    for kind, amount in charged:
        by_kind[kind] = by_kind.get(kind, 0) + amount
    pockets = tuple(PocketCharge(kind, amount) for kind, amount in by_kind.items())
    return Settlement(sum(by_kind.values()), pockets)
