"""Runs whose surroundings fail: the database, the shutdown, the model, the other runs."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone, translation

from billing.services import holds
from billing.services.grants import grant_create
from builder.models import Run
from builder.services import execution, finishing, monitor, sweeping
from builder.services.sites import site_create, site_delete
from builder.streaming.log import log_writer
from config.errors import NotFound

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_database_that_is_away_for_a_moment_does_not_lose_the_answer(start, monkeypatch):
    monkeypatch.setattr(execution, "FINISH_RETRY_SECONDS", (0.0, 0.0))
    finish, failures = finishing.run_finish, iter([True, True, False])

    def fail_twice(**arguments):
        if next(failures):
            raise OperationalError("the server closed the connection")
        return finish(**arguments)

    monkeypatch.setattr(execution, "run_finish", fail_twice)
    run = start()
    execution.run_execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.version.number) == ("succeeded", 1)
    assert run.charged > 0


def test_a_run_that_can_not_be_stored_at_all_leaves_nothing_behind(start, monkeypatch):
    def fail(**_arguments):
        raise RuntimeError("a bug")

    monkeypatch.setattr(execution, "run_finish", fail)
    run = start()
    with pytest.raises(RuntimeError):
        execution.run_execute(run.pk)
    assert run.pk not in log_writer()._logs
    assert run.pk not in monitor.monitor._watches


def test_the_lease_is_kept_while_the_end_is_being_stored(start, monkeypatch):
    finish, watched = finishing.run_finish, []

    def look_then_finish(**arguments):
        watched.append(run.pk in monitor.monitor._watches)
        return finish(**arguments)

    monkeypatch.setattr(execution, "run_finish", look_then_finish)
    run = start()
    execution.run_execute(run.pk)
    assert watched == [True]


def test_a_shutdown_ends_what_does_not_end_by_itself(start, ai, monkeypatch):
    ai.rule({"stall": {"after_chars": 40}})
    watcher = monitor.Monitor()
    monkeypatch.setattr(monitor, "SHUTDOWN_GRACE_SECONDS", 0.1)
    monkeypatch.setattr(execution, "monitor", watcher)
    run = start()
    before = threading.active_count()
    watcher.stop_soon()
    # It is called inside a signal handler: under gevent that may not even start a thread.
    assert threading.active_count() == before
    execution.run_execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code, run.charged) == ("failed", "shutdown", 0)


def test_an_answer_without_end_is_stopped_free_of_charge(start, ai, settings):
    settings.RUN_OUTPUT_MAX_BYTES = 2_000
    ai.rule({"reply": "index.html\n```html\n" + "x" * 50_000, "chunk_chars": 500})
    run = start()
    execution.run_execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code, run.charged) == ("failed", "too_long", 0)
    assert "Not charged" in run.error_message
    assert len(run.text.text) < 10_000


def test_what_a_run_says_is_said_in_the_language_it_was_asked_in(start, ai):
    ai.rule({"status": 500})
    with translation.override("zh-hans"):
        run = start()
    with translation.override("en"):
        execution.run_execute(run.pk)
    run.refresh_from_db()
    assert run.error_code == "server_error"
    assert not run.error_message.isascii()


def test_the_language_a_person_chose_wins_over_the_requests(start, alice):
    alice.language = "zh-hans"
    with translation.override("en"):
        assert start().language == "zh-hans"


def test_a_reaped_run_speaks_its_owners_language(start):
    with translation.override("zh-hans"):
        run = start()
    execution.run_claim(run.pk)
    Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    with translation.override("en"):
        sweeping.runs_reap()
    run.refresh_from_db()
    assert run.error_code == "interrupted"
    assert not run.error_message.isascii()


def test_one_run_that_can_not_be_reaped_does_not_keep_the_others(start, alice, monkeypatch):
    grant_create(
        user_id=alice.pk,
        kind="purchased",
        amount=200_000,
        source="test:two-runs",
        effective_at=timezone.now(),
    )
    runs = [start(), start(site=site_create(owner=alice, name="Second"))]
    Run.objects.update(created_at=timezone.now() - timedelta(hours=1))
    release = holds.hold_release

    def refuse_the_first(*, hold_id):
        if hold_id == runs[0].hold_id:
            raise RuntimeError("a bug")
        release(hold_id=hold_id)

    monkeypatch.setattr(sweeping, "hold_release", refuse_the_first)
    assert sweeping.runs_reap() == 1
    states = {run.pk: run.state for run in Run.objects.all()}
    assert states == {runs[0].pk: "queued", runs[1].pk: "failed"}


def test_a_site_that_is_deleted_at_the_same_moment_gets_no_run(start, site):
    stale = type(site).objects.get(pk=site.pk)
    site_delete(site=site)
    with pytest.raises(NotFound):
        start(site=stale)
    assert Run.objects.count() == 0


def test_a_stop_before_anything_came_is_a_stop_in_the_receipt_too(start, ai, alice):
    ai.rule({"stall": {"after_chars": 0}, "keep_alive_seconds": 0.2})
    run = start()
    worker = threading.Thread(target=execution.run_execute, args=(run.pk,))
    worker.start()
    deadline = time.monotonic() + 20
    while not run.attempts.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    Run.objects.filter(pk=run.pk).update(cancel_requested_at=timezone.now())
    worker.join(timeout=20)
    run.refresh_from_db()
    assert (run.state, run.charged, run.error_code) == ("cancelled", 0, "")
    assert run.attempts.get().outcome == "cancelled"
