"""Tokens taken back, given back, owed, paid and forgiven, on both engines."""

import pytest

from billing.models import DebtEntry, Grant, Movement
from billing.selectors import debt_of
from billing.services.clawbacks import (
    ClawBack,
    grant_claw_back,
)
from billing.services.holds import hold_settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("both_engines")]


@pytest.fixture
def claw(now):
    """claw(grant, target, key, may_owe=True)"""

    def back(grant, target, key, *, may_owe=True, at=now):
        return grant_claw_back(grant_id=grant.pk, target=target, key=key, may_owe=may_owe, now=at)

    return back


@pytest.fixture
def spend(hold, now):
    """spend(user, tokens): held and settled wholly."""

    def all_of_it(user, tokens):
        hold_settle(hold_id=hold(user, tokens).pk, amount=tokens, now=now)

    return all_of_it


def states(grant):
    grant.refresh_from_db()
    return (grant.available, grant.held, grant.spent, grant.expired, grant.voided, grant.owed)


def test_what_is_available_is_voided(user, purchase, claw):
    grant = purchase(user, 1_000)
    assert claw(grant, 300, "refund:1") == ClawBack(voided=300, owed=0, moved=300)
    assert states(grant) == (700, 0, 0, 0, 300, 0)
    step = Movement.objects.get(to_state="voided")
    assert (step.from_state, step.amount, step.key) == (
        "available",
        300,
        f"void:refund:1:{grant.pk}",
    )


def test_what_was_used_is_owed(user, purchase, claw, spend):
    grant = purchase(user, 1_000, kind=Grant.Kind.ADJUSTMENT)
    spend(user, 600)
    assert claw(grant, 1_000, "refund:1") == ClawBack(voided=400, owed=600, moved=1_000)
    assert states(grant) == (0, 0, 600, 0, 400, 600)
    assert debt_of(user.pk) == 600
    entry = DebtEntry.objects.get()
    assert (entry.kind, entry.amount, entry.key) == ("taken", 600, f"owe:refund:1:{grant.pk}")


def test_without_a_debt_only_what_is_there_is_taken(user, purchase, claw, spend):
    grant = purchase(user, 1_000, kind=Grant.Kind.ADJUSTMENT)
    spend(user, 600)
    assert claw(grant, 1_000, "dispute:1", may_owe=False) == ClawBack(400, 0, 400)
    assert claw(grant, 1_000, "lost:1") == ClawBack(400, 600, 600)
