"""The worked examples of docs/ledger.md are true."""

import doctest
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from accounts.models import User
from billing.models import Grant, Movement
from billing.selectors import standing_of
from billing.services.batches import grants_expire
from billing.services.grants import grant_create
from billing.services.holds import hold_create, hold_release, hold_settle, holds_expire

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ledger.md"


def _show(user):
    for grant in Grant.objects.filter(user=user).in_spending_order():
        states = ("available", "held", "spent", "expired")
        parts = ", ".join(f"{getattr(grant, state):,} {state}" for state in states)
        print(f"{grant.kind}: {parts}")


def _moved(hold):
    for step in Movement.objects.filter(hold=hold).order_by("pk").select_related("grant"):
        print(f"{step.from_state} to {step.to_state}: {step.amount:,} of {step.grant.kind}")


@pytest.mark.django_db
@pytest.mark.usefixtures("both_engines")
def test_the_worked_examples_are_true():
    people = {name: User.objects.create_user(f"{name}@example.com") for name in ("alice", "bob")}
    people["carol"] = User.objects.create_user("carol@example.com")
    names = {
        **people,
        "noon": datetime(2026, 11, 15, 12, tzinfo=UTC),
        "december": datetime(2026, 12, 1, tzinfo=UTC),
        "hour": timedelta(hours=1),
        "second": timedelta(seconds=1),
        "show": _show,
        "moved": _moved,
        "standing_of": standing_of,
        "grant_create": grant_create,
        "grants_expire": grants_expire,
        "hold_create": hold_create,
        "hold_release": hold_release,
        "hold_settle": hold_settle,
        "holds_expire": holds_expire,
    }
    result = doctest.testfile(str(PAGE), module_relative=False, globs=names)
    assert (result.failed, result.attempted) == (0, 28)
