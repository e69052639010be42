"""Grants: tokens put into a pocket, once per business fact.

By the thousand, and out again when they lapse: see `batches`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction

from billing.allowances import allowances_of, free_due, premium_due
from billing.errors import GrantConflict
from billing.models import Grant
from billing.services.clawbacks import PAYING_KINDS, debts_collect, user_lock
from billing.services.issuing import grants_issue


def grant_create(
    *,
    user_id: int,
    kind: Grant.Kind | str,
    amount: int,
    source: str,
    effective_at: datetime,
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> Grant:
    """Put `amount` tokens into a pocket of the user, once per `source`.

    source: the business fact it comes from (`purchase:<checkout session>`). now: when it is made,
    `effective_at` if not given. Purchased and given tokens pay what the user owes at once, if they
    are in effect. Again with the same facts: the same grant, nothing changed. Raises GrantConflict
    for the same source with another user, kind or amount, ValueError for an amount or dates that
    make no sense.
    """
    if amount <= 0:
        raise ValueError("a grant needs at least one token")
    if expires_at is not None and expires_at <= effective_at:
        raise ValueError("a grant can not lapse before it takes effect")
    grant = Grant.objects.filter(source=source).first()
    if grant is None:
        wanted = Grant(
            user_id=user_id,
            kind=kind,
            priority=settings.POCKET_PRIORITIES[kind],
            source=source,
            effective_at=effective_at,
            expires_at=expires_at,
            amount=amount,
            available=amount,
        )
        grant = _grant_insert(wanted, now or effective_at)
    if (grant.user_id, grant.kind, grant.amount) != (user_id, kind, amount):
        raise GrantConflict(f"{source} is already a grant, with other facts")
    return grant


def allowance_ensure(*, user_id: int, now: datetime) -> None:
    """Make the grants the user is due at `now` and has not got yet. Again: no effect.

    Safe beside itself and beside the batches: a grant's source can exist only once.
    """
    free = free_due(user_id=user_id, now=now)
    premium = premium_due(user_id=user_id, now=now)
    made = set(
        Grant.objects.filter(source__in=[free.source, premium.source]).values_list(
            "source", flat=True
        )
    )
    missing = allowances_of(user_id=user_id, now=now, made=made)
    if missing:
        _grants_insert(
            Grant(
                user_id=user_id,
                kind=due.kind,
                priority=settings.POCKET_PRIORITIES[due.kind],
                source=due.source,
                effective_at=due.period.start,
                expires_at=due.period.end,
                amount=amount,
                available=amount,
                created_at=now,
            )
            for due, amount in ((each.due, each.amount) for each in missing)
        )


def _grant_insert(wanted: Grant, now: datetime) -> Grant:
    if wanted.kind not in PAYING_KINDS:
        return _grants_insert([wanted])[0]
    with transaction.atomic(savepoint=False):
        # First, as in every change of debts: who waits for the source's owner has nothing locked.
        user_lock(user_id=wanted.user_id)
        grant = _grants_insert([wanted])[0]
        if debts_collect(user_id=wanted.user_id, now=now, payer_id=grant.pk):
            grant.refresh_from_db()
    return grant


def _grants_insert(grants: Iterable[Grant]) -> list[Grant]:
    """Insert those whose source is new, each with the movement that issues it."""
    wanted = list(grants)
    with transaction.atomic(savepoint=False):
        # Waits for whoever is inserting the same source, then leaves theirs alone; the SELECT
        # sees it, because at READ COMMITTED each statement looks anew.
        Grant.objects.bulk_create(wanted, ignore_conflicts=True)
        stored = list(Grant.objects.filter(source__in=[grant.source for grant in wanted]))
        grants_issue(stored)
    return stored
