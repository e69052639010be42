"""Holds through the ORM, on any database.

Who waits for whom: a taker locks the user's row, then the spendable grants in spending order; a
resolver locks the hold, then its grants in the same order. A taker that holds grants waits for no
hold: of two calls with one key the second waits at the user's row and then finds the first one's
hold. So there is no cycle. On SQLite the transaction is IMMEDIATE: one writer at a time.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import F

from accounts.models import User
from billing.entitlement import overlapping
from billing.errors import LedgerBroken
from billing.models import DebtEntry, Grant, Hold, Movement, PremiumPeriod
from billing.services.engines.types import Outcome, ResolveRequest, Take, TakeRequest


def take(request: TakeRequest) -> Take:
    """One hold, or the reason why not; see `hold_create`."""
    with transaction.atomic(savepoint=False):
        if connection.features.has_select_for_update:
            User.objects.select_for_update(no_key=True).get(pk=request.user_id)
        if Hold.objects.filter(key=request.key).exists():
            return Take(Outcome.EXISTS)
        if _allowance_missing(request):
            return Take(Outcome.ALLOWANCE_MISSING)
        grants = Grant.objects.filter(user_id=request.user_id).spendable_at(request.now)
        plan = _plan(grants.in_spending_order().select_for_update(no_key=True), request.at_most)
        amount = sum(part for _, part in plan)
        if amount < request.at_least:
            return Take(Outcome.SHORT, available=amount)
        hold = Hold.objects.create(
            user_id=request.user_id,
            key=request.key,
            amount=amount,
            expires_at=request.expires_at,
            created_at=request.now,
        )
        _pin(hold, plan)
        return Take(Outcome.TAKEN, hold_id=hold.pk, amount=amount)


def resolve(request: ResolveRequest) -> list[tuple[str, int]] | None:
    """The charged (kind, tokens) in spending order; None if the hold was not open any more."""
    with transaction.atomic(savepoint=False):
        hold = _close(request)
        if hold is None:
            return None
        pinned = dict(
            Movement.objects.filter(hold=hold, to_state=Movement.State.HELD).values_list(
                "grant_id", "amount"
            )
        )
        grants = (
            Grant.objects.filter(pk__in=pinned).in_spending_order().select_for_update(no_key=True)
        )
        left = request.charge or 0
        charged: list[tuple[str, int]] = []
        for grant in grants:
            spent = min(left, pinned[grant.pk])
            left -= spent
            _unpin(hold, grant, pinned[grant.pk], spent, request)
            if spent:
                charged.append((grant.kind, spent))
        return charged


def _allowance_missing(request: TakeRequest) -> bool:
    made = set(
        Grant.objects.filter(source__in=[request.free, request.premium]).values_list(
            "source", flat=True
        )
    )
    if request.free not in made:
        return True
    if request.premium in made:
        return False
    today = overlapping(start=request.day_start, end=request.day_end)
    return PremiumPeriod.objects.filter(today, user_id=request.user_id).exists()


def _plan(grants: Iterable[Grant], at_most: int) -> list[tuple[Grant, int]]:
    plan = []
    for grant in grants:
        part = min(grant.available, at_most)
        if part:
            plan.append((grant, part))
            at_most -= part
    return plan


def _pin(hold: Hold, plan: list[tuple[Grant, int]]) -> None:
    for grant, part in plan:
        changed = Grant.objects.filter(pk=grant.pk, available__gte=part).update(
            available=F("available") - part, held=F("held") + part
        )
        if changed != 1:
            raise LedgerBroken(f"grant {grant.pk} had {part} tokens under a lock, and lost them")
    Movement.objects.bulk_create(
        Movement(
            grant=grant,
            hold=hold,
            from_state=Movement.State.AVAILABLE,
            to_state=Movement.State.HELD,
            amount=part,
            key=f"hold:{hold.key}:{grant.pk}",
            created_at=hold.created_at,
        )
        for grant, part in plan
    )


def _close(request: ResolveRequest) -> Hold | None:
    state = Hold.State.RELEASED if request.charge is None else Hold.State.SETTLED
    changed = Hold.objects.filter(
        pk=request.hold_id, state=Hold.State.OPEN, amount__gte=request.charge or 0
    ).update(state=state, settled_amount=request.charge, resolved_at=request.now)
    return Hold.objects.get(pk=request.hold_id) if changed else None


def _unpin(hold: Hold, grant: Grant, pinned: int, spent: int, request: ResolveRequest) -> None:
    """Out of `held`: what is charged is spent, the rest pays what the grant owes, and what is
    left then is available again, or has lapsed."""
    # `expired > 0` too: clocks differ between machines, and what a sweep has begun stays so.
    lapsed = grant.expired > 0 or (grant.expires_at is not None and grant.expires_at <= request.now)
    rest_state = Movement.State.EXPIRED if lapsed else Movement.State.AVAILABLE
    repaid = min(pinned - spent, grant.owed)
    rest = pinned - spent - repaid
    steps = (
        ("settle", Movement.State.SPENT, spent),
        ("repay", Movement.State.VOIDED, repaid),
        ("lapse" if lapsed else "return", rest_state, rest),
    )
    changed = Grant.objects.filter(pk=grant.pk, held__gte=pinned).update(
        held=F("held") - pinned,
        spent=F("spent") + spent,
        voided=F("voided") + repaid,
        owed=F("owed") - repaid,
        **{rest_state.value: F(rest_state.value) + rest},
    )
    if changed != 1:
        raise LedgerBroken(f"grant {grant.pk} does not hold the {pinned} tokens of {hold.key}")
    Movement.objects.bulk_create(
        Movement(
            grant=grant,
            hold=hold,
            from_state=Movement.State.HELD,
            to_state=to_state,
            amount=amount,
            key=f"{verb}:{hold.key}:{grant.pk}",
            created_at=request.now,
        )
        for verb, to_state, amount in steps
        if amount
    )
    if repaid:
        DebtEntry.objects.create(
            grant=grant,
            kind=DebtEntry.Kind.RETURNED,
            amount=-repaid,
            key=f"repay:{hold.key}:{grant.pk}",
            created_at=request.now,
        )
