"""The worked examples of docs/ledger.md are true."""

import doctest
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from accounts.models import User
from billing.entitlement import entitled_on
from billing.models import Grant, Movement, PremiumPeriod
from billing.selectors import debt_of, standing_of
from billing.services.adjustments import tokens_grant
from billing.services.batches import grants_expire
from billing.services.clawbacks import grant_claw_back
from billing.services.grants import grant_create
from billing.services.holds import hold_create, hold_release, hold_settle, holds_expire

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ledger.md"


def _show(user, now=None):
    """now: when somebody looks, which makes what is due; without it nothing is made."""
    if now is not None:
        standing_of(user, now)
    for grant in Grant.objects.filter(user=user).in_spending_order():
        states = ["available", "held", "spent", "expired"]
        states += [state for state in ("voided", "owed") if getattr(grant, state)]
        parts = ", ".join(f"{getattr(grant, state):,} {state}" for state in states)
        print(f"{grant.kind}: {parts}")


def _premium(user, starts_at, ends_at):
    return PremiumPeriod.objects.create(
        user=user,
        kind=PremiumPeriod.Kind.GRACE,
        subscription_id="sub_1",
        source=f"grace:{user.pk}",
        starts_at=starts_at,
        ends_at=ends_at,
        tokens_per_day=30_000,
    )


def _moved(hold):
    for step in Movement.objects.filter(hold=hold).order_by("pk").select_related("grant"):
        print(f"{step.from_state} to {step.to_state}: {step.amount:,} of {step.grant.kind}")


@pytest.mark.django_db
@pytest.mark.usefixtures("both_engines")
def test_the_worked_examples_are_true():
    people = ("alice", "bob", "carol", "dave", "erin", "frank", "gina")
    names = {
        **{name: User.objects.create_user(f"{name}@example.com") for name in people},
        "staff": User.objects.create_user("staff@example.com", is_staff=True),
        "noon": datetime(2026, 11, 15, 12, tzinfo=UTC),
        "december": datetime(2026, 12, 1, tzinfo=UTC),
        "day": timedelta(days=1),
        "hour": timedelta(hours=1),
        "second": timedelta(seconds=1),
        "show": _show,
        "moved": _moved,
        "premium": _premium,
        "debt_of": debt_of,
        "entitled_on": entitled_on,
        "standing_of": standing_of,
        "tokens_grant": tokens_grant,
        "grant_claw_back": grant_claw_back,
        "grant_create": grant_create,
        "grants_expire": grants_expire,
        "hold_create": hold_create,
        "hold_release": hold_release,
        "hold_settle": hold_settle,
        "holds_expire": holds_expire,
    }
    result = doctest.testfile(str(PAGE), module_relative=False, globs=names)
    assert (result.failed, result.attempted) == (0, 58)
