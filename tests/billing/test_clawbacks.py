"""Tokens taken back, given back, owed, paid and forgiven, on both engines."""

from datetime import timedelta

import pytest
from django.db import transaction

from billing.models import DebtEntry, Grant, Movement
from billing.selectors import debt_of, standing_of
from billing.services.batches import grants_expire
from billing.services.clawbacks import (
    ClawBack,
    debt_forgive,
    debts_collect,
    debts_sweep,
    grant_claw_back,
    taken_of,
)
from billing.services.holds import hold_create, hold_release, hold_settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("both_engines")]


@pytest.fixture
def claw(now):
    """claw(grant, target, key, may_owe=True, at=now)"""

    def back(grant, target, key, *, may_owe=True, at=now):
        return grant_claw_back(grant_id=grant.pk, target=target, key=key, may_owe=may_owe, now=at)

    return back


@pytest.fixture
def gift(purchase):
    """gift(user, tokens): tokens that are spent before all others."""

    def make(user, amount, **facts):
        return purchase(user, amount, kind=Grant.Kind.ADJUSTMENT, **facts)

    return make


@pytest.fixture
def spend(hold, now):
    """spend(user, tokens): held and settled wholly."""

    def all_of_it(user, tokens):
        hold_settle(hold_id=hold(user, tokens).pk, amount=tokens, now=now)

    return all_of_it


def states(grant):
    """(available, held, spent, expired, voided, owed)"""
    grant.refresh_from_db()
    return (grant.available, grant.held, grant.spent, grant.expired, grant.voided, grant.owed)


def moved():
    """The keys and amounts of movements that no hold and no issue explains."""
    steps = Movement.objects.filter(hold=None).exclude(from_state="issued").order_by("pk")
    return [(step.key, step.from_state, step.to_state, step.amount) for step in steps]


def entries():
    return [
        (entry.key, entry.kind, entry.amount, entry.payer_id)
        for entry in DebtEntry.objects.order_by("pk")
    ]


# --- Taking back -------------------------------------------------------------------------------


def test_what_is_available_is_voided(user, purchase, claw):
    grant = purchase(user, 1_000)
    assert claw(grant, 300, "refund:1") == ClawBack(voided=300, owed=0, moved=300)
    assert states(grant) == (700, 0, 0, 0, 300, 0)
    assert moved() == [(f"void:refund:1:{grant.pk}", "available", "voided", 300)]
    assert entries() == []


def test_what_was_used_is_owed(user, gift, claw, spend, now):
    grant = gift(user, 1_000)
    spend(user, 600)
    assert claw(grant, 1_000, "refund:1") == ClawBack(voided=400, owed=600, moved=1_000)
    assert states(grant) == (0, 0, 600, 0, 400, 600)
    assert entries() == [(f"owe:refund:1:{grant.pk}", "taken", 600, None)]
    assert DebtEntry.objects.get().created_at == now
    assert (debt_of(user.pk), standing_of(user, now).debt) == (600, 600)


def test_what_is_held_is_owed_too(user, gift, claw, hold):
    grant = gift(user, 1_000)
    hold(user, 250)
    assert claw(grant, 1_000, "refund:1") == ClawBack(750, 250, 1_000)
    assert states(grant) == (0, 250, 0, 0, 750, 250)


def test_one_token_is_taken_before_one_is_owed(user, gift, claw, spend):
    grant = gift(user, 2)
    spend(user, 1)
    assert claw(grant, 1, "refund:1") == ClawBack(1, 0, 1)
    assert claw(grant, 2, "refund:2") == ClawBack(1, 1, 1)


def test_without_a_debt_only_what_is_there_is_taken(user, gift, claw, spend):
    grant = gift(user, 1_000)
    spend(user, 600)
    assert claw(grant, 1_000, "dispute:1", may_owe=False) == ClawBack(400, 0, 400)
    assert claw(grant, 1_000, "lost:1") == ClawBack(400, 600, 600)


def test_a_larger_refund_takes_the_difference(user, purchase, claw):
    grant = purchase(user, 1_000)
    claw(grant, 300, "refund:1")
    assert claw(grant, 450, "refund:2") == ClawBack(450, 0, 150)
    assert taken_of(grant_id=grant.pk) == 450


