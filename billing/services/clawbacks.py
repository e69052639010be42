"""Taking tokens of a grant back, the debt that is left where they were used, and paying it.

Who waits for whom: everything here locks the user's row first, then grants in spending order. A
taker of a hold (`engines`) does the same or skips the user's row, a resolver locks its hold, then
grants in spending order, and nobody who has a grant waits for a user's row or a hold.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce

from accounts.models import User
from billing.models import DebtEntry, Grant, GrantQuerySet, Movement

# Whose tokens pay a debt. Free and premium tokens never do: they are a right of the calendar.
PAYING_KINDS = (Grant.Kind.PURCHASED, Grant.Kind.ADJUSTMENT)
_State = Movement.State


class ClawBack(NamedTuple):
    """voided, owed: tokens of the grant that are voided, and that are owed for it, now.

    moved: by how many tokens this call changed what is taken back; negative: given back.
    """

    voided: int
    owed: int
    moved: int


def grant_claw_back(
    *, grant_id: int, target: int, key: str, may_owe: bool, now: datetime
) -> ClawBack:
    """Bring what is taken back of the grant to `target` tokens, up or down.

    Taken back is what was voided of it, what is owed for it, and what other grants or a
    forgiveness have settled of that debt; never more than the grant's amount without what
    lapsed. Up: what is available is voided; the rest is owed if `may_owe`, else left alone. Down:
    the debt shrinks first, then voided tokens are available again (expired, where the grant has
    lapsed), then what other grants paid goes back to them.

    key: the business fact (up to 180 characters). A call whose key has moved something changes
    nothing again, whatever its target; a call that moved nothing leaves no trace of its key.
    Raises Grant.DoesNotExist, and ValueError for a target below 0.
    """
    if target < 0:
        raise ValueError("less than nothing can not be taken back")
    with transaction.atomic(savepoint=False):
        grant, payers = _locked(grant_id)
        if _was_done(key, grant):
            return ClawBack(grant.voided, grant.owed, 0)
        _lapse(grant, now)
        taken, for_others = _taken(grant)
        if target < taken:
            own_voided = grant.voided - for_others
            moved = -_give_back(grant, taken - target, own_voided, payers, key, now)
        else:
            wanted = max(min(target, grant.amount - grant.expired) - taken, 0)
            moved = _take_back(grant, wanted, key, may_owe=may_owe, now=now)
        return ClawBack(grant.voided, grant.owed, moved)


def taken_of(*, grant_id: int) -> int:
    """Tokens taken back of the grant so far (see `grant_claw_back`). Raises Grant.DoesNotExist."""
    return _taken(Grant.objects.get(pk=grant_id))[0]


def debts_collect(*, user_id: int, now: datetime, payer_id: int | None = None) -> int:
    """Pay the user's debts, oldest first, out of purchased and given tokens that are available.

    payer_id: only out of this grant. Returns how many tokens were paid; again: what is left to
    pay. Never touches free or premium tokens.
    """
    with transaction.atomic(savepoint=False):
        user_lock(user_id=user_id)
        grants = Grant.objects.filter(user_id=user_id)
        paying = grants.filter(kind__in=PAYING_KINDS).spendable_at(now)
        if payer_id is not None:
            paying = paying.filter(pk=payer_id)
        locked = _lock(paying | grants.filter(owed__gt=0))
        payers = [grant for grant in locked if grant.available]
        debts = sorted((grant for grant in locked if grant.owed), key=lambda grant: grant.pk)
        paid = 0
        for debt in debts:
            for payer in payers:
                amount = min(debt.owed, payer.available)
                if amount:
                    _pay(debt, payer, amount, now)
                    paid += amount
        return paid


def debts_sweep(*, now: datetime) -> int:
    """`debts_collect` for everybody who owes, each in its own transaction. Returns tokens paid."""
    owing = Grant.objects.filter(owed__gt=0).values_list("user_id", flat=True).distinct()
    return sum(debts_collect(user_id=user_id, now=now) for user_id in list(owing))


def debt_forgive(*, grant_id: int, amount: int, key: str, now: datetime) -> int:
    """Let go of `amount` tokens owed for the grant, or of what is owed if that is less.

    Returns the tokens forgiven; again with the key: the same, nothing changed. Raises
    Grant.DoesNotExist, and ValueError for an amount below 1.
    """
    if amount < 1:
        raise ValueError("at least one token is forgiven")
    with transaction.atomic(savepoint=False):
        grant, _ = _locked(grant_id)
        entry_key = f"forgive:{key}:{grant.pk}"
        done = DebtEntry.objects.filter(key=entry_key).first()
        if done is not None:
            return -done.amount
        forgiven = min(amount, grant.owed)
        if forgiven:
            _change(grant, owed=-forgiven)
            _enter(grant, DebtEntry.Kind.FORGIVEN, -forgiven, entry_key, now)
        return forgiven


# --- Up and down -------------------------------------------------------------------------------


def _take_back(grant: Grant, wanted: int, key: str, *, may_owe: bool, now: datetime) -> int:
    voided = min(wanted, grant.available)
    owed = wanted - voided if may_owe else 0
    _change(grant, available=-voided, voided=voided, owed=owed)
    _move(grant, _State.AVAILABLE, _State.VOIDED, voided, f"void:{key}:{grant.pk}", now)
    _enter(grant, DebtEntry.Kind.TAKEN, owed, f"owe:{key}:{grant.pk}", now)
    return voided + owed


def _give_back(
    grant: Grant,
    wanted: int,
    own_voided: int,
    payers: dict[int, Grant],
    key: str,
    now: datetime,
) -> int:
    """own_voided: tokens voided of the grant that did not pay another one's debt."""
    unowed = min(wanted, grant.owed)
    _change(grant, owed=-unowed)
    unvoided = min(wanted - unowed, own_voided)
    _unvoid(grant, unvoided, f"unvoid:{key}:{grant.pk}", now)
    refunded = _payments_refund(grant, wanted - unowed - unvoided, payers, key, now)
    # One entry for both: what other grants had paid was owed again for an instant.
    _enter(grant, DebtEntry.Kind.TAKEN, -(unowed + refunded), f"unowe:{key}:{grant.pk}", now)
    return unowed + unvoided + refunded


