from io import StringIO

import pytest
from celery import current_app
from django.core.management import call_command
from django_celery_beat.models import CrontabSchedule, PeriodicTask

pytestmark = pytest.mark.django_db

EXPECTED = {
    "billing.tasks.grants_premake": "0 0 1 * * (m/h/dM/MY/d) UTC",
    "billing.tasks.premium_premake": "0 0 * * * (m/h/dM/MY/d) UTC",
    "billing.tasks.debts_pay": "10 * * * * (m/h/dM/MY/d) UTC",
    "billing.tasks.grants_sweep": "5 * * * * (m/h/dM/MY/d) UTC",
    "billing.tasks.holds_sweep": "every 60 seconds",
    "billing.tasks.ledger_reconcile": "30 3 * * * (m/h/dM/MY/d) UTC",
    "builder.tasks.runs_reap": "every 15 seconds",
    "builder.tasks.runs_sweep": "every 15 seconds",
}


def _seed(*arguments: str) -> str:
    out = StringIO()
    call_command("beat_seed", *arguments, stdout=out)
    return out.getvalue()


def test_every_schedule_is_put_into_beat_in_utc():
    _seed()
    rows = PeriodicTask.objects.filter(task__in=EXPECTED)
    assert {row.task for row in rows} == set(EXPECTED)
    for row in rows:
        shown = str(row.crontab) if row.crontab else f"every {row.interval.every} seconds"
        assert shown == EXPECTED[row.task]
        assert row.enabled
    zones = CrontabSchedule.objects.values_list("timezone", flat=True)
    assert {str(zone) for zone in zones} == {"UTC"}


def test_seeding_again_adds_nothing_and_keeps_what_staff_changed():
    _seed()
    PeriodicTask.objects.filter(task="billing.tasks.grants_sweep").update(enabled=False)
    before = list(PeriodicTask.objects.order_by("pk").values())
    assert _seed() == ""
    assert list(PeriodicTask.objects.order_by("pk").values()) == before


def test_reset_puts_back_what_the_code_says():
    _seed()
    PeriodicTask.objects.filter(task="billing.tasks.grants_sweep").update(enabled=False)
    assert "reset tokens: expire lapsed grants" in _seed("--reset")
    assert PeriodicTask.objects.get(task="billing.tasks.grants_sweep").enabled
    assert PeriodicTask.objects.filter(task__in=EXPECTED).count() == len(EXPECTED)


def test_a_ring_nobody_heard_is_dropped_when_the_next_is_due():
    _seed()
    sweep = PeriodicTask.objects.get(task="builder.tasks.runs_sweep")
    assert (sweep.interval.every, sweep.interval.period, sweep.expire_seconds) == (
        15,
        "seconds",
        15,
    )
    assert PeriodicTask.objects.get(task="billing.tasks.grants_premake").expire_seconds is None


def test_every_seeded_task_exists():
    _seed()
    current_app.loader.import_default_modules()
    rung = PeriodicTask.objects.exclude(task__startswith="celery.")
    assert {row.task for row in rung} <= set(current_app.tasks)