def test_a_key_works_once_whatever_it_asks_again(user, gift, claw, spend):
    grant = gift(user, 1_000)
    spend(user, 900)
    claw(grant, 300, "refund:1")
    for target in (300, 0, 1_000):
        assert claw(grant, target, "refund:1") == ClawBack(100, 200, 0)
    claw(grant, 0, "won:1")
    assert states(grant) == (100, 0, 900, 0, 0, 0)
    assert claw(grant, 1_000, "won:1") == ClawBack(0, 0, 0)
    claw(grant, 50, "refund:2")
    claw(grant, 20, "won:2")
    assert claw(grant, 50, "won:2") == ClawBack(20, 0, 0)


def test_a_key_that_only_made_a_debt_works_once_too(user, gift, claw, spend):
    grant = gift(user, 1_000)
    spend(user, 1_000)
    assert claw(grant, 400, "refund:1").moved == 400
    assert claw(grant, 1_000, "refund:1").moved == 0
    assert claw(grant, 100, "won:1") == ClawBack(0, 100, -300)
    assert claw(grant, 0, "won:1") == ClawBack(0, 100, 0)


def test_a_key_that_only_voided_or_gave_back_works_once_too(user, purchase, claw):
    grant = purchase(user, 1_000)
    assert claw(grant, 400, "refund:1").moved == 400
    assert claw(grant, 1_000, "refund:1").moved == 0
    assert claw(grant, 100, "won:1").moved == -300
    assert claw(grant, 0, "won:1").moved == 0


def test_a_key_is_the_grants_own(user, purchase, claw):
    first, second = purchase(user, 10), purchase(user, 10)
    assert claw(first, 10, "refund:1").moved == 10
    assert claw(second, 10, "refund:1").moved == 10


def test_what_moved_nothing_can_be_asked_again(user, gift, claw, spend):
    grant = gift(user, 10)
    spend(user, 10)
    assert claw(grant, 10, "dispute:1", may_owe=False).moved == 0
    assert claw(grant, 10, "dispute:1").moved == 10


def test_more_than_the_grant_is_the_grant(user, purchase, claw):
    grant = purchase(user, 10)
    assert claw(grant, 11, "refund:1") == ClawBack(10, 0, 10)
    assert claw(grant, 12, "refund:2") == ClawBack(10, 0, 0)


def test_less_than_nothing_is_refused(user, purchase, claw):
    grant = purchase(user, 10)
    with pytest.raises(ValueError, match=r"^less than nothing can not be taken back$"):
        claw(grant, -1, "refund:1")
    assert claw(grant, 0, "refund:1") == ClawBack(0, 0, 0)


def test_a_grant_that_is_not_there_is_told(user, claw, purchase):
    grant = purchase(user, 10)
    grant.pk += 1
    with pytest.raises(Grant.DoesNotExist), transaction.atomic():
        claw(grant, 10, "refund:1")


def test_what_was_taken_back_can_not_be_spent(user, purchase, claw, hold, now):
    claw(purchase(user, 1_000), 400, "refund:1")
    assert standing_of(user, now).available == 10_600
    assert hold(user, 1, 99_999).amount == 10_600


# --- Giving back -------------------------------------------------------------------------------


def test_a_won_dispute_shrinks_the_debt_and_then_gives_back(user, gift, claw, spend):
    grant = gift(user, 1_000)
    spend(user, 600)
    claw(grant, 1_000, "lost:1")
    assert claw(grant, 700, "won:1") == ClawBack(400, 300, -300)
    assert claw(grant, 300, "won:2") == ClawBack(300, 0, -400)
    assert claw(grant, 0, "won:3") == ClawBack(0, 0, -300)
    assert states(grant) == (400, 0, 600, 0, 0, 0)
    assert moved()[1:] == [
        (f"unvoid:won:2:{grant.pk}", "voided", "available", 100),
        (f"unvoid:won:3:{grant.pk}", "voided", "available", 300),
    ]
    assert entries()[1:] == [
        (f"unowe:won:1:{grant.pk}", "taken", -300, None),
        (f"unowe:won:2:{grant.pk}", "taken", -300, None),
    ]


