"""The housekeeping tasks: whenever and however often they are rung."""

from datetime import timedelta

import pytest
import time_machine

from billing.models import Grant, Hold
from billing.services.clawbacks import grant_claw_back
from billing.services.holds import hold_settle
from billing.tasks import ledger as tasks

pytestmark = pytest.mark.django_db


def test_a_month_of_housekeeping_rung_twice_each(user, other_user, hold, totals, now, monkeypatch):
    monkeypatch.setattr(tasks, "BATCH", 1)
    monkeypatch.setattr(tasks, "PREMAKE_BATCH", 1)
    hold(user, 300, expires_at=now + timedelta(minutes=5))
    with time_machine.travel(now.replace(month=12, day=1, hour=0), tick=False):
        for _ in range(2):
            tasks.grants_premake()
            tasks.grants_sweep()
            tasks.holds_sweep()
            tasks.ledger_reconcile()
    assert totals(user) == [("free_monthly", 0, 0, 0, 10_000), ("free_monthly", 10_000, 0, 0, 0)]
    assert totals(other_user) == [("free_monthly", 10_000, 0, 0, 0)]
    assert Hold.objects.get().state == Hold.State.RELEASED


def test_one_ring_expires_more_than_one_batch(user, purchase, now, monkeypatch):
    monkeypatch.setattr(tasks, "BATCH", 2)
    for _ in range(5):
        purchase(user, 1, expires_at=now + timedelta(days=1))
    with time_machine.travel(now + timedelta(days=2), tick=False):
        tasks.grants_sweep()
    assert Grant.objects.filter(expired=1).count() == 5


def test_released_holds_are_told_to_the_log(user, hold, now, caplog):
    hold(user, 1, expires_at=now)
    with time_machine.travel(now, tick=False):
        tasks.holds_sweep()
        tasks.holds_sweep()
    messages = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert messages == ["released 1 holds that nobody had resolved in time"]


def _told(caplog):
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def test_what_is_made_before_its_owners_come_is_told(user, premium, totals, now, caplog):
    premium(user)
    with time_machine.travel(now, tick=False), caplog.at_level("INFO", "billing.tasks.ledger"):
        for task in (tasks.premium_premake, tasks.premium_premake, tasks.grants_premake):
            task()
    assert totals(user) == [("free_monthly", 10_000, 0, 0, 0), ("premium_daily", 30_000, 0, 0, 0)]
    assert _told(caplog) == [
        ("INFO", "made 1 premium grants of the day"),
        ("INFO", "made 0 premium grants of the day"),
        ("INFO", "made 1 free grants of the month"),
    ]


def test_debts_are_paid_once_there_is_something_to_pay_with(user, purchase, hold, now, caplog):
    owing = purchase(user, 100, kind=Grant.Kind.ADJUSTMENT)
    hold_settle(hold_id=hold(user, 100).pk, amount=100, now=now)
    grant_claw_back(grant_id=owing.pk, target=100, key="refund:1", may_owe=True, now=now)
    later = now + timedelta(hours=1)
    purchase(user, 70, effective_at=later, now=now)
    caplog.set_level("INFO", "billing.tasks.ledger")
    for moment in (now, later, later):
        with time_machine.travel(moment, tick=False):
            tasks.debts_pay()
    owing.refresh_from_db()
    assert (owing.owed, _told(caplog)) == (30, [("INFO", "70 tokens of debts were paid")])
