"""Money against tokens, through random histories: bought, paid for, failed, refunded, disputed.

Facts are written on payments as Stripe's word writes them, in any order and as often; what is taken
of every grant must follow from the facts that hold at that time. (How movements add up is played
in `tests/billing/test_machine.py`.)

Between them the two machines play buying, refunds, disputes opened, won and lost, renewals, failed
ones, cancelling, holds, settlements, expiry and the clock. This one plays each of these by its own
name, 50 histories of 50 steps in CI; that one plays 500, where money that goes back or is won is a
claw-back's target, up or down, and premium is a stretch of time. A history here costs a second or
more of CPU, most of it Django putting statements together: 500 of them would cost ten minutes.

Its power was tried by planting faults. Found: a day granted once by the batch and once by a first
touch; a dispute won that gives nothing back; a second grace at the second look (only since time
also passes by the month).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Q, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from billing.entitlement import entitled_on
from billing.errors import InsufficientTokens
from billing.models import DebtEntry, Grant, Hold, Movement, Offer, Payment, PremiumPeriod
from billing.periods import day_of
from billing.selectors import standing_of
from billing.services.batches import grants_expire
from billing.services.clawbacks import grant_claw_back
from billing.services.grants import grant_create
from billing.services.holds import hold_create, hold_release, hold_settle
from billing.services.premium_batch import premium_grants_premake
from billing.services.premium_periods import (
    grace_refresh,
    payment_is_kept,
    payment_is_reversed,
    period_end_billed,
)
from billing.services.reconcile import reconcile
from billing.services.reversals import months_beside_reverse, payment_reverse
from billing.stripe_facts import SubscriptionFacts

# The 500 of CI are played one layer below, where a step costs a tenth.
EXAMPLES = int(os.environ.get("LEDGER_MACHINE_EXAMPLES") or (50 if os.environ.get("CI") else 25))
PARTS = 5
_TAKEN_OF_DAYS = """
SELECT grant_id, sum(amount) FROM (
    SELECT grant_id, CASE to_state WHEN 'voided' THEN amount ELSE -amount END AS amount
    FROM billing_movement
    WHERE 'voided' IN (from_state, to_state) AND key LIKE %(ours)s AND key LIKE '%%void:%%'
    UNION ALL
    SELECT grant_id, amount FROM billing_debtentry WHERE kind = 'taken' AND key LIKE %(ours)s
) AS steps GROUP BY grant_id
"""
MONTH = timedelta(days=30)


class MoneyMachine(RuleBasedStateMachine):
    payments = Bundle("payments")
    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.history = transaction.atomic()
        self.history.__enter__()
        self.user = User.objects.create(email="machine@example.com")
        facts = {"name": "x", "amount_cents": 1_000}
        self.package = Offer.objects.create(slug="p", kind="package", tokens=450_000, **facts)
        self.premium = Offer.objects.create(slug="s", kind="subscription", tokens=30_000, **facts)
        self.number = 0

    def teardown(self) -> None:
        try:
            for payment in Payment.objects.order_by("-pk"):
                before = payment.reversals
                if payment.dispute != "open":
                    assert payment_reverse(payment_id=payment.pk, now=self.now).reversals == before
            assert reconcile() == []
        finally:
            transaction.set_rollback(True)
            self.history.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        self.now = datetime(2027, 1, 31, 22, 30, tzinfo=UTC)

    @rule(hours=st.sampled_from([1, 5, 24, 24, 80, 500, 740]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    # --- Money comes in --------------------------------------------------------------------

    def _paid(self, offer: Offer, source: str) -> Payment:
        return Payment.objects.create(
            user=self.user,
            offer=offer,
            source=source,
            charge_id=f"ch_{source}",
            amount_cents=1_000,
            currency="usd",
            tokens=offer.tokens,
            paid_at=self.now,
        )

    @rule(target=payments)
    def buys_a_package(self) -> int:
        self.number += 1
        payment = self._paid(self.package, f"cs_{self.number}")
        grant_create(
            user_id=self.user.pk,
            kind=Grant.Kind.PURCHASED,
            amount=payment.tokens,
            source=f"purchase:{payment.source}",
            effective_at=self.now,
            now=self.now,
        )
        return payment.pk

    @rule(target=payments, renews=st.booleans())
    def pays_a_month(self, renews: bool) -> int:
        """A renewal of the last subscription, or a new one beside or after it."""
        self.number += 1
        last = PremiumPeriod.objects.filter(kind="paid").order_by("-starts_at").first()
        ended = period_end_billed(last) if last else self.now
        follows = renews and last is not None and ended <= self.now < ended + MONTH
        starts_at = ended if follows else self.now
        payment = self._paid(self.premium, f"in_{self.number}")
        PremiumPeriod.objects.create(
            user=self.user,
            payment=payment,
            kind="paid",
            subscription_id=last.subscription_id if last and follows else f"sub_{self.number}",
            source=f"invoice:{payment.source}",
            starts_at=starts_at,
            ends_at=starts_at + MONTH,
            tokens_per_day=30_000,
        )
        months_beside_reverse(payment_id=payment.pk, now=self.now)
        return payment.pk

    @rule(status=st.sampled_from(["past_due", "past_due", "unpaid", "canceled", "active"]))
    def a_renewal_fails_or_a_subscription_ends(self, status: str) -> None:
        last = PremiumPeriod.objects.filter(kind="paid").order_by("-starts_at").first()
        if last is None or (status != "active" and period_end_billed(last) > self.now):
            return
        starts_at = period_end_billed(last)
        seen = SubscriptionFacts(
            id=last.subscription_id,
            status=status,
            customer_id="cus_1",
            metadata={},
            created_at=starts_at,
            period_start=starts_at,
            period_end=starts_at + MONTH,
            cancel_at_period_end=False,
            cancels_at=None,
            ended_at=self.now if status == "canceled" else None,
            payment_failed=status == "canceled",
            price_id="price_1",
            price_cents=1_000,
            currency="usd",
        )
        for _ in range(2):
            grace_refresh(facts=seen, now=self.now)
        graces = PremiumPeriod.objects.filter(
            kind="grace", subscription_id=last.subscription_id, starts_at__gte=starts_at
        )
        ends = [period_end_billed(grace) for grace in graces]
        assert len(ends) <= 1
        assert all(end <= starts_at + timedelta(days=3) for end in ends)

    # --- Money goes back -------------------------------------------------------------------

    @rule(
        payment_id=payments,
        refunded=st.sampled_from([None, 0, 1, 333, 999, 1_000]),
        dispute=st.sampled_from([None, "", "open", "open", "won", "lost"]),
        disputed=st.sampled_from([250, 1_000]),
        times=st.integers(1, 2),
    )
    def stripe_tells(
        self, payment_id: int, refunded: int | None, dispute: str | None, disputed: int, times: int
    ) -> None:
        payment = Payment.objects.filter(pk=payment_id)
        if refunded is not None:
            payment.update(refunded_cents=refunded)
        if dispute is not None:
            payment.update(dispute=dispute, disputed_cents=disputed if dispute else 0)
        for _ in range(times):
            payment_reverse(payment_id=payment_id, now=self.now)
        self._follows_from_the_facts(payment.get())

    @rule(payment_id=payments, tokens=st.integers(1, 50_000))
    def staff_take_some_too(self, payment_id: int, tokens: int) -> None:
        source = Payment.objects.get(pk=payment_id).source
        grant = Grant.objects.filter(source=f"purchase:{source}", owed=0).first()
        if grant is not None and grant.available >= tokens:
            self.number += 1
            taken = grant.amount - grant.available
            if taken == 0:
                key = f"staff:{self.number}"
                grant_claw_back(
                    grant_id=grant.pk, target=tokens, key=key, may_owe=False, now=self.now
                )

    # --- Tokens are used -------------------------------------------------------------------

    @rule(target=holds, at_most=st.integers(1, 200_000))
    def hold(self, at_most: int) -> int:
        self.number += 1
        try:
            hold = hold_create(
                user_id=self.user.pk,
                key=f"run:{self.number}",
                at_least=1,
                at_most=at_most,
                expires_at=self.now + timedelta(hours=1),
                now=self.now,
            )
        except InsufficientTokens:
            return 0
        return hold.pk

    @rule(hold_id=holds, share=st.sampled_from([0.0, 0.3, 1.0]))
    def resolve(self, hold_id: int, share: float) -> None:
        hold = Hold.objects.filter(pk=hold_id, state="open").first()
        if hold is None:
            return
        if share:
            hold_settle(hold_id=hold.pk, amount=max(1, int(hold.amount * share)), now=self.now)
        else:
            hold_release(hold_id=hold.pk, now=self.now)

    @rule(beats=st.integers(0, 2))
    def looks_at_the_balance(self, beats: int) -> None:
        day = day_of(self.now)
        source = f"grant:premium:{self.user.pk}:{day.key}"
        entitled = entitled_on(user_id=self.user.pk, day=day.start.date())
        had = Grant.objects.filter(source=source).exists()
        for _ in range(beats):
            premium_grants_premake(now=self.now)
            grants_expire(now=self.now)
        standing = standing_of(self.user, self.now)
        assert Grant.objects.filter(source=source).exists() == (had or entitled)
        assert (standing.subscription_status == "premium_monthly") == entitled

    # --- What must hold --------------------------------------------------------------------

    def _follows_from_the_facts(self, payment: Payment) -> None:
        """Right after Stripe told: what is taken is what the money says."""
        grant = Grant.objects.filter(source=f"purchase:{payment.source}").first()
        if grant is not None:
            lost = payment.disputed_cents if payment.dispute == "lost" else 0
            firm = payment.tokens * max(payment.refunded_cents, lost) // 1_000
            if payment.dispute != "open":
                assert taken_by_us(grant) == min(firm, grant.amount - taken_by_staff(grant))
            else:
                assert taken_by_us(grant) >= min(firm, grant.amount - taken_by_staff(grant))
            return
        period = PremiumPeriod.objects.get(payment=payment)
        today = day_of(self.now)
        assert (period.cut_from is None) == payment_is_kept(payment)
        if period.cut_from is not None:
            assert period.ends_at <= max(today.start, period.starts_at)

    @invariant()
    def every_day_is_granted_once_and_taken_if_nobody_paid_for_it(self) -> None:
        # One reading for all that is checked after every step: steps are what a history costs.
        grants = list(Grant.objects.filter(Q(kind="premium_daily") | Q(owed__gt=0)))
        for grant in grants:
            assert not grant.owed or (grant.kind != "free_monthly" and grant.available == 0)
        days = [grant for grant in grants if grant.kind == "premium_daily"]
        assert len({day.effective_at for day in days}) == len(days)
        if not days:
            return
        paid = list(PremiumPeriod.objects.select_related("payment"))
        taken = taken_by_us_of_days()
        for day in days:
            assert day.amount == 30_000
            covering = [
                period
                for period in paid
                if period.starts_at < day.effective_at + timedelta(days=1)
                and period_end_billed(period) > day.effective_at
            ]
            months = [period.payment for period in covering if period.payment]
            assert covering
            if any(payment_is_kept(month) for month in months):
                assert taken.get(day.pk, 0) == 0
            elif months and all(map(payment_is_reversed, months)) and len(months) == len(covering):
                assert day.available == 0
                assert taken.get(day.pk, 0) == day.amount - day.expired


def taken_by_us_of_days() -> dict[int, int]:
    """By grant: tokens of premium days that are taken back by now. Most histories have none."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN_OF_DAYS, {"ours": "%:reversal:%"})
        return {grant: int(tokens) for grant, tokens in cursor.fetchall()}


def taken_by_us(grant: Grant) -> int:
    return _taken(grant, Q(key__contains=":reversal:"))


def taken_by_staff(grant: Grant) -> int:
    return _taken(grant, Q(key__contains=":staff:"))


def _taken(grant: Grant, whose: Q) -> int:
    voided = grant.movements.filter(whose, key__startswith="void:").aggregate(n=Sum("amount"))
    back = grant.movements.filter(whose, key__startswith="unvoid:").aggregate(n=Sum("amount"))
    debts = DebtEntry.objects.filter(whose, grant=grant, kind="taken").aggregate(n=Sum("amount"))
    return (voided["n"] or 0) - (back["n"] or 0) + (debts["n"] or 0)


@pytest.mark.django_db
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("part", range(PARTS))
def test_tokens_follow_the_money_through_any_history(part):
    assert Movement.objects.count() == 0
    run_state_machine_as_test(
        MoneyMachine,
        settings=settings(
            max_examples=EXAMPLES // PARTS,
            stateful_step_count=50,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