def test_after_a_win_a_refund_takes_the_whole_again(user, gift, claw, spend):
    grant = gift(user, 1_000)
    spend(user, 600)
    for number in (1, 2):
        assert claw(grant, 1_000, f"lost:{number}") == ClawBack(400, 600, 1_000)
        assert claw(grant, 0, f"won:{number}") == ClawBack(0, 0, -1_000)


def test_what_comes_back_to_a_lapsed_grant_has_lapsed(user, gift, claw, now):
    end = now + timedelta(hours=1)
    grant = gift(user, 100, expires_at=end)
    claw(grant, 100, "dispute:1")
    assert claw(grant, 60, "won:1", at=end - timedelta(microseconds=1)) == ClawBack(60, 0, -40)
    assert states(grant) == (40, 0, 0, 0, 60, 0)
    assert claw(grant, 0, "won:2", at=end) == ClawBack(0, 0, -60)
    assert states(grant) == (0, 0, 0, 100, 0, 0)
    assert moved()[-2:] == [
        (f"expire:{grant.pk}", "available", "expired", 40),
        (f"unvoid:won:2:{grant.pk}", "voided", "expired", 60),
    ]


def test_what_a_sweep_began_to_expire_stays_lapsed_for_a_slower_clock(user, gift, claw, now):
    end = now + timedelta(hours=1)
    grant = gift(user, 100, expires_at=end)
    claw(grant, 60, "dispute:1")
    assert grants_expire(now=end) == 1
    claw(grant, 0, "won:1", at=end - timedelta(seconds=1))
    assert states(grant) == (0, 0, 0, 100, 0, 0)


@pytest.mark.parametrize("swept", [False, True])
def test_what_lapsed_is_neither_taken_nor_owed(user, gift, claw, spend, now, swept):
    end = now + timedelta(hours=1)
    grant = gift(user, 100, expires_at=end)
    spend(user, 30)
    if swept:
        grants_expire(now=end)
    assert claw(grant, 100, "refund:1", at=end) == ClawBack(0, 30, 30)
    assert states(grant) == (0, 0, 30, 70, 0, 30)
    assert claw(grant, 100, "refund:2", at=end).moved == 0


# --- Holds that come back ----------------------------------------------------------------------


def test_what_comes_back_from_a_hold_pays_the_debt_first(user, gift, claw, hold, now):
    grant = gift(user, 1_000)
    taken = hold(user, 800)
    claw(grant, 500, "refund:1")
    assert states(grant) == (0, 800, 0, 0, 200, 300)
    hold_settle(hold_id=taken.pk, amount=100, now=now)
    assert states(grant) == (400, 0, 100, 0, 500, 0)
    steps = Movement.objects.filter(hold=taken, from_state="held").order_by("pk")
    assert [(step.to_state, step.amount, step.key) for step in steps] == [
        ("spent", 100, f"settle:{taken.key}:{grant.pk}"),
        ("voided", 300, f"repay:{taken.key}:{grant.pk}"),
        ("available", 400, f"return:{taken.key}:{grant.pk}"),
    ]
    assert {step.created_at for step in steps} == {now}
    assert entries()[-1] == (f"repay:{taken.key}:{grant.pk}", "returned", -300, None)
    assert DebtEntry.objects.get(kind="returned").created_at == now
    assert claw(grant, 500, "again") == ClawBack(500, 0, 0)


def test_a_release_pays_as_far_as_it_reaches(user, gift, claw, hold, spend, now):
    grant = gift(user, 1_000)
    spend(user, 600)
    taken = hold(user, 300)
    claw(grant, 1_000, "refund:1")
    hold_release(hold_id=taken.pk, now=now)
    assert states(grant) == (0, 0, 600, 0, 400, 600)
    assert [step.to_state for step in Movement.objects.filter(hold=taken)] == ["held", "voided"]


def test_what_is_charged_stays_owed(user, gift, claw, hold, now):
    grant = gift(user, 1_000)
    taken = hold(user, 1_000)
    claw(grant, 1_000, "refund:1")
    settlement = hold_settle(hold_id=taken.pk, amount=1_000, now=now)
    assert settlement == (1_000, (("adjustment", 1_000),))
    assert states(grant) == (0, 0, 1_000, 0, 0, 1_000)


def test_a_debt_is_paid_before_the_rest_lapses(user, gift, claw, hold, now):
    end = now + timedelta(minutes=1)
    grant = gift(user, 1_000, expires_at=end)
    taken = hold(user, 800)
    claw(grant, 500, "refund:1")
    hold_release(hold_id=taken.pk, now=end)
    assert states(grant) == (0, 0, 0, 500, 500, 0)


