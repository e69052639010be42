"""Random histories of buying, using and taking back, against the ledger with a pencil.

500 histories of 50 steps in CI, 60 otherwise, in five parts that can run side by side;
LEDGER_MACHINE_EXAMPLES sets another number (10000 for a night).
"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from accounts.models import User
from billing.errors import AdjustmentRefused, HoldAlreadyReleased, HoldAlreadySettled
from billing.models import Grant, PremiumPeriod
from billing.periods import day_of
from billing.services.adjustments import (
    debt_write_off,
    hold_void,
    tokens_claw_back,
    tokens_grant,
)
from billing.services.clawbacks import debts_collect, debts_sweep, grant_claw_back
from tests.billing.machine import PREMIUM, LedgerMachine
from tests.billing.pencil import NEVER, Stretch
from tests.billing.written import Written

EXAMPLES = int(os.environ.get("LEDGER_MACHINE_EXAMPLES") or (500 if os.environ.get("CI") else 60))
PARTS = 5


class SalesMachine(LedgerMachine):
    """Adds what is bought, subscribed to, refunded, disputed, and done by staff."""

    def __init__(self) -> None:
        super().__init__()
        # Not active in the database: beat makes no free month for them.
        self.staff = User.objects.create(email="staff@example.com", is_staff=True, is_active=False)
        self.staff.is_active = True
        self.clawed: list[tuple[str, str]] = []
        self.actions = 0

    # --- Money comes back, or is fought for ----------------------------------------------

    @precondition(lambda self: self.pencil.lots)
    @rule(data=st.data(), percent=st.sampled_from([0, 1, 50, 99, 100, 130]), may_owe=st.booleans())
    def a_refund_a_dispute_or_its_end(
        self, data: st.DataObject, percent: int, may_owe: bool
    ) -> None:
        """The target is a fact of the payment, whatever came before: up or down."""
        source = data.draw(st.sampled_from(sorted(self.pencil.lots)))
        self._claw_back(source, self.pencil.lots[source].amount * percent // 100, may_owe=may_owe)

    @precondition(lambda self: self.clawed)
    @rule(data=st.data(), tokens=st.integers(0, 300))
    def the_same_claw_back_again(self, data: st.DataObject, tokens: int) -> None:
        source, key = data.draw(st.sampled_from(self.clawed))
        again = grant_claw_back(
            grant_id=self._grant_id(source), target=tokens, key=key, may_owe=True, now=self.now
        )
        assert again.moved == 0

    @rule(everybody=st.booleans())
    def beat_collects_debts(self, everybody: bool) -> None:
        paid = self.pencil.collect(self.now)
        if everybody:
            assert debts_sweep(now=self.now) == paid
        else:
            assert debts_collect(user_id=self.user.pk, now=self.now) == paid

    # --- Premium -------------------------------------------------------------------------

    @rule(
        tokens=st.sampled_from([PREMIUM, PREMIUM, 2 * PREMIUM]),
        days=st.sampled_from([0, 1, 3, 30]),
        ahead=st.sampled_from([-86_400, -1, 0, 0, 0, 3_600]),
    )
    def premium_is_paid_for_or_in_grace(self, tokens: int, days: int, ahead: int) -> None:
        self.number += 1
        start = self.now + timedelta(seconds=ahead)
        stretch = Stretch(start, start + timedelta(days=days), tokens)
        self.pencil.stretches.append(stretch)
        PremiumPeriod.objects.create(
            user=self.user,
            kind=PremiumPeriod.Kind.GRACE,
            subscription_id="sub_machine",
            source=f"grace:{self.number}",
            starts_at=stretch.start,
            ends_at=stretch.end,
            tokens_per_day=tokens,
        )

    @precondition(lambda self: self.pencil.stretches)
    @rule(data=st.data())
    def a_premium_month_is_refunded_or_won_back(self, data: st.DataObject) -> None:
        """Refunded: it ends with yesterday, its days' tokens are taken back, or owed. Won: all
        of that is undone."""
        place = data.draw(st.integers(0, len(self.pencil.stretches) - 1))
        stretch = self.pencil.stretches[place]
        whole_end = stretch.cut_from or stretch.end
        days = [
            source
            for source, lot in self.pencil.lots.items()
            if source.startswith("grant:premium:")
            and stretch.start < lot.end
            and lot.start < whole_end
        ]
        if stretch.cut_from is None:
            today = max(stretch.start, day_of(self.now).start)
            stretch.end, stretch.cut_from = min(stretch.end, today), stretch.end
        else:
            stretch.end, stretch.cut_from = stretch.cut_from, None
        rows = PremiumPeriod.objects.filter(user=self.user).order_by("pk")
        PremiumPeriod.objects.filter(pk=rows[place].pk).update(ends_at=stretch.end)
        for source in days:
            wanted = 0 if stretch.cut_from is None else self.pencil.lots[source].amount
            self._claw_back(source, wanted, may_owe=True)

    # --- Staff ---------------------------------------------------------------------------

    @rule(tokens=st.integers(1, 300), lasts=st.sampled_from([None, 3_600]), times=st.integers(1, 2))
    def staff_give(self, tokens: int, lasts: int | None, times: int) -> None:
        key = self._staff_key()
        end = self.now + timedelta(seconds=lasts) if lasts else None
        source = f"adjustment:{key}"
        self.pencil.lot(source, "adjustment", self.now, end or NEVER, tokens)
        self.pencil.collect(self.now, only=source)
        for _ in range(times):
            tokens_grant(
                staff=self.staff,
                user_id=self.user.pk,
                tokens=tokens,
                reason="Given.",
                key=key,
                expires_at=end,
                now=self.now,
            )

    @precondition(lambda self: self.pencil.lots)
    @rule(data=st.data(), tokens=st.integers(1, 150), times=st.integers(1, 2))
    def staff_take_back(self, data: st.DataObject, tokens: int, times: int) -> None:
        source = data.draw(st.sampled_from(sorted(self.pencil.lots)))
        lot = self.pencil.lots[source]
        lapsing = lot.available if lot.lapsed(self.now) else 0
        possible = lot.amount - lot.expired - lapsing - lot.taken >= tokens
        key, facts = self._staff_key(), {"grant_id": self._grant_id(source), "tokens": tokens}
        if not possible:
            with pytest.raises(AdjustmentRefused):
                self._by_staff(tokens_claw_back, key, **facts)
            self.actions -= 1
            return
        self.pencil.claw_back(source, lot.taken + tokens, self.now, may_owe=True)
        for _ in range(times):
            self._by_staff(tokens_claw_back, key, **facts)

    @precondition(lambda self: any(lot.owed for lot in self.pencil.lots.values()))
    @rule(data=st.data(), fraction=st.floats(0, 1), times=st.integers(1, 2))
    def staff_forgive(self, data: st.DataObject, fraction: float, times: int) -> None:
        owing = sorted(source for source, lot in self.pencil.lots.items() if lot.owed)
        source = data.draw(st.sampled_from(owing))
        tokens = max(1, round(self.pencil.lots[source].owed * fraction))
        key, facts = self._staff_key(), {"grant_id": self._grant_id(source), "tokens": tokens}
        self.pencil.forgive(source, tokens)
        for _ in range(times):
            self._by_staff(debt_write_off, key, **facts)

    @precondition(lambda self: self.pencil.claims)
    @rule(data=st.data())
    def staff_void_a_hold(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.pencil.claims)))
        claim, facts = self.pencil.claims[key], {"hold_id": self._hold_id(key)}
        staff_key = self._staff_key()
        if claim.state == "open":
            self.pencil.resolve(claim, None, self.now)
            self._by_staff(hold_void, staff_key, **facts)
            return
        error = HoldAlreadySettled if claim.state == "settled" else HoldAlreadyReleased
        with pytest.raises(error):
            self._by_staff(hold_void, staff_key, **facts)
        self.actions -= 1

    # --- What must always be true --------------------------------------------------------

    def compare(self, written: Written) -> None:
        """Also: only what was taken back is owed; every action of staff is on record once."""
        super().compare(written)
        for lot in self.pencil.lots.values():
            assert 0 <= lot.owed <= lot.taken <= lot.amount
            assert not (lot.owed and lot.available)
        assert written.indebted <= {source for source, _ in self.clawed} | written.clawed
        assert written.actions == self.actions

    def _claw_back(self, source: str, target: int, *, may_owe: bool) -> None:
        self.number += 1
        key = f"reversal:{self.number}"
        moved = self.pencil.claw_back(source, target, self.now, may_owe=may_owe)
        done = grant_claw_back(
            grant_id=self._grant_id(source),
            target=target,
            key=key,
            may_owe=may_owe,
            now=self.now,
        )
        lot = self.pencil.lots[source]
        assert done == (lot.voided, lot.owed, moved)
        if moved:
            self.clawed.append((source, key))

    def _by_staff(self, verb, key, **facts) -> None:
        verb(staff=self.staff, reason="Because.", key=key, now=self.now, **facts)

    def _staff_key(self) -> str:
        self.number += 1
        self.actions += 1
        return f"form:{self.number}"

    def _grant_id(self, source: str) -> int:
        return Grant.objects.values_list("pk", flat=True).get(source=source)


@pytest.mark.django_db
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_history_breaks_the_ledger(both_engines, part):
    # The ORM's way on PostgreSQL is for tests only; on SQLite it is the way, and gets them all.
    only_a_test = both_engines == "portable" and connection.vendor == "postgresql"
    if only_a_test and part:
        pytest.skip("one part is enough for the engine that PostgreSQL does not use")
    run_state_machine_as_test(
        SalesMachine,
        settings=settings(
            max_examples=EXAMPLES // PARTS,
            stateful_step_count=50,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
