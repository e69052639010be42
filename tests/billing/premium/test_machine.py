"""Money and tokens through random histories, on our services and Stripe's objects as they are.

People order, pay, are declined, pay late, subscribe, cancel, come back; renewals fail and are paid
later; money is refunded, contested, won, lost; tokens are held, charged, lapse; beat runs or does
not. What Stripe tells comes late, twice, in any order, or never (then the reconcile finds it).

After every step the books must add up (`books.py`); whenever everything was told, they must say
what Stripe's world says (`truth.py`, which asks no row and no function of ours).

500 histories of 50 steps in CI, 40 otherwise, in parts that can run side by side;
LEDGER_MACHINE_EXAMPLES sets another number (10000 for a night). What a history costs, and which
faults it was tried on, is in docs/ledger.md.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from billing.errors import NotSubscribed
from billing.models import Movement
from billing.services.fulfilment import checkout_settle
from billing.services.subscriptions import subscription_cancel, subscription_resume
from config.errors import Conflict
from tests.billing.premium.machine import TillMachine
from tests.billing.premium.till import street

EXAMPLES = int(os.environ.get("LEDGER_MACHINE_EXAMPLES") or (500 if os.environ.get("CI") else 40))
PARTS = 10
GOOD, DELAYED, DECLINED, LEAVES = "4242424242424242", "delayed", "declined", ""
OVER = ("canceled", "incomplete_expired")
RUNNING = ("active", "past_due", "unpaid")


class BuyingMachine(TillMachine):
    # --- Money comes in --------------------------------------------------------------------

    @rule(
        slug=st.sampled_from(["tokens_200k", "tokens_1m"]),
        card=st.sampled_from([GOOD, GOOD, GOOD, DELAYED, DECLINED, LEAVES]),
        comes_back=st.booleans(),
    )
    def buys_a_package(self, slug: str, card: str, comes_back: bool) -> None:
        order = self.till.order(slug)
        self._pays(str(order.checkout_session_id), card, comes_back)

    @rule(card=st.sampled_from([GOOD, GOOD, GOOD, DELAYED, DECLINED]), comes_back=st.booleans())
    def subscribes(self, card: str, comes_back: bool) -> None:
        statuses = [each["status"] for each in self.emulated.all("subscription")]
        has_one = any(status not in OVER for status in statuses)
        try:
            order = self.till.order("premium_monthly")
        except Conflict:
            assert has_one
            return
        if order.state == "open":
            # One whose first payment was declined waits on the page of the order that began it.
            assert set(statuses) <= {*OVER, "incomplete"}
            self._pays(str(order.checkout_session_id), card, comes_back)

    @precondition(lambda self: self.till.sessions(status="complete", payment_status="unpaid"))
    @rule(data=st.data(), succeeded=st.booleans())
    def the_bank_has_the_word(self, data: st.DataObject, succeeded: bool) -> None:
        waiting = self.till.sessions(status="complete", payment_status="unpaid")
        session = data.draw(st.sampled_from(waiting))
        self.till.attempt(self.emulated.settle, session["id"], succeeded=succeeded)

    @precondition(lambda self: self.till.sessions())
    @rule(data=st.data(), times=st.integers(1, 2))
    def somebody_looks_at_an_order(self, data: st.DataObject, times: int) -> None:
        session = data.draw(st.sampled_from(self.till.sessions()))
        for _ in range(times):
            checkout_settle(session_id=session["id"])

    def _pays(self, session_id: str, card: str, comes_back: bool) -> None:
        if card:
            self.till.attempt(self.emulated.pay, session_id, card=card)
        if comes_back:
            checkout_settle(session_id=session_id)

    # --- Money goes back -------------------------------------------------------------------

    @precondition(lambda self: self.till.charges())
    @rule(data=st.data(), percent=st.sampled_from([1, 33, 100]), fails=st.booleans())
    def money_is_refunded(self, data: st.DataObject, percent: int, fails: bool) -> None:
        charge = data.draw(st.sampled_from(self.till.charges()))
        refunds = [
            each
            for each in self.emulated.all("refund")
            if each["charge"] == charge["id"] and each["status"] == "succeeded"
        ]
        if fails and refunds:
            self.emulated.fail_refund(refunds[-1])
        else:
            left = charge["amount"] - charge["amount_refunded"]
            cents = max(1, left * percent // 100)
            self.till.attempt(self.emulated.refund, charge, cents)

    @precondition(lambda self: self.till.charges())
    @rule(
        data=st.data(),
        percent=st.sampled_from([25, 100, 100]),
        inquiry=st.sampled_from([False, False, False, True]),
        won=st.booleans(),
    )
    def money_is_contested_or_decided(
        self, data: st.DataObject, percent: int, inquiry: bool, won: bool
    ) -> None:
        charge = data.draw(st.sampled_from(self.till.charges()))
        disputes = [d for d in self.emulated.all("dispute") if d["charge"] == charge["id"]]
        if disputes and self.till.attempt(self.emulated.close_dispute, disputes[-1], won=won):
            return
        if not any(dispute["status"] == "lost" for dispute in disputes):
            cents = charge["amount"] * percent // 100
            self.till.attempt(self.emulated.dispute, charge, cents, inquiry=inquiry)

    @precondition(lambda self: self.emulated.all("subscription"))
    @rule(what=st.sampled_from(["cancel", "cancel", "resume", "end"]))
    def the_subscription_is_cancelled_or_not(self, what: str) -> None:
        subscription = self.emulated.all("subscription")[-1]
        if what == "end":
            if subscription["status"] in RUNNING:
                self.emulated.end(subscription)
            return
        before = subscription["status"]
        try:
            (subscription_cancel if what == "cancel" else subscription_resume)(user=self.user)
        except NotSubscribed:
            # Before anybody told us of it we can not know it.
            assert before not in RUNNING or self.till.untold
            return
        # Nothing ends today: what is paid for is to be had.
        assert subscription["status"] == before
        assert bool(subscription["cancel_at"]) == (what == "cancel")


@pytest.mark.django_db
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("part", range(PARTS))
def test_tokens_follow_the_money_through_any_history(part):
    assert Movement.objects.count() == 0
    with street() as BuyingMachine.street:
        run_state_machine_as_test(
            BuyingMachine,
            settings=settings(
                max_examples=max(1, EXAMPLES // PARTS),
                stateful_step_count=50,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