def test_only_the_owing_grant_of_a_hold_keeps_what_comes_back(
    user, gift, purchase, hold, claw, now
):
    owing, other = gift(user, 100), gift(user, 100)
    taken = hold(user, 200)
    claw(owing, 100, "refund:1")
    hold_release(hold_id=taken.pk, now=now)
    assert states(owing) == (0, 0, 0, 0, 100, 0)
    assert states(other) == (100, 0, 0, 0, 0, 0)


# --- Paying ------------------------------------------------------------------------------------


@pytest.fixture
def owing(user, gift, claw, spend):
    """A gift of 1,000 that was spent and then taken back: 1,000 are owed."""
    grant = gift(user, 1_000)
    spend(user, 1_000)
    claw(grant, 1_000, "refund:owing")
    return grant


@pytest.mark.parametrize("kind", ["purchased", "adjustment"])
def test_new_tokens_pay_the_debt_at_once(user, owing, purchase, now, kind):
    grant = purchase(user, 1_500, kind=kind, effective_at=now)
    assert (grant.available, grant.voided) == (500, 1_000)
    assert states(grant) == (500, 0, 0, 0, 1_000, 0)
    assert states(owing) == (0, 0, 1_000, 0, 0, 0)
    fact = f"debt:{owing.pk}:{grant.pk}:1"
    assert moved() == [(fact, "available", "voided", 1_000)]
    assert entries()[-1] == (fact, "paid", -1_000, grant.pk)
    assert debt_of(user.pk) == 0


def test_a_grant_made_again_pays_once(user, owing, purchase, now):
    for _ in range(2):
        grant = purchase(user, 400, source="purchase:again", effective_at=now)
    assert states(grant) == (0, 0, 0, 0, 400, 0)
    assert states(owing)[-1] == 600


@pytest.mark.parametrize("kind", ["free_monthly", "premium_daily"])
def test_free_and_premium_tokens_never_pay(user, owing, purchase, now, kind):
    grant = purchase(user, 1_500, kind=kind, effective_at=now)
    assert debts_collect(user_id=user.pk, now=now) == 0
    assert states(grant) == (1_500, 0, 0, 0, 0, 0)
    assert standing_of(user, now).debt == 1_000
    assert states(owing)[-1] == 1_000


def test_tokens_of_tomorrow_pay_tomorrow(user, owing, purchase, now):
    tomorrow = now + timedelta(days=1)
    grant = purchase(user, 1_500, effective_at=tomorrow, now=now)
    assert states(grant)[0] == 1_500
    assert debts_collect(user_id=user.pk, now=tomorrow - timedelta(microseconds=1)) == 0
    assert debts_collect(user_id=user.pk, now=tomorrow) == 1_000


def test_lapsed_tokens_do_not_pay(user, gift, claw, hold, purchase, now):
    end = now + timedelta(minutes=1)
    owing = gift(user, 100)
    taken = hold(user, 100)
    purchase(user, 50, expires_at=end)
    claw(owing, 100, "refund:1")
    hold_settle(hold_id=taken.pk, amount=100, now=now)
    assert debts_collect(user_id=user.pk, now=end) == 0
    assert debts_collect(user_id=user.pk, now=end - timedelta(microseconds=1)) == 50


def test_debts_are_paid_oldest_first_out_of_what_is_spent_first(
    user, gift, purchase, claw, spend, now
):
    bought, second, first = purchase(user, 60), gift(user, 50), gift(user, 40)
    spend(user, 90)
    late = gift(user, 30)
    claw(first, 40, "refund:1")
    claw(second, 50, "refund:2")
    assert debts_collect(user_id=user.pk, now=now) == 90
    assert (states(late)[4], states(bought)[4]) == (30, 60)
    assert [key for key, *_ in moved()] == [
        f"debt:{second.pk}:{late.pk}:1",
        f"debt:{second.pk}:{bought.pk}:1",
        f"debt:{first.pk}:{bought.pk}:1",
    ]
    assert debts_collect(user_id=user.pk, now=now) == 0


