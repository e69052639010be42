"""Taking, charging and giving back, on both engines."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from billing.errors import (
    HoldAlreadyReleased,
    HoldAlreadySettled,
    InsufficientTokens,
    LedgerBroken,
)
from billing.models import Grant, Hold, Movement
from billing.services.batches import grants_expire
from billing.services.engines import engine, portable
from billing.services.engines.types import ResolveRequest
from billing.services.holds import (
    hold_create,
    hold_release,
    hold_settle,
    holds_expire,
    settlement_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("both_engines")]


def _movements(hold):
    return list(
        Movement.objects.filter(hold=hold)
        .order_by("pk")
        .values_list("grant__kind", "from_state", "to_state", "amount")
    )


def test_the_first_hold_makes_the_free_month_and_takes_from_it(user, hold, totals):
    taken = hold(user, 1_000)
    assert (taken.amount, taken.state, taken.user_id) == (1_000, Hold.State.OPEN, user.pk)
    assert totals(user) == [("free_monthly", 9_000, 1_000, 0, 0)]
    stored = Hold.objects.get(pk=taken.pk)
    for field in Hold._meta.concrete_fields:
        assert getattr(stored, field.attname) == getattr(taken, field.attname)


def test_a_hold_takes_as_much_as_there_is_up_to_what_is_asked(user, hold, totals):
    assert hold(user, 1, 4_000).amount == 4_000
    assert hold(user, 1, 9_000).amount == 6_000
    assert totals(user) == [("free_monthly", 0, 10_000, 0, 0)]


def test_a_hold_spreads_over_pockets_in_the_spending_order(user, hold, purchase, totals, now):
    purchase(user, 50_000)
    purchase(user, 700, kind=Grant.Kind.ADJUSTMENT)
    purchase(user, 30_000, kind=Grant.Kind.PREMIUM_DAILY, expires_at=now + timedelta(hours=1))
    taken = hold(user, 60_701)
    assert totals(user) == [
        ("adjustment", 0, 700, 0, 0),
        ("free_monthly", 0, 10_000, 0, 0),
        ("purchased", 0, 50_000, 0, 0),
        ("premium_daily", 29_999, 1, 0, 0),
    ]
    assert _movements(taken) == [
        ("adjustment", "available", "held", 700),
        ("free_monthly", "available", "held", 10_000),
        ("purchased", "available", "held", 50_000),
        ("premium_daily", "available", "held", 1),
    ]


def test_within_a_pocket_the_soonest_to_expire_goes_first_then_the_oldest(
    user, hold, purchase, now
):
    hold(user, 10_000)
    lots = {
        "never": purchase(user, 10),
        "never, younger": purchase(user, 10),
        "late": purchase(user, 10, expires_at=now + timedelta(days=9)),
        "soon": purchase(user, 10, expires_at=now + timedelta(days=1)),
    }
    order = []
    for _ in lots:
        grant_id = hold(user, 10).movements.get().grant_id
        order += [name for name, grant in lots.items() if grant.pk == grant_id]
    assert order == ["soon", "late", "never", "never, younger"]


def test_too_little_takes_nothing_and_says_what_is_missing(user, hold, totals):
    hold(user, 9_500)
    with pytest.raises(InsufficientTokens) as refused:
        hold(user, 501, 900)
    assert (refused.value.required, refused.value.available) == (501, 500)
    assert refused.value.extra == {"required": 501, "available": 500}
    assert (refused.value.status, refused.value.code) == (402, "insufficient_tokens")
    assert "at least 501 tokens and you have 500" in refused.value.message
    assert totals(user) == [("free_monthly", 500, 9_500, 0, 0)]
    assert Hold.objects.filter(user=user).count() == 1
    assert hold(user, 500).amount == 500


def test_a_refusal_leaves_the_callers_transaction_usable(user, other_user, hold, totals):
    with transaction.atomic():
        with pytest.raises(InsufficientTokens):
            hold(user, 10_001)
        hold(other_user, 5)
    assert totals(other_user) == [("free_monthly", 9_995, 5, 0, 0)]


def test_a_hold_goes_with_the_callers_transaction(user, hold, totals):
    with transaction.atomic():
        hold(user, 5)
        transaction.set_rollback(True)
    assert totals(user) == []
    assert not Hold.objects.filter(user=user).exists()


def test_the_same_key_is_the_same_hold_even_when_nothing_is_left(user, hold, totals):
    first = hold(user, 10_000, key="run:same")
    again = hold(user, 3, 7, key="run:same")
    assert (again.pk, again.amount) == (first.pk, 10_000)
    assert totals(user) == [("free_monthly", 0, 10_000, 0, 0)]


def test_a_key_of_another_user_is_refused(user, other_user, hold, totals):
    hold(user, 10, key="run:same")
    with pytest.raises(ValueError, match=r"^the hold run:same belongs to another user$"):
        hold(other_user, 10, key="run:same")
    assert totals(other_user) == []


@pytest.mark.parametrize(("at_least", "at_most"), [(0, 10), (-1, 10), (11, 10)])
def test_bounds_that_are_no_bounds_are_refused(user, now, at_least, at_most):
    says = rf"^a hold needs 0 < at_least <= at_most, not {at_least} and {at_most}$"
    with pytest.raises(ValueError, match=says):
        hold_create(
            user_id=user.pk, key="k", at_least=at_least, at_most=at_most, expires_at=now, now=now
        )
    assert not Hold.objects.exists()


def test_a_settlement_spends_in_order_and_gives_the_rest_back(user, hold, purchase, totals, now):
    purchase(user, 50_000)
    taken = hold(user, 25_000)
    settlement = hold_settle(hold_id=taken.pk, amount=12_000, now=now)
    assert settlement == (12_000, (("free_monthly", 10_000), ("purchased", 2_000)))
    assert totals(user) == [("free_monthly", 0, 0, 10_000, 0), ("purchased", 48_000, 0, 2_000, 0)]
    assert _movements(taken)[2:] == [
        ("free_monthly", "held", "spent", 10_000),
        ("purchased", "held", "spent", 2_000),
        ("purchased", "held", "available", 13_000),
    ]
    stored = Hold.objects.get(pk=taken.pk)
    assert (stored.state, stored.settled_amount, stored.resolved_at) == ("settled", 12_000, now)


def test_two_grants_of_one_kind_are_one_line_of_the_receipt(user, hold, purchase):
    hold(user, 10_000)
    purchase(user, 5)
    purchase(user, 5)
    taken = hold(user, 10)
    settlement = hold_settle(hold_id=taken.pk, amount=8)
    assert settlement == (8, (("purchased", 8),))
    assert settlement_of(hold_id=taken.pk) == settlement


@pytest.mark.parametrize("amount", [0, 1, 999, 1_000])
def test_any_charge_from_nothing_to_all_of_the_hold(user, hold, totals, now, amount):
    taken = hold(user, 1_000)
    settlement = hold_settle(hold_id=taken.pk, amount=amount, now=now)
    assert settlement == (amount, ((("free_monthly", amount),) if amount else ()))
    assert totals(user) == [("free_monthly", 10_000 - amount, 0, amount, 0)]


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        (-1, "a settlement can not be negative"),
        (1_001, "a settlement of 1001 does not fit the hold of 1000 tokens"),
    ],
)
def test_a_charge_outside_the_hold_is_refused_and_nothing_moves(user, hold, totals, amount, says):
    taken = hold(user, 1_000)
    with pytest.raises(ValueError, match=f"^{says}$"):
        hold_settle(hold_id=taken.pk, amount=amount)
    assert totals(user) == [("free_monthly", 9_000, 1_000, 0, 0)]
    assert Hold.objects.get(pk=taken.pk).state == Hold.State.OPEN


def test_a_second_settlement_is_the_first(user, hold, purchase, totals, now):
    purchase(user, 500)
    taken = hold(user, 10_100)
    first = hold_settle(hold_id=taken.pk, amount=10_050, now=now)
    before = totals(user), Movement.objects.count()
    for amount in (10_050, 0, 10_100, 99_999):
        assert hold_settle(hold_id=taken.pk, amount=amount) == first
    assert (totals(user), Movement.objects.count()) == before


def test_a_release_gives_everything_back_once(user, hold, totals, now):
    taken = hold(user, 4_000)
    for _ in range(3):
        hold_release(hold_id=taken.pk, now=now)
    assert totals(user) == [("free_monthly", 10_000, 0, 0, 0)]
    assert _movements(taken)[1:] == [("free_monthly", "held", "available", 4_000)]
    stored = Hold.objects.get(pk=taken.pk)
    assert (stored.state, stored.settled_amount, stored.resolved_at) == ("released", None, now)


def test_what_was_released_can_not_be_charged(user, hold, totals, now):
    taken = hold(user, 4_000)
    hold_release(hold_id=taken.pk, now=now)
    with pytest.raises(HoldAlreadyReleased, match="Nothing was charged"):
        hold_settle(hold_id=taken.pk, amount=1)
    assert totals(user) == [("free_monthly", 10_000, 0, 0, 0)]


def test_what_was_charged_can_not_be_released(user, hold, totals, now):
    taken = hold(user, 4_000)
    hold_settle(hold_id=taken.pk, amount=4_000, now=now)
    with pytest.raises(HoldAlreadySettled):
        hold_release(hold_id=taken.pk)
    assert totals(user) == [("free_monthly", 6_000, 0, 4_000, 0)]


def test_a_hold_that_never_was_is_an_error():
    with pytest.raises(Hold.DoesNotExist):
        hold_settle(hold_id=987_654, amount=1)
    with pytest.raises(Hold.DoesNotExist):
        hold_release(hold_id=987_654)


def test_the_rest_of_a_lapsed_grant_expires_the_rest_of_others_returns(
    user, hold, purchase, totals, now
):
    purchase(user, 1_000)
    taken = hold(user, 10_500)
    hold_settle(hold_id=taken.pk, amount=9_000, now=now + timedelta(days=16))
    assert totals(user) == [("free_monthly", 0, 0, 9_000, 1_000), ("purchased", 1_000, 0, 0, 0)]
    assert _movements(taken)[2:] == [
        ("free_monthly", "held", "spent", 9_000),
        ("free_monthly", "held", "expired", 1_000),
        ("purchased", "held", "available", 500),
    ]
    lapsed = Movement.objects.get(to_state="expired")
    assert lapsed.key == f"lapse:{taken.key}:{lapsed.grant_id}"


def test_a_release_after_the_month_expires_what_was_of_it(user, hold, totals, now):
    taken = hold(user, 4_000)
    hold_release(hold_id=taken.pk, now=now + timedelta(days=16))
    assert totals(user) == [("free_monthly", 6_000, 0, 0, 4_000)]


def test_a_slow_clock_can_not_bring_swept_tokens_back(user, hold, totals, now):
    month_end = now.replace(day=1, month=12, hour=0)
    taken = hold(user, 4_000)
    assert grants_expire(now=month_end, limit=10) == 1
    hold_release(hold_id=taken.pk, now=month_end - timedelta(milliseconds=5))
    assert totals(user) == [("free_monthly", 0, 0, 0, 10_000)]


def test_the_sweep_releases_what_nobody_resolved_in_time(user, hold, totals, now):
    hold(user, 1_000, expires_at=now + timedelta(minutes=1))
    hold(user, 200, expires_at=now + timedelta(minutes=2))
    settled = hold(user, 30, expires_at=now + timedelta(minutes=1))
    hold_settle(hold_id=settled.pk, amount=30, now=now)
    assert holds_expire(now=now + timedelta(seconds=59)) == 0
    assert holds_expire(now=now + timedelta(seconds=60)) == 1
    assert totals(user) == [("free_monthly", 9_770, 200, 30, 0)]
    assert holds_expire(now=now + timedelta(minutes=3)) == 1
    assert holds_expire(now=now + timedelta(minutes=3)) == 0
    assert totals(user) == [("free_monthly", 9_970, 0, 30, 0)]


def test_the_sweep_takes_the_oldest_first_and_no_more_than_asked(user, hold, now):
    late = hold(user, 1, expires_at=now + timedelta(minutes=2))
    early = hold(user, 1, expires_at=now + timedelta(minutes=1))
    assert holds_expire(now=now + timedelta(hours=1), limit=1) == 1
    assert Hold.objects.get(pk=early.pk).state == Hold.State.RELEASED
    assert Hold.objects.get(pk=late.pk).state == Hold.State.OPEN


def test_tokens_not_yet_in_effect_or_lapsed_are_not_spent(user, hold, purchase, now):
    purchase(user, 5, effective_at=now + timedelta(microseconds=1))
    purchase(user, 5, expires_at=now)
    with pytest.raises(InsufficientTokens) as refused:
        hold(user, 10_001)
    assert refused.value.available == 10_000


def test_movements_carry_the_business_fact_as_their_key(user, hold, purchase, now):
    taken = hold(user, 100, key="run:7")
    hold_settle(hold_id=taken.pk, amount=40, now=now)
    grant = Grant.objects.get(user=user)
    keys = list(Movement.objects.filter(grant=grant).order_by("pk").values_list("key", flat=True))
    assert keys == [
        f"grant:free:{user.pk}:2026-11",
        f"hold:run:7:{grant.pk}",
        f"settle:run:7:{grant.pk}",
        f"return:run:7:{grant.pk}",
    ]


def test_a_user_with_tokens_can_not_be_deleted(user, hold):
    hold(user, 1)
    with pytest.raises(ProtectedError):
        user.delete()


@pytest.mark.parametrize(
    "change",
    [
        {"available": -1, "spent": 10_001},
        {"available": 9_999},
        {"held": 1},
        {"amount": 0, "available": 0},
    ],
)
def test_the_database_refuses_totals_that_can_not_be(user, hold, now, change):
    taken = hold(user, 1)
    hold_release(hold_id=taken.pk, now=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.filter(user=user).update(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "settled"},
        {"state": "settled", "settled_amount": 11},
        {"settled_amount": 3},
        {"amount": 0},
    ],
)
def test_the_database_refuses_a_half_resolved_hold(user, hold, now, change):
    taken = hold(user, 10)
    if "state" in change and "settled_amount" in change:
        change = {**change, "resolved_at": now}
    with pytest.raises(IntegrityError), transaction.atomic():
        Hold.objects.filter(pk=taken.pk).update(**change)


def test_the_sweeps_limit_counts_only_what_is_forgotten(user, hold, now):
    done = [hold(user, 1, expires_at=now - timedelta(seconds=9)) for _ in range(3)]
    for each in done:
        hold_release(hold_id=each.pk, now=now)
    late = hold(user, 1, expires_at=now)
    assert holds_expire(now=now, limit=1) == 1
    late.refresh_from_db()
    assert late.state == Hold.State.RELEASED


@pytest.mark.usefixtures("ledger_left_broken")
def test_a_hold_that_its_grant_does_not_hold_is_told_and_left(user, hold, now):
    taken = hold(user, 100)
    Grant.objects.update(held=99, available=9_901)
    told = f"does not hold the 100 tokens of {taken.key}"
    with pytest.raises(LedgerBroken, match=told), transaction.atomic():
        portable.resolve(ResolveRequest(taken.pk, 40, now))
    assert Hold.objects.get().state == Hold.State.OPEN
    assert Grant.objects.get().held == 99


def test_tokens_that_vanish_under_their_lock_are_told(user, hold):
    taken = hold(user, 100)
    told = "had 9901 tokens under a lock, and lost them"
    with pytest.raises(LedgerBroken, match=told), transaction.atomic():
        portable._pin(taken, [(Grant.objects.get(), 9_901)])
    assert Grant.objects.get().held == 100


def test_the_sweep_says_how_many_it_released(user, hold, now):
    for _ in range(3):
        hold(user, 1, expires_at=now)
    assert holds_expire(now=now) == 3


def test_a_receipt_is_of_its_own_hold(user, hold, now):
    for amount in (30, 40):
        hold_settle(hold_id=hold(user, 50).pk, amount=amount, now=now)
    first, second = Hold.objects.order_by("pk")
    assert settlement_of(hold_id=first.pk).charged == 30
    assert hold_settle(hold_id=second.pk, amount=50, now=now).charged == 40


def test_what_is_resolved_otherwise_is_told_in_words(user, hold, now):
    charged, returned = hold(user, 50), hold(user, 50)
    hold_settle(hold_id=charged.pk, amount=50, now=now)
    hold_release(hold_id=returned.pk, now=now)
    with pytest.raises(HoldAlreadySettled) as settled:
        hold_release(hold_id=charged.pk, now=now)
    assert settled.value.message == "This had already been charged, so it can not be given back."
    with pytest.raises(HoldAlreadyReleased) as released:
        hold_settle(hold_id=returned.pk, amount=1, now=now)
    assert released.value.message == (
        "These tokens had already been given back. Nothing was charged."
    )
    with pytest.raises(ValueError, match=r"^a settlement can not be negative$"):
        hold_settle(hold_id=charged.pk, amount=-1, now=now)


def test_one_token_that_has_expired_is_enough_for_a_slower_clock(user, hold, purchase, now):
    end = now + timedelta(hours=1)
    grant = purchase(user, 2, kind=Grant.Kind.ADJUSTMENT, expires_at=end)
    taken = hold(user, 1)
    assert grants_expire(now=end) == 1
    hold_release(hold_id=taken.pk, now=end - timedelta(seconds=1))
    grant.refresh_from_db()
    assert (grant.available, grant.expired) == (0, 2)


def test_each_database_has_its_engine():
    name = "postgresql" if connection.vendor == "postgresql" else "portable"
    assert engine().take.__module__ == f"billing.services.engines.{name}"
