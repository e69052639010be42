"""What every history has: one person at a till, time, Stripe's word, tokens that are used.

`test_machine` adds money that comes in and goes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from billing.errors import HoldAlreadySettled, InsufficientTokens
from billing.models import Hold
from billing.selectors import standing_of
from billing.services.batches import grants_expire
from billing.services.clawbacks import debts_sweep
from billing.services.holds import hold_create, hold_release, hold_settle, holds_expire
from billing.services.premium_batch import premium_grants_premake
from billing.services.reconcile import reconcile
from tests.billing.premium.books import Books, books_of
from tests.billing.premium.rules import check_always, check_told, check_withheld
from tests.billing.premium.till import START, Street, Till
from tests.billing.premium.truth import Truth


@dataclass
class Claim:
    """A hold. pins: tokens by the source of their grant, in spending order.

    charged: None while it is open, 0 where all was given back.
    """

    pins: dict[str, int]
    expires_at: datetime
    charged: int | None = None

    @property
    def amount(self) -> int:
        return sum(self.pins.values())


class TillMachine(RuleBasedStateMachine):
    street: ClassVar[Street]

    def __init__(self) -> None:
        super().__init__()
        self.history = transaction.atomic()
        # Calls of Stripe are refused inside a transaction, but for those that tests are made of.
        self.history._from_testcase = True  # type: ignore[attr-defined]
        self.history.__enter__()
        self.till = Till(self.street)
        self.emulated = self.till.emulated
        self.user = self.till.user
        self.claims: dict[int, Claim] = {}
        self.number = 0

    @property
    def now(self) -> datetime:
        return self.till.now

    def teardown(self) -> None:
        try:
            self._everything_is_told()
            assert reconcile() == []
        finally:
            transaction.set_rollback(True)
            self.history.__exit__(None, None, None)

    # --- Time ------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 5, 24, 24, 80, 500]))
    def time_passes(self, hours: int) -> None:
        self.till.move(self.now + timedelta(hours=hours))

    @precondition(lambda self: self.emulated.all("subscription"))
    @rule(fails=st.sampled_from([0, 0, 1, 2, 5]), late_hours=st.sampled_from([2, 30, 90]))
    def a_month_of_premium_ends(self, fails: int, late_hours: int) -> None:
        subscription = self.emulated.all("subscription")[-1]
        self.emulated.fail_charges(subscription["customer"], fails)
        end = subscription["items"]["data"][0]["current_period_end"]
        due = datetime.fromtimestamp(end, START.tzinfo) + timedelta(hours=late_hours)
        self.till.move(max(self.now, due))

    @precondition(lambda self: self.emulated.all("invoice"))
    @rule()
    def an_open_invoice_is_paid_after_all(self) -> None:
        for invoice in self.emulated.all("invoice"):
            if invoice["status"] == "open" and invoice["billing_reason"] == "subscription_cycle":
                self.emulated.fail_charges(invoice["customer"], 0)
                self.till.attempt(self.emulated.collect, invoice)

    # --- Stripe tells ----------------------------------------------------------------------

    @precondition(lambda self: self.till.untold)
    @rule(data=st.data(), times=st.sampled_from([1, 1, 2]))
    def stripe_tells(self, data: st.DataObject, times: int) -> None:
        about = data.draw(st.sampled_from(list(self.till.untold)))
        if self.till.tell(about, times) and about[0] == "dispute":
            check_withheld(self.look(), self.emulated, self.emulated.get(*about))

    @precondition(lambda self: self.till.untold)
    @rule(webhooks_are_lost=st.sampled_from([False, False, True]))
    def stripe_has_told_everything(self, webhooks_are_lost: bool) -> None:
        if webhooks_are_lost:
            self.till.reconcile()
        self._everything_is_told()

    def _everything_is_told(self) -> None:
        self.till.tell_all()
        check_told(self.look(), Truth(self.emulated), self.now)

    # --- Tokens are used -------------------------------------------------------------------

    @rule(
        at_most=st.sampled_from([1, 500, 9_999, 45_000, 300_000, 1_200_000]),
        hours=st.sampled_from([1, 48]),
    )
    def hold(self, at_most: int, hours: int) -> None:
        """All that can be spent, in spending order, up to `at_most`."""
        before, expires_at = self.look(), self.now + timedelta(hours=hours)
        hold = self._hold_create(at_most, expires_at)
        after = self.look()
        left, pins = at_most, {}
        for pocket in after.in_spending_order():
            if pocket.spendable(self.now):
                # An allowance that was made on the way was there, in full, before the hold.
                known = before.pockets.get(pocket.source)
                had = known.totals["available"] if known else pocket.amount
                part = min(left, had)
                left -= part
                assert pocket.totals["available"] == had - part
                if part:
                    pins[pocket.source] = part
        assert (hold.amount if hold else 0) == sum(pins.values())
        if hold:
            self.claims[hold.pk] = Claim(pins, expires_at)

    @precondition(lambda self: self.claims)
    @rule(
        data=st.data(),
        share=st.sampled_from([0.0, 0.3, 1.0, 1.0]),
        times=st.integers(1, 2),
        too_much=st.sampled_from([0, 0, 0, 1]),
    )
    def resolve(self, data: st.DataObject, share: float, times: int, too_much: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.claims)))
        claim, before = self.claims[number], self.look()
        if claim.charged is not None:
            self._resolve_again(number, claim)
            assert self.look() == before
        elif too_much:
            with pytest.raises(ValueError, match="does not fit the hold"):
                hold_settle(hold_id=number, amount=claim.amount + too_much, now=self.now)
            assert self.look() == before
        else:
            claim.charged = max(1, int(claim.amount * share)) if share else 0
            for _ in range(times):
                self._resolve(number, claim.charged)
            self._is_charged_in_order(claim, before, self.look())

    @rule(beats=st.integers(0, 2))
    def looks_at_the_balance(self, beats: int) -> None:
        for _ in range(beats):
            premium_grants_premake(now=self.now)
            grants_expire(now=self.now)
        standing = standing_of(self.user, self.now)
        pockets = self.look().in_spending_order()
        spendable = [p for p in pockets if p.spendable(self.now) and p.totals["available"]]
        assert standing.available == sum(pocket.totals["available"] for pocket in spendable)
        assert standing.held == sum(pocket.totals["held"] for pocket in pockets)
        assert standing.debt == sum(pocket.owed for pocket in pockets)
        assert standing.token_source == next((p.kind for p in spendable), "free_monthly")

    @rule()
    def beat_sweeps(self) -> None:
        debts_sweep(now=self.now)
        due = [c for c in self.claims.values() if c.charged is None and c.expires_at <= self.now]
        assert holds_expire(now=self.now) == len(due)
        for claim in due:
            claim.charged = 0

    def _hold_create(self, at_most: int, expires_at: datetime) -> Hold | None:
        self.number += 1
        try:
            return hold_create(
                user_id=self.user.pk,
                key=f"run:{self.number}",
                at_least=1,
                at_most=at_most,
                expires_at=expires_at,
                now=self.now,
            )
        except InsufficientTokens:
            return None

    def _resolve(self, number: int, tokens: int) -> None:
        if tokens:
            assert hold_settle(hold_id=number, amount=tokens, now=self.now).charged == tokens
        else:
            hold_release(hold_id=number, now=self.now)

    def _resolve_again(self, number: int, claim: Claim) -> None:
        if claim.charged:
            assert hold_settle(hold_id=number, amount=1, now=self.now).charged == claim.charged
            with pytest.raises(HoldAlreadySettled):
                hold_release(hold_id=number, now=self.now)
        else:
            hold_release(hold_id=number, now=self.now)

    def _is_charged_in_order(self, claim: Claim, before: Books, after: Books) -> None:
        left = claim.charged or 0
        for source, part in claim.pins.items():
            spent = min(part, left)
            left -= spent
            was, now_is = before.pockets[source].totals, after.pockets[source].totals
            assert now_is["held"] == was["held"] - part
            assert now_is["spent"] == was["spent"] + spent

    # --- What must hold --------------------------------------------------------------------

    @invariant()
    def the_books_add_up(self) -> None:
        self.look()

    def look(self) -> Books:
        books = books_of(self.user.pk)
        check_always(books, Truth(self.emulated))
        return books