def test_nobody_pays_for_another(user, other_user, owing, purchase, now):
    grant = purchase(other_user, 5_000, effective_at=now)
    assert debts_collect(user_id=other_user.pk, now=now) == 0
    assert states(grant)[0] == 5_000
    assert (debt_of(user.pk), debt_of(other_user.pk)) == (1_000, 0)


def test_only_the_named_grant_pays(user, gift, purchase, claw, spend, now):
    owing = gift(user, 100)
    spend(user, 100)
    first, second = purchase(user, 30), purchase(user, 30)
    claw(owing, 100, "refund:1")
    assert debts_collect(user_id=user.pk, now=now, payer_id=second.pk) == 30
    assert (states(first)[0], states(second)[0], states(owing)[-1]) == (30, 0, 70)


def test_the_sweep_pays_for_everybody_who_can(user, other_user, gift, purchase, claw, spend, now):
    for person in (user, other_user):
        grant = gift(person, 100)
        spend(person, 100)
        purchase(person, 70)
        claw(grant, 100, f"refund:{person.pk}")
    assert debts_sweep(now=now) == 140
    assert debts_sweep(now=now) == 0
    assert (debt_of(user.pk), debt_of(other_user.pk)) == (30, 30)


def test_the_sweep_finds_a_debt_of_one_token(user, gift, purchase, claw, spend, now):
    grant = gift(user, 1)
    spend(user, 1)
    purchase(user, 1)
    claw(grant, 1, "refund:1")
    assert debts_sweep(now=now) == 1


def test_a_paid_debt_is_not_taken_again(user, owing, purchase, claw, now):
    grant = purchase(user, 1_500, effective_at=now)
    assert claw(owing, 1_000, "refund:again") == ClawBack(0, 0, 0)
    assert taken_of(grant_id=owing.pk) == 1_000
    assert taken_of(grant_id=grant.pk) == 0


def test_a_win_gives_back_what_another_grant_paid(user, owing, purchase, claw, now):
    grant = purchase(user, 1_500, effective_at=now)
    assert claw(owing, 400, "won:1") == ClawBack(0, 0, -600)
    assert states(grant) == (1_100, 0, 0, 0, 400, 0)
    assert states(owing) == (0, 0, 1_000, 0, 0, 0)
    fact = f"repaid:won:1:{owing.pk}:{grant.pk}"
    assert moved()[-1] == (fact, "voided", "available", 600)
    assert entries()[-2:] == [
        (fact, "paid", 600, grant.pk),
        (f"unowe:won:1:{owing.pk}", "taken", -600, None),
    ]
    assert claw(owing, 400, "won:1").moved == 0
    assert claw(owing, 0, "won:2") == ClawBack(0, 0, -400)
    assert states(grant) == (1_500, 0, 0, 0, 0, 0)
    assert claw(owing, 0, "won:3") == ClawBack(0, 0, 0)


def test_a_win_shrinks_what_is_still_owed_and_leaves_what_was_paid(
    user, owing, purchase, claw, now
):
    grant = purchase(user, 400, effective_at=now)
    assert claw(owing, 700, "won:1") == ClawBack(0, 300, -300)
    assert states(grant) == (0, 0, 0, 0, 400, 0)


def test_the_latest_payment_comes_back_first(user, owing, purchase, claw, now):
    first = purchase(user, 700, effective_at=now)
    second = purchase(user, 700, effective_at=now)
    assert (states(first)[4], states(second)[4]) == (700, 300)
    claw(owing, 600, "won:1")
    assert (states(first)[4], states(second)[4]) == (600, 0)
    claw(owing, 500, "won:2")
    assert (states(first)[4], states(second)[4]) == (500, 0)


def test_a_refund_of_what_paid_a_debt_is_owed(user, owing, purchase, claw, now):
    grant = purchase(user, 1_500, effective_at=now)
    assert claw(grant, 1_500, "refund:2") == ClawBack(voided=1_500, owed=1_000, moved=1_500)
    assert debt_of(user.pk) == 1_000
    # Then the first one is won: what it had been paid is what the second one owes.
    assert claw(owing, 0, "won:1").moved == -1_000
    assert states(grant) == (0, 0, 0, 0, 1_500, 0)
    assert entries()[-3:] == [
        (f"repaid:won:1:{owing.pk}:{grant.pk}", "paid", 1_000, grant.pk),
        (f"repaid:won:1:{owing.pk}:{grant.pk}:owed", "returned", -1_000, None),
        (f"unowe:won:1:{owing.pk}", "taken", -1_000, None),
    ]
    assert (debt_of(user.pk), taken_of(grant_id=grant.pk)) == (0, 1_500)
    assert claw(grant, 0, "won:2") == ClawBack(0, 0, -1_500)
    assert states(grant) == (1_500, 0, 0, 0, 0, 0)


