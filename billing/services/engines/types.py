"""What goes into an engine and what comes out. All amounts are whole tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    TAKEN = "taken"
    EXISTS = "exists"
    SHORT = "short"
    ALLOWANCE_MISSING = "allowance_missing"


@dataclass(frozen=True, slots=True)
class TakeRequest:
    """free: source of the month's free grant, which must exist before anything is taken.

    premium: source of the premium grant of the UTC day from `day_start` up to `day_end`, which
    must exist too if that day is entitled (see `billing.entitlement`).
    """

    user_id: int
    key: str
    at_least: int
    at_most: int
    expires_at: datetime
    free: str
    premium: str
    day_start: datetime
    day_end: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Take:
    """hold_id and amount: of a hold just taken. available: what there was, where it was short."""

    outcome: Outcome
    hold_id: int = 0
    amount: int = 0
    available: int = 0


@dataclass(frozen=True, slots=True)
class ResolveRequest:
    """charge: tokens to spend, the rest goes back; None gives everything back (a release)."""

    hold_id: int
    charge: int | None
    now: datetime