def _payments_refund(
    grant: Grant, wanted: int, payers: dict[int, Grant], key: str, now: datetime
) -> int:
    """Give up to `wanted` tokens back to the grants that paid this one's debt, latest first."""
    refunded = 0
    for payer_id, paid in _payments_of(grant):
        amount = min(wanted - refunded, paid)
        if amount:
            _refund(grant, payers[payer_id], amount, key, now)
            refunded += amount
    return refunded


def _refund(grant: Grant, payer: Grant, amount: int, key: str, now: datetime) -> None:
    """A payment is undone. A payer that has come to owe itself keeps it against its debt."""
    fact = f"repaid:{key}:{grant.pk}:{payer.pk}"
    _enter(grant, DebtEntry.Kind.PAID, amount, fact, now, payer=payer)
    unowed = min(amount, payer.owed)
    _change(payer, owed=-unowed)
    _enter(payer, DebtEntry.Kind.RETURNED, -unowed, f"{fact}:owed", now)
    _unvoid(payer, amount - unowed, fact, now)


def _pay(debt: Grant, payer: Grant, amount: int, now: datetime) -> None:
    number = DebtEntry.objects.filter(grant=debt, payer=payer).count() + 1
    fact = f"debt:{debt.pk}:{payer.pk}:{number}"
    _change(payer, available=-amount, voided=amount)
    _move(payer, _State.AVAILABLE, _State.VOIDED, amount, fact, now)
    _change(debt, owed=-amount)
    _enter(debt, DebtEntry.Kind.PAID, -amount, fact, now, payer=payer)


def _unvoid(grant: Grant, amount: int, key: str, now: datetime) -> None:
    """Voided tokens come back: available, or expired where their grant has lapsed meanwhile."""
    to_state = _State.EXPIRED if _has_lapsed(grant, now) else _State.AVAILABLE
    _change(grant, voided=-amount, **{to_state.value: amount})
    _move(grant, _State.VOIDED, to_state, amount, key, now)