def test_a_payer_that_owes_a_little_gets_the_rest_back(user, owing, purchase, claw, now):
    grant = purchase(user, 1_000, effective_at=now)
    claw(grant, 100, "refund:2")
    assert states(grant) == (0, 0, 0, 0, 1_000, 100)
    claw(owing, 0, "won:1")
    assert states(grant) == (900, 0, 0, 0, 100, 0)


def test_what_comes_back_to_a_lapsed_payer_has_lapsed(user, owing, gift, claw, now):
    end = now + timedelta(days=1)
    grant = gift(user, 400, effective_at=now, expires_at=end)
    claw(owing, 0, "won:1", at=end)
    assert states(grant) == (0, 0, 0, 400, 0, 0)


def test_the_same_pair_pays_as_often_as_it_must(user, gift, claw, hold, purchase, now):
    owing = gift(user, 100)
    taken = hold(user, 100)
    hold_settle(hold_id=taken.pk, amount=100, now=now)
    grant = purchase(user, 500)
    for number in (1, 2):
        claw(owing, 50 * number, f"refund:{number}")
        debts_collect(user_id=user.pk, now=now)
    payments = DebtEntry.objects.filter(kind="paid").values_list("key", "amount")
    assert list(payments) == [
        (f"debt:{owing.pk}:{grant.pk}:1", -50),
        (f"debt:{owing.pk}:{grant.pk}:2", -50),
    ]


# --- Forgiving ---------------------------------------------------------------------------------


def test_a_debt_can_be_forgiven_in_parts(user, owing, claw, now):
    assert debt_forgive(grant_id=owing.pk, amount=300, key="staff:1", now=now) == 300
    assert debt_forgive(grant_id=owing.pk, amount=999, key="staff:1", now=now) == 300
    assert states(owing)[-1] == 700
    assert debt_forgive(grant_id=owing.pk, amount=999, key="staff:2", now=now) == 700
    assert debt_forgive(grant_id=owing.pk, amount=1, key="staff:3", now=now) == 0
    assert entries()[-2:] == [
        (f"forgive:staff:1:{owing.pk}", "forgiven", -300, None),
        (f"forgive:staff:2:{owing.pk}", "forgiven", -700, None),
    ]
    assert claw(owing, 1_000, "refund:again").moved == 0


def test_to_forgive_nothing_is_a_mistake(owing, now):
    with pytest.raises(ValueError, match=r"^at least one token is forgiven$"):
        debt_forgive(grant_id=owing.pk, amount=0, key="staff:1", now=now)


def test_what_was_forgiven_and_lapsed_is_not_given_back_by_a_refund(user, gift, claw, hold, now):
    end = now + timedelta(hours=1)
    grant = gift(user, 100, expires_at=end)
    taken = hold(user, 100)
    claw(grant, 100, "refund:1")
    debt_forgive(grant_id=grant.pk, amount=100, key="staff:1", now=now)
    hold_release(hold_id=taken.pk, now=end)
    assert states(grant) == (0, 0, 0, 100, 0, 0)
    assert claw(grant, 100, "refund:2", at=end) == ClawBack(0, 0, 0)


def test_a_new_debt_after_a_forgiven_one_is_only_the_difference(user, gift, spend, claw, now):
    grant = gift(user, 100)
    spend(user, 100)
    claw(grant, 60, "refund:1")
    debt_forgive(grant_id=grant.pk, amount=60, key="staff:1", now=now)
    assert claw(grant, 100, "refund:2") == ClawBack(0, 40, 40)


def test_free_tokens_still_run_while_something_is_owed(user, owing, now):
    run = hold_create(
        user_id=user.pk,
        key="run:free",
        at_least=10_000,
        at_most=10_000,
        expires_at=now + timedelta(hours=1),
        now=now,
    )
    assert run.amount == 10_000
