"""The ledger against a model of it, through random histories with clock jumps.

Every step is played on the database and on a plain-Python model (`pencil`); then all rows must
agree, to the token. Allowances are 100 and 300 here, so that pockets run dry often. Here are the
steps of holds, allowances and the clock; `test_machine` adds what is bought and taken back.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from accounts.models import User
from billing.errors import HoldAlreadyReleased, HoldAlreadySettled, InsufficientTokens
from billing.models import Hold
from billing.periods import day_of, month_of
from billing.selectors import standing_of
from billing.services.batches import free_grants_premake, grants_expire
from billing.services.grants import grant_create
from billing.services.holds import hold_create, hold_release, hold_settle, holds_expire
from billing.services.premium_batch import premium_grants_premake
from billing.services.reconcile import reconcile
from tests.billing.pencil import NEVER, STATES, Claim, Pencil
from tests.billing.written import Written, written_of

FREE, PREMIUM = 100, 300


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.history = transaction.atomic()
        self.history.__enter__()
        self.settings: AbstractContextManager[Any] = override_settings(FREE_MONTHLY_TOKENS=FREE)
        self.settings.__enter__()
        self.user = User.objects.create(email="machine@example.com")
        self.pencil = Pencil(self.user.pk, FREE)
        self.number = 0

    def teardown(self) -> None:
        try:
            assert reconcile() == []
        finally:
            self.settings.__exit__(None, None, None)
            transaction.set_rollback(True)
            self.history.__exit__(None, None, None)

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
                now=self.now,
            )
        self.pencil.lot(source, kind, start, end or NEVER, amount)
        if kind in ("purchased", "adjustment"):
            self.pencil.collect(self.now, only=source)

    @rule(
        at_least=st.integers(1, 250),
        more=st.sampled_from([0, 0, 10, 400]),
        lasts=st.sampled_from([60, 3_600, 86_400]),
    )
    def hold(self, at_least: int, more: int, lasts: int) -> None:
        self.number += 1
        key, expires_at = f"run:{self.number}", self.now + timedelta(seconds=lasts)
        self.pencil.touch(self.now)
        before = sum(lot.available for _, lot in self.pencil.spendable(self.now))
        pins = self.pencil.hold(at_least, at_least + more, self.now)
        if pins is None:
            with pytest.raises(InsufficientTokens) as refused:
                self._hold_create(key, at_least, at_least + more, expires_at)
            assert (refused.value.required, refused.value.available) == (at_least, before)
            return
        taken = self._hold_create(key, at_least, at_least + more, expires_at)
        self.pencil.claims[key] = Claim(pins, expires_at)
        assert taken.amount == self.pencil.claims[key].amount
        order = taken.movements.order_by("pk").values_list("grant__source", "amount")
        assert list(order) == pins

    @precondition(lambda self: self.pencil.claims)
    @rule(data=st.data(), fraction=st.floats(0, 1))
    def settle(self, data: st.DataObject, fraction: float) -> None:
        key = data.draw(st.sampled_from(sorted(self.pencil.claims)))
        claim, hold_id = self.pencil.claims[key], self._hold_id(key)
        amount = round(claim.amount * fraction)
        if claim.state == "released":
            with pytest.raises(HoldAlreadyReleased):
                hold_settle(hold_id=hold_id, amount=amount, now=self.now)
            return
        if claim.state == "open":
            self.pencil.resolve(claim, amount, self.now)
        settlement = hold_settle(hold_id=hold_id, amount=amount, now=self.now)
        assert list(settlement.pockets) == claim.charged
        assert settlement.charged == sum(part for _, part in claim.charged)

    @precondition(lambda self: self.pencil.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.pencil.claims)))
        claim, hold_id = self.pencil.claims[key], self._hold_id(key)
        if claim.state == "settled":
            with pytest.raises(HoldAlreadySettled):
                hold_release(hold_id=hold_id, now=self.now)
            return
        if claim.state == "open":
            self.pencil.resolve(claim, None, self.now)
        hold_release(hold_id=hold_id, now=self.now)

    @precondition(lambda self: self.pencil.claims)
    @rule(data=st.data())
    def the_same_hold_again(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.pencil.claims)))
        # Asking makes the allowance of the period only if something has to be taken.
        again = self._hold_create(key, 1, 99, self.now)
        assert (again.amount, again.state) == (
            self.pencil.claims[key].amount,
            self.pencil.claims[key].state,
        )

    @rule()
    def look(self) -> None:
        self.pencil.touch(self.now)
        standing = standing_of(self.user, self.now)
        spendable = self.pencil.spendable(self.now)
        assert standing.available == sum(lot.available for _, lot in spendable)
        assert standing.held == sum(lot.held for lot in self.pencil.lots.values())
        assert standing.debt == sum(lot.owed for lot in self.pencil.lots.values())
        entitled = self.pencil.premium_tokens(self.now) > 0
        assert (standing.subscription_status == "premium_monthly") == entitled
        assert (standing.daily is not None) == entitled
        named = [lot.kind for _, lot in spendable if lot.kind != "adjustment"]
        assert standing.token_source == next(iter(named), "free_monthly")
        assert standing.tokens_used_this_month == self.pencil.touch_free(self.now).spent

    # --- What beat does ------------------------------------------------------------------

    @rule(times=st.integers(1, 2))
    def beat_makes_the_month(self, times: int) -> None:
        self.pencil.touch_free(self.now)
        for _ in range(times):
            free_grants_premake(now=self.now, batch=3)

    @rule(times=st.integers(1, 2))
    def beat_makes_the_premium_day(self, times: int) -> None:
        self.pencil.touch_premium(self.now)
        for _ in range(times):
            premium_grants_premake(now=self.now, batch=1)

    @rule(limit=st.sampled_from([1, 2, 100]), ahead=st.sampled_from([0, 5]))
    def beat_expires_grants(self, limit: int, ahead: int) -> None:
        """ahead: by how much the clock of beat's machine is fast, in milliseconds."""
        sweep_time = self.now + timedelta(milliseconds=ahead)
        expired = self.pencil.expire(sweep_time, limit)
        assert grants_expire(now=sweep_time, limit=limit) == expired

    @rule()
    def beat_releases_forgotten_holds(self) -> None:
        due = [
            claim
            for claim in self.pencil.claims.values()
            if claim.state == "open" and claim.expires_at <= self.now
        ]
        for claim in due:
            self.pencil.resolve(claim, None, self.now)
        assert holds_expire(now=self.now) == len(due)

    # --- What must always be true --------------------------------------------------------

    @invariant()
    def all_books_agree(self) -> None:
        self.compare(written_of(self.user.pk))

    def compare(self, written: Written) -> None:
        """Every row is as the model says, and every total the sum of its movements."""
        lots = {
            source: tuple(getattr(lot, state) for state in STATES)
            for source, lot in self.pencil.lots.items()
        }
        assert written.totals == lots
        assert all(min(parts) >= 0 for parts in lots.values())
        assert written.holds == {key: claim.state for key, claim in self.pencil.claims.items()}
        assert written.least_movement > 0
        amounts = {source: -lot.amount for source, lot in self.pencil.lots.items()}
        assert written.sums == {
            source: {"issued": amounts[source], **dict(zip(STATES, parts, strict=True))}
            for source, parts in lots.items()
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