def _lapse(grant: Grant, now: datetime) -> None:
    """Book what has lapsed as the sweep would: it can be neither taken back nor owed."""
    if grant.available and _has_lapsed(grant, now):
        amount = grant.available
        _change(grant, available=-amount, expired=amount)
        _move(grant, _State.AVAILABLE, _State.EXPIRED, amount, f"expire:{grant.pk}", now)


# --- Reading under the locks -------------------------------------------------------------------


def _taken(grant: Grant) -> tuple[int, int]:
    """Tokens taken back of the grant so far, and of its voided ones those that paid for others."""
    settled_kinds = (DebtEntry.Kind.PAID, DebtEntry.Kind.FORGIVEN)
    sums = DebtEntry.objects.filter(Q(grant=grant) | Q(payer=grant)).aggregate(
        settled=Coalesce(Sum("amount", filter=Q(grant=grant, kind__in=settled_kinds)), 0),
        for_others=Coalesce(Sum("amount", filter=Q(payer=grant)), 0),
    )
    # Entries that settle a debt are negative.
    settled, for_others = -sums["settled"], -sums["for_others"]
    return grant.voided - for_others + grant.owed + settled, for_others


def _payments_of(grant: Grant) -> list[tuple[int, int]]:
    """(payer, tokens still paid by it), the latest payer first."""
    payments = DebtEntry.objects.filter(grant=grant, kind=DebtEntry.Kind.PAID)
    sums = payments.order_by().values("payer_id").annotate(paid=-Sum("amount"))
    return list(sums.order_by("-payer_id").values_list("payer_id", "paid"))


def _was_done(key: str, grant: Grant) -> bool:
    facts = [f"{verb}:{key}:{grant.pk}" for verb in ("void", "unvoid", "owe", "unowe")]
    return (
        Movement.objects.filter(Movement.MOVED, grant=grant, key__in=facts).exists()
        or DebtEntry.objects.filter(key__in=facts).exists()
    )


def _has_lapsed(grant: Grant, now: datetime) -> bool:
    # `expired > 0` too: clocks differ between machines, and what a sweep has begun stays so.
    return grant.expired > 0 or (grant.expires_at is not None and grant.expires_at <= now)


def user_lock(*, user_id: int) -> None:
    """One change of a user's debts at a time. Inside a transaction, before any grant is locked."""
    if connection.features.has_select_for_update:
        User.objects.select_for_update(no_key=True).only("pk").get(pk=user_id)


def _locked(grant_id: int) -> tuple[Grant, dict[int, Grant]]:
    """The grant, and by id those that paid its debt: all locked, after their user's row."""
    user_lock(user_id=Grant.objects.values_list("user_id", flat=True).get(pk=grant_id))
    payers = DebtEntry.objects.filter(grant=grant_id, payer__isnull=False).values("payer_id")
    locked = {
        each.pk: each for each in _lock(Grant.objects.filter(Q(pk=grant_id) | Q(pk__in=payers)))
    }
    return locked.pop(grant_id), locked


def _lock(grants: GrantQuerySet) -> list[Grant]:
    return list(grants.in_spending_order().select_for_update(no_key=True))


# --- Writing -----------------------------------------------------------------------------------


def _change(grant: Grant, **by: int) -> None:
    """Change totals by so many tokens, in the row and in the instance. CHECKs say no below 0."""
    Grant.objects.filter(pk=grant.pk).update(
        **{name: F(name) + tokens for name, tokens in by.items()}
    )
    for name, tokens in by.items():
        setattr(grant, name, getattr(grant, name) + tokens)


def _move(
    grant: Grant, from_state: str, to_state: str, amount: int, key: str, now: datetime
) -> None:
    if amount:
        Movement.objects.create(
            grant=grant,
            from_state=from_state,
            to_state=to_state,
            amount=amount,
            key=key,
            created_at=now,
        )


def _enter(
    grant: Grant, kind: str, amount: int, key: str, now: datetime, *, payer: Grant | None = None
) -> None:
    if amount:
        DebtEntry.objects.create(
            grant=grant, kind=kind, payer=payer, amount=amount, key=key, created_at=now
        )
