"""The ledger against a model of it, through random histories with clock jumps.

Every step is played on the database and on a plain-Python model; then all rows must agree, to the
token. Allowances are 100 and 300 here, so that pockets run dry often. 500 histories of 50 steps in
CI, 60 otherwise, in five parts that can run side by side; LEDGER_MACHINE_EXAMPLES sets another
number.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from django.test import override_settings
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from billing.errors import HoldAlreadyReleased, HoldAlreadySettled, InsufficientTokens
from billing.models import Grant, Hold, Movement
from billing.periods import day_of, month_of
from billing.selectors import standing_of
from billing.services.batches import free_grants_premake, grants_expire
from billing.services.grants import grant_create
from billing.services.holds import hold_create, hold_release, hold_settle, holds_expire
from billing.services.reconcile import reconcile

EXAMPLES = int(os.environ.get("LEDGER_MACHINE_EXAMPLES") or (500 if os.environ.get("CI") else 60))
PARTS = 5
FREE, PREMIUM = 100, 300
PRIORITY = {"adjustment": 5, "free_monthly": 10, "purchased": 20, "premium_daily": 30}
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
STATES = ("available", "held", "spent", "expired")


@dataclass
class Lot:
    """A grant, as a person with a pencil would keep it."""

    kind: str
    start: datetime
    end: datetime
    age: int
    amount: int
    available: int
    held: int = 0
    spent: int = 0
    expired: int = 0

    @property
    def turn(self) -> tuple[int, datetime, int]:
        return PRIORITY[self.kind], self.end, self.age

    def lapsed(self, now: datetime) -> bool:
        return self.end <= now or self.expired > 0


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


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.history = transaction.atomic()
        self.history.__enter__()
        self.entitled = False
        self.patches: list[AbstractContextManager[Any]] = [
            patch(f"billing.{module}.entitled_on", lambda *, user_id, day: self.entitled)
            for module in ("allowances", "selectors")
        ]
        self.patches.append(
            override_settings(FREE_MONTHLY_TOKENS=FREE, PREMIUM_DAILY_TOKENS=PREMIUM)
        )
        for each in self.patches:
            each.__enter__()
        self.user = User.objects.create(email="machine@example.com")
        self.lots: dict[str, Lot] = {}
        self.claims: dict[str, Claim] = {}
        self.number = 0

    def teardown(self) -> None:
        try:
            assert reconcile() == []
        finally:
            for each in self.patches:
                each.__exit__(None, None, None)
            transaction.set_rollback(True)
            self.history.__exit__(None, None, None)

    # --- The model -----------------------------------------------------------------------

    def model_lot(self, source: str, kind: str, start: datetime, end: datetime, n: int) -> None:
        self.lots.setdefault(source, Lot(kind, start, end, len(self.lots), n, n))

    def model_touch(self) -> None:
        month, day = month_of(self.now), day_of(self.now)
        free = f"grant:free:{self.user.pk}:{month.key}"
        self.model_lot(free, "free_monthly", month.start, month.end, FREE)
        if self.entitled:
            premium = f"grant:premium:{self.user.pk}:{day.key}"
            self.model_lot(premium, "premium_daily", day.start, day.end, PREMIUM)

    def model_spendable(self) -> list[tuple[str, Lot]]:
        lots = [
            (source, lot)
            for source, lot in self.lots.items()
            if lot.start <= self.now < lot.end and lot.available
        ]
        return sorted(lots, key=lambda item: item[1].turn)

    def model_hold(self, at_least: int, at_most: int) -> list[tuple[str, int]] | None:
        if sum(lot.available for _, lot in self.model_spendable()) < at_least:
            return None
        pins = []
        for source, lot in self.model_spendable():
            part = min(lot.available, at_most)
            if part:
                lot.available, lot.held = lot.available - part, lot.held + part
                pins.append((source, part))
                at_most -= part
        return pins

    def model_resolve(self, claim: Claim, charge: int | None) -> None:
        claim.state = "released" if charge is None else "settled"
        left = charge or 0
        by_kind: dict[str, int] = {}
        for source, part in claim.pins:
            lot, spent = self.lots[source], min(part, left)
            left -= spent
            lot.held, lot.spent = lot.held - part, lot.spent + spent
            if lot.lapsed(self.now):
                lot.expired += part - spent
            else:
                lot.available += part - spent
            if spent:
                by_kind[lot.kind] = by_kind.get(lot.kind, 0) + spent
        claim.charged = list(by_kind.items())

    # --- The clock -----------------------------------------------------------------------

    @initialize(
        start=st.sampled_from(
            [
                datetime(2026, 11, 15, 12, tzinfo=UTC),
                datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
                datetime(2028, 2, 28, 23, 59, 59, 999_000, tzinfo=UTC),
                datetime(2027, 2, 28, tzinfo=UTC),
            ]
        )
    )
    def begin(self, start: datetime) -> None:
        self.now = start

    @rule(seconds=st.sampled_from([0.001, 1, 70, 3_600, 86_400, 40 * 86_400, -0.005, -2]))
    def time_passes_or_another_clock_is_slow(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(before=st.sampled_from([0, 1, 1_000]), of_month=st.booleans())
    def the_edge_of_a_period_comes(self, before: int, of_month: bool) -> None:
        period = month_of(self.now) if of_month else day_of(self.now)
        self.now = period.end - timedelta(microseconds=before)

    # --- What people and money do --------------------------------------------------------

    @rule(
        kind=st.sampled_from(["purchased", "purchased", "adjustment", "premium_daily"]),
        amount=st.integers(1, 200),
        begins=st.sampled_from([0, 0, 0, 3_600]),
        lasts=st.sampled_from([None, None, 1, 86_400, 86_400 * 20]),
        times=st.integers(1, 3),
    )
    def grant(self, kind: str, amount: int, begins: int, lasts: int | None, times: int) -> None:
        self.number += 1
        source = f"purchase:{self.number}"
        start = self.now + timedelta(seconds=begins)
        end = start + timedelta(seconds=lasts) if lasts else None
        for _ in range(times):
            grant_create(
                user_id=self.user.pk,
                kind=kind,
                amount=amount,
                source=source,
                effective_at=start,
                expires_at=end,
            )
        self.model_lot(source, kind, start, end or NEVER, amount)

    @rule(entitled=st.booleans())
    def premium_begins_or_ends(self, entitled: bool) -> None:
        self.entitled = entitled

    @rule(
        at_least=st.integers(1, 250),
        more=st.sampled_from([0, 0, 10, 400]),
        lasts=st.sampled_from([60, 3_600, 86_400]),
    )
    def hold(self, at_least: int, more: int, lasts: int) -> None:
        self.number += 1
        key, expires_at = f"run:{self.number}", self.now + timedelta(seconds=lasts)
        self.model_touch()
        before = sum(lot.available for _, lot in self.model_spendable())
        pins = self.model_hold(at_least, at_least + more)
        if pins is None:
            with pytest.raises(InsufficientTokens) as refused:
                self._hold_create(key, at_least, at_least + more, expires_at)
            assert (refused.value.required, refused.value.available) == (at_least, before)
            return
        taken = self._hold_create(key, at_least, at_least + more, expires_at)
        self.claims[key] = Claim(pins, expires_at)
        assert taken.amount == self.claims[key].amount
        order = taken.movements.order_by("pk").values_list("grant__source", "amount")
        assert list(order) == pins

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), fraction=st.floats(0, 1))
    def settle(self, data: st.DataObject, fraction: float) -> None:
        key = data.draw(st.sampled_from(sorted(self.claims)))
        claim, hold_id = self.claims[key], self._hold_id(key)
        amount = round(claim.amount * fraction)
        if claim.state == "released":
            with pytest.raises(HoldAlreadyReleased):
                hold_settle(hold_id=hold_id, amount=amount, now=self.now)
            return
        if claim.state == "open":
            self.model_resolve(claim, amount)
        settlement = hold_settle(hold_id=hold_id, amount=amount, now=self.now)
        assert list(settlement.pockets) == claim.charged
        assert settlement.charged == sum(part for _, part in claim.charged)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.claims)))
        claim, hold_id = self.claims[key], self._hold_id(key)
        if claim.state == "settled":
            with pytest.raises(HoldAlreadySettled):
                hold_release(hold_id=hold_id, now=self.now)
            return
        if claim.state == "open":
            self.model_resolve(claim, None)
        hold_release(hold_id=hold_id, now=self.now)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def the_same_hold_again(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.claims)))
        # Asking makes the allowance of the period only if something has to be taken.
        again = self._hold_create(key, 1, 99, self.now)
        assert (again.amount, again.state) == (self.claims[key].amount, self.claims[key].state)

    @rule()
    def look(self) -> None:
        self.model_touch()
        standing = standing_of(self.user, self.now)
        spendable = self.model_spendable()
        assert standing.available == sum(lot.available for _, lot in spendable)
        assert standing.held == sum(lot.held for lot in self.lots.values())
        named = [lot.kind for _, lot in spendable if lot.kind != "adjustment"]
        assert standing.token_source == next(iter(named), "free_monthly")
        this_month = self.lots[f"grant:free:{self.user.pk}:{month_of(self.now).key}"]
        assert standing.tokens_used_this_month == this_month.spent

    # --- What beat does ------------------------------------------------------------------

    @rule(times=st.integers(1, 2))
    def beat_makes_the_month(self, times: int) -> None:
        entitled, self.entitled = self.entitled, False
        self.model_touch()
        self.entitled = entitled
        for _ in range(times):
            free_grants_premake(now=self.now, batch=3)

    @rule(limit=st.sampled_from([1, 2, 100]), ahead=st.sampled_from([0, 5]))
    def beat_expires_grants(self, limit: int, ahead: int) -> None:
        """ahead: by how much the clock of beat's machine is fast, in milliseconds."""
        sweep_time = self.now + timedelta(milliseconds=ahead)
        due = sorted(
            (lot.end, lot.age, source)
            for source, lot in self.lots.items()
            if lot.end <= sweep_time and lot.available
        )[:limit]
        for _, _, source in due:
            lot = self.lots[source]
            lot.available, lot.expired = 0, lot.expired + lot.available
        assert grants_expire(now=sweep_time, limit=limit) == len(due)

    @rule()
    def beat_releases_forgotten_holds(self) -> None:
        due = [
            claim
            for claim in self.claims.values()
            if claim.state == "open" and claim.expires_at <= self.now
        ]
        for claim in due:
            self.model_resolve(claim, None)
        assert holds_expire(now=self.now) == len(due)

    # --- What must always be true --------------------------------------------------------

    @invariant()
    def every_row_is_as_the_model_says(self) -> None:
        rows = {
            grant.source: tuple(getattr(grant, state) for state in STATES)
            for grant in Grant.objects.filter(user=self.user)
        }
        model = {
            source: tuple(getattr(lot, state) for state in STATES)
            for source, lot in self.lots.items()
        }
        assert rows == model
        assert all(min(parts) >= 0 for parts in rows.values())
        states = dict(Hold.objects.filter(user=self.user).values_list("key", "state"))
        assert states == {key: claim.state for key, claim in self.claims.items()}

    @invariant()
    def every_total_is_the_sum_of_its_movements(self) -> None:
        sums = {source: dict.fromkeys(("issued", *STATES), 0) for source in self.lots}
        movements = Movement.objects.filter(grant__user=self.user)
        for source, origin, target, amount in movements.values_list(
            "grant__source", "from_state", "to_state", "amount"
        ):
            assert amount > 0
            sums[source][origin] -= amount
            sums[source][target] += amount
        for source, lot in self.lots.items():
            assert sums[source] == {
                "issued": -lot.amount,
                **{state: getattr(lot, state) for state in STATES},
            }

    def _hold_create(self, key: str, at_least: int, at_most: int, expires_at: datetime) -> Hold:
        return hold_create(
            user_id=self.user.pk,
            key=key,
            at_least=at_least,
            at_most=at_most,
            expires_at=expires_at,
            now=self.now,
        )

    def _hold_id(self, key: str) -> int:
        return Hold.objects.values_list("pk", flat=True).get(key=key)


@pytest.mark.django_db
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_history_breaks_the_ledger(both_engines, part):
    # The ORM's way on PostgreSQL is for tests only; on SQLite it is the way, and gets them all.
    only_a_test = both_engines == "portable" and connection.vendor == "postgresql"
    if only_a_test and part:
        pytest.skip("one part is enough for the engine that PostgreSQL does not use")
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=EXAMPLES // PARTS,
            stateful_step_count=50,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
