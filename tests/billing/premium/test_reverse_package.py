"""Refunds and disputes of a package: what is taken back, to the token, whatever the order."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import Grant, Payment
from billing.services.clawbacks import grant_claw_back
from billing.services.holds import hold_settle
from billing.services.reversals import payment_reverse

from .conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def use(hold):
    """use(user, tokens, of_free=10,000): spend so many beyond the free month."""

    def spend(user, tokens, of_free=10_000):
        amount = tokens + of_free
        hold_settle(hold_id=hold(user, amount).pk, amount=amount, now=NOW)

    return spend


def state(grant: Grant) -> tuple[int, int, int, int]:
    return grant.available, grant.spent, grant.voided, grant.owed


def reverse(payment: Payment, now=NOW) -> Payment:
    return payment_reverse(payment_id=payment.pk, now=now)


def test_nothing_refunded_takes_nothing(user, bought_package, grant_of):
    payment = bought_package(user)
    assert reverse(payment).reversals == 0
    assert state(grant_of(payment)) == (450_000, 0, 0, 0)


def test_a_full_refund_takes_all(user, bought_package, tell, grant_of):
    payment = bought_package(user)
    tell(payment, refunded=1_000)
    assert reverse(payment).reversals == 1
    assert state(grant_of(payment)) == (0, 0, 450_000, 0)
    assert reverse(payment).reversals == 1


def test_three_partial_refunds_take_their_share_each(user, bought_package, tell, grant_of):
    payment = bought_package(user)
    taken = []
    for refunded in (333, 666, 999, 1_000):
        tell(payment, refunded=refunded)
        reverse(payment)
        taken.append(grant_of(payment).voided)
    assert taken == [149_850, 299_700, 449_550, 450_000]


def test_a_share_is_rounded_down_to_the_token(user, bought_package, tell, grant_of):
    payment = bought_package(user, tokens=7, cents=3)
    for refunded, taken in ((1, 2), (2, 4), (3, 7)):
        tell(payment, refunded=refunded)
        reverse(payment)
        assert grant_of(payment).voided == taken


def test_a_refund_after_use_becomes_a_debt(user, bought_package, use, tell, grant_of):
    payment = bought_package(user)
    use(user, 300_000)
    tell(payment, refunded=500)
    reverse(payment)
    assert state(grant_of(payment)) == (0, 300_000, 150_000, 75_000)
    tell(payment, refunded=1_000)
    reverse(payment)
    assert state(grant_of(payment)) == (0, 300_000, 150_000, 300_000)


def test_a_refund_while_tokens_are_held_counts_them_as_used(
    user, bought_package, hold, tell, grant_of
):
    payment = bought_package(user)
    taken = hold(user, 110_000)
    tell(payment, refunded=1_000)
    reverse(payment)
    grant = grant_of(payment)
    assert (grant.held, grant.voided, grant.owed) == (100_000, 350_000, 100_000)
    hold_settle(hold_id=taken.pk, amount=50_000, now=NOW)
    # What comes back from the hold pays the debt: 40,000 were used, 60,000 were not.
    assert state(grant_of(payment)) == (0, 40_000, 410_000, 40_000)
    assert reverse(payment).reversals == 1


def test_an_open_dispute_withholds_only_what_is_left(user, bought_package, use, tell, grant_of):
    payment = bought_package(user)
    use(user, 300_000)
    tell(payment, disputed=1_000, dispute="open")
    reverse(payment)
    assert state(grant_of(payment)) == (0, 300_000, 150_000, 0)


def test_a_won_dispute_gives_back_what_was_withheld(user, bought_package, use, tell, grant_of):
    payment = bought_package(user)
    use(user, 300_000)
    tell(payment, disputed=1_000, dispute="open")
    reverse(payment)
    tell(payment, dispute="won")
    assert reverse(payment).reversals == 2
    assert state(grant_of(payment)) == (150_000, 300_000, 0, 0)


def test_a_lost_dispute_takes_all_and_the_used_part_is_owed(
    user, bought_package, use, tell, grant_of
):
    payment = bought_package(user)
    use(user, 300_000)
    tell(payment, disputed=1_000, dispute="open")
    reverse(payment)
    tell(payment, dispute="lost")
    reverse(payment)
    assert state(grant_of(payment)) == (0, 300_000, 150_000, 300_000)


def test_a_refund_after_a_won_dispute_takes_its_share(user, bought_package, tell, grant_of):
    payment = bought_package(user)
    for facts in ({"disputed": 1_000, "dispute": "open"}, {"dispute": "won"}, {"refunded": 400}):
        tell(payment, **facts)
        reverse(payment)
    assert state(grant_of(payment)) == (270_000, 0, 180_000, 0)


def test_a_partly_refunded_payment_is_disputed_for_the_rest(
    user, bought_package, use, tell, grant_of
):
    payment = bought_package(user)
    use(user, 400_000)
    tell(payment, refunded=400)
    reverse(payment)
    assert state(grant_of(payment)) == (0, 400_000, 50_000, 130_000)
    tell(payment, disputed=600, dispute="open")
    reverse(payment)
    assert state(grant_of(payment)) == (0, 400_000, 50_000, 130_000)
    tell(payment, dispute="lost")
    reverse(payment)
    assert state(grant_of(payment)) == (0, 400_000, 50_000, 220_000)


def test_a_debt_that_was_paid_is_not_taken_again(
    user, bought_package, use, tell, grant_of, purchase
):
    payment = bought_package(user)
    use(user, 450_000)
    tell(payment, refunded=1_000)
    reverse(payment)
    assert grant_of(payment).owed == 450_000
    later = purchase(user, 1_000_000)
    later.refresh_from_db()
    assert (grant_of(payment).owed, later.available) == (0, 550_000)
    assert reverse(payment).reversals == 1
    assert grant_of(payment).owed == 0


def test_a_won_dispute_does_not_give_back_what_staff_took(user, bought_package, tell, grant_of):
    payment = bought_package(user)
    grant_claw_back(
        grant_id=grant_of(payment).pk, target=50_000, key="staff:1", may_owe=False, now=NOW
    )
    for facts in ({"disputed": 1_000, "dispute": "open"}, {"dispute": "won"}):
        tell(payment, **facts)
        reverse(payment)
    assert state(grant_of(payment)) == (400_000, 0, 50_000, 0)
    tell(payment, refunded=100)
    reverse(payment)
    assert state(grant_of(payment)) == (355_000, 0, 95_000, 0)


def test_a_dispute_is_capped_at_what_was_paid(user, bought_package, tell, grant_of):
    payment = bought_package(user)
    tell(payment, disputed=5_000, dispute="lost")
    reverse(payment)
    assert state(grant_of(payment)) == (0, 0, 450_000, 0)


def test_a_payment_whose_grant_is_not_there_moves_nothing(user, bought_package, tell):
    payment = bought_package(user)
    Payment.objects.filter(pk=payment.pk).update(source="cs_other", refunded_cents=1_000)
    assert reverse(payment).reversals == 0


FINAL = {"refunded": 250, "disputed": 800, "dispute": "lost"}
STEPS = [
    {"refunded": 100},
    {"refunded": 250},
    {"disputed": 800, "dispute": "open"},
    {"dispute": "won"},
]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.permutations(STEPS),
    spent=st.integers(0, 450_000),
    spend_before=st.integers(0, len(STEPS)),
    repeats=st.integers(1, 3),
)
def test_any_way_to_the_same_facts_takes_the_same(
    django_user_model, bought_package, use, tell, grant_of, steps, spent, spend_before, repeats
):
    user = django_user_model.objects.create_user(f"u{django_user_model.objects.count()}@e.com")
    payment = bought_package(user)
    used = 0
    for place, facts in enumerate([*steps, FINAL]):
        if place == spend_before:
            used = min(spent, grant_of(payment).available)
            use(user, used)
        tell(payment, **facts)
        for repeat in range(repeats):
            reverse(payment, NOW + timedelta(seconds=repeat))
    grant = grant_of(payment)
    # Lost for $8 of $10: 360,000 tokens, from what is left first, the rest is owed.
    left = 450_000 - used
    assert state(grant) == (
        max(left - 360_000, 0),
        used,
        min(left, 360_000),
        max(360_000 - left, 0),
    )
