"""The housekeeping tasks: whenever and however often they are rung."""

from datetime import timedelta

import pytest
import time_machine

from billing.models import Grant, Hold
from billing.tasks import ledger as tasks

pytestmark = pytest.mark.django_db


def test_a_month_of_housekeeping_rung_twice_each(user, other_user, hold, totals, now, monkeypatch):
    monkeypatch.setattr(tasks, "BATCH", 1)
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
