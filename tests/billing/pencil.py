"""The ledger as a person with a pencil would keep it: plain Python, no database, no cleverness.

The state machine plays every step here and on the database, and compares all rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from billing.periods import day_of, month_of

PRIORITY = {"adjustment": 5, "free_monthly": 10, "purchased": 20, "premium_daily": 30}
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
STATES = ("available", "held", "spent", "expired", "voided", "owed")


@dataclass
class Lot:
    """A grant. What is voided of it was taken back (own) or paid for other lots (for_others).

    taken: tokens taken back in all, however they were settled. payments: by whom its debt was.
    """

    kind: str
    start: datetime
    end: datetime
    age: int
    amount: int
    available: int
    held: int = 0
    spent: int = 0
    expired: int = 0
    own_voided: int = 0
    for_others: int = 0
    owed: int = 0
    taken: int = 0
    payments: dict[str, int] = field(default_factory=dict)

    @property
    def voided(self) -> int:
        return self.own_voided + self.for_others

    @property
    def turn(self) -> tuple[int, datetime, int]:
        return PRIORITY[self.kind], self.end, self.age

    def lapsed(self, now: datetime) -> bool:
        return self.end <= now or self.expired > 0

    def back(self, tokens: int, now: datetime) -> None:
        """Tokens that are not needed elsewhere come back."""
        if self.lapsed(now):
            self.expired += tokens
        else:
            self.available += tokens


@dataclass
class Claim:
    """A hold: which lot gave how much, and what became of it."""

    pins: list[tuple[str, int]]
    expires_at: datetime
    state: str = "open"
    charged: list[tuple[str, int]] = field(default_factory=list)

    @property
    def amount(self) -> int:
        return sum(part for _, part in self.pins)


@dataclass
class Stretch:
    """A premium period: tokens a day from start up to end."""

    start: datetime
    end: datetime
    tokens: int
    cut_from: datetime | None = None


class Pencil:
    """One user's ledger. `source`s are the grants' own."""

    def __init__(self, user_id: int, free_tokens: int) -> None:
        self.user_id = user_id
        self.free_tokens = free_tokens
        self.lots: dict[str, Lot] = {}
        self.claims: dict[str, Claim] = {}
        self.stretches: list[Stretch] = []

    # --- Tokens come ---------------------------------------------------------------------

    def lot(self, source: str, kind: str, start: datetime, end: datetime, tokens: int) -> Lot:
        new = Lot(kind, start, end, len(self.lots), tokens, tokens)
        return self.lots.setdefault(source, new)

    def touch_free(self, now: datetime) -> Lot:
        month = month_of(now)
        source = f"grant:free:{self.user_id}:{month.key}"
        return self.lot(source, "free_monthly", month.start, month.end, self.free_tokens)

    def premium_tokens(self, now: datetime) -> int:
        day = day_of(now)
        best = 0
        for each in self.stretches:
            if max(each.start, day.start) < min(each.end, day.end):
                best = max(best, each.tokens)
        return best

    def touch_premium(self, now: datetime) -> None:
        day, tokens = day_of(now), self.premium_tokens(now)
        if tokens:
            source = f"grant:premium:{self.user_id}:{day.key}"
            self.lot(source, "premium_daily", day.start, day.end, tokens)

    def touch(self, now: datetime) -> None:
        self.touch_free(now)
        self.touch_premium(now)

    # --- Tokens are held, spent, lapse ---------------------------------------------------

    def spendable(self, now: datetime) -> list[tuple[str, Lot]]:
        lots = [
            (source, lot)
            for source, lot in self.lots.items()
            if lot.start <= now < lot.end and lot.available
        ]
        return sorted(lots, key=lambda item: item[1].turn)

    def hold(self, at_least: int, at_most: int, now: datetime) -> list[tuple[str, int]] | None:
        if sum(lot.available for _, lot in self.spendable(now)) < at_least:
            return None
        pins = []
        for source, lot in self.spendable(now):
            part = min(lot.available, at_most)
            if part:
                lot.available, lot.held = lot.available - part, lot.held + part
                pins.append((source, part))
                at_most -= part
        return pins

    def resolve(self, claim: Claim, charge: int | None, now: datetime) -> None:
        claim.state = "released" if charge is None else "settled"
        left = charge or 0
        by_kind: dict[str, int] = {}
        for source, part in claim.pins:
            lot, spent = self.lots[source], min(part, left)
            left -= spent
            repaid = min(part - spent, lot.owed)
            lot.held, lot.spent = lot.held - part, lot.spent + spent
            lot.owed, lot.own_voided = lot.owed - repaid, lot.own_voided + repaid
            lot.back(part - spent - repaid, now)
            if spent:
                by_kind[lot.kind] = by_kind.get(lot.kind, 0) + spent
        claim.charged = list(by_kind.items())

    def expire(self, now: datetime, limit: int) -> int:
        due = sorted(
            (lot.end, lot.age, source)
            for source, lot in self.lots.items()
            if lot.end <= now and lot.available
        )[:limit]
        for _, _, source in due:
            lot = self.lots[source]
            lot.available, lot.expired = 0, lot.expired + lot.available
        return len(due)

    # --- Tokens are taken back, owed, paid -----------------------------------------------

    def claw_back(self, source: str, target: int, now: datetime, *, may_owe: bool) -> int:
        """Returns by how much was taken more (or less, below 0)."""
        lot, before = self.lots[source], self.lots[source].taken
        if lot.lapsed(now):
            lot.available, lot.expired = 0, lot.expired + lot.available
        if target > lot.taken:
            wanted = max(0, min(target, lot.amount - lot.expired) - lot.taken)
            voided = min(wanted, lot.available)
            owed = wanted - voided if may_owe else 0
            lot.available, lot.own_voided = lot.available - voided, lot.own_voided + voided
            lot.owed += owed
            lot.taken += voided + owed
        else:
            self._give_back(lot, lot.taken - target, now)
        return lot.taken - before

    def _give_back(self, lot: Lot, wanted: int, now: datetime) -> None:
        unowed = min(wanted, lot.owed)
        unvoided = min(wanted - unowed, lot.own_voided)
        lot.owed, lot.own_voided = lot.owed - unowed, lot.own_voided - unvoided
        lot.back(unvoided, now)
        lot.taken -= unowed + unvoided
        wanted -= unowed + unvoided
        for payer_source in sorted(lot.payments, key=lambda s: -self.lots[s].age):
            payer, part = self.lots[payer_source], min(wanted, lot.payments[payer_source])
            lot.payments[payer_source] -= part
            kept = min(part, payer.owed)
            payer.for_others -= part
            payer.owed, payer.own_voided = payer.owed - kept, payer.own_voided + kept
            payer.back(part - kept, now)
            lot.taken -= part
            wanted -= part

    def collect(self, now: datetime, only: str | None = None) -> int:
        paid = 0
        for debt in sorted(self.lots.values(), key=lambda lot: lot.age):
            for source, payer in self.spendable(now):
                pays = payer.kind in ("purchased", "adjustment") and only in (None, source)
                part = min(debt.owed, payer.available) if pays else 0
                if part:
                    payer.available -= part
                    payer.for_others += part
                    debt.owed -= part
                    debt.payments[source] = debt.payments.get(source, 0) + part
                    paid += part
        return paid

    def forgive(self, source: str, tokens: int) -> int:
        lot = self.lots[source]
        forgiven = min(tokens, lot.owed)
        lot.owed -= forgiven
        return forgiven
