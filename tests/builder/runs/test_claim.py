"""One provider call and one settlement, whatever is delivered, killed or late."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from billing.models import Hold, Movement
from billing.selectors import standing_of
from billing.services.reconcile import reconcile
from builder.models import Run, RunText
from builder.services import execution, sweeping
from builder.services.finishing import Outcome, run_finish
from builder.services.runs import run_cancel

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_delivered_five_times_is_one_call_and_one_settlement(start, ai):
    run = start()
    done = []

    def deliver():
        try:
            done.append(execution.run_execute(run.pk))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False, False, False, False, True]
    assert ai.calls() == 1
    assert Movement.objects.filter(hold=run.hold, to_state="spent").count() == 1
    assert run.site.versions.count() == 1


def test_a_late_message_for_a_finished_run_does_nothing(finish, ai):
    run = finish()
    assert execution.run_execute(run.pk) is False
    assert ai.calls() == 1


def test_a_worker_that_lost_its_claim_changes_nothing(start):
    run = start()
    claimed = execution.run_claim(run.pk)
    assert claimed is not None
    Run.objects.filter(pk=run.pk).update(fence=claimed.fence + 1)
    assert run_finish(run=claimed, outcome=Outcome(state=Run.State.SUCCEEDED)) is None
    run.refresh_from_db()
    assert (run.state, run.hold.state) == ("running", Hold.State.OPEN)


def test_a_dead_workers_run_is_ended_uncharged_and_its_hold_freed(start, alice):
    run = start()
    execution.run_claim(run.pk)
    assert sweeping.runs_reap() == 0  # its lease still runs
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert sweeping.runs_reap() == 1
    run.refresh_from_db()
    assert (run.state, run.error_code, run.charged) == ("failed", "interrupted", 0)
    assert standing_of(alice, timezone.now()).available == 10_000
    assert sweeping.runs_reap() == 0
    assert reconcile() == []


def test_a_stop_asked_for_before_the_worker_died_ends_as_stopped(start, alice):
    run = start()
    execution.run_claim(run.pk)
    run_cancel(user=alice, run_id=run.pk)
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    sweeping.runs_reap()
    run.refresh_from_db()
    assert (run.state, run.charged) == ("cancelled", 0)


def test_a_run_that_nobody_began_is_ended_in_the_end(start):
    run = start()
    Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert sweeping.runs_reap() == 1
    run.refresh_from_db()
    assert (run.state, run.error_code, run.charged) == ("failed", "not_started", 0)
    assert run.hold.state == Hold.State.RELEASED


def test_a_run_that_was_not_picked_up_is_rung_again_once(start):
    run = start()
    assert sweeping.runs_to_ring_again() == []
    Run.objects.filter(pk=run.pk).update(dispatched_at=timezone.now() - timedelta(seconds=21))
    assert sweeping.runs_to_ring_again() == [run.pk]
    assert sweeping.runs_to_ring_again() == []
    run.refresh_from_db()
    assert run.dispatch_count == 2


def test_stop_ends_a_running_run_and_keeps_what_is_whole(start, ai, alice):
    page = "index.html\n```html\n<!doctype html><h1>Flour</h1>\n```\n\nstyle.css\n```css\nbody{"
    ai.rule({"reply": page + "x" * 400, "stall": {"after_chars": len(page) + 10}})
    run = start()
    worker = threading.Thread(target=_execute, args=(run.pk,))
    worker.start()
    _wait(lambda: RunText.objects.filter(pk=run.pk).exclude(text="").exists())
    run_cancel(user=alice, run_id=run.pk)
    worker.join(timeout=20)
    assert not worker.is_alive()
    run.refresh_from_db()
    assert (run.state, run.error_code) == ("cancelled", "")
    assert run.version.number == 1
    assert run.usage_estimated
    assert 0 < run.charged <= run.ceiling


def test_a_model_that_only_sends_keep_alive_comments_is_ended(start, ai, settings):
    settings.RUN_IDLE_TIMEOUT_SECONDS = 1
    ai.rule({"stall": {"after_chars": 40}, "keep_alive_seconds": 0.2})
    run = start()
    execution.run_execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code, run.charged) == ("failed", "idle_timeout", 0)


def test_a_model_that_never_begins_is_ended(start, ai, settings):
    settings.RUN_FIRST_TOKEN_TIMEOUT_SECONDS = 1
    ai.rule({"stall": {"after_chars": 0}, "keep_alive_seconds": 0.2})
    run = start()
    execution.run_execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code, run.charged) == ("failed", "first_token_timeout", 0)


def test_an_answer_that_takes_too_long_is_ended(start, ai, settings):
    settings.RUN_TOTAL_TIMEOUT_SECONDS = 1
    ai.rule({"chunk_chars": 1, "chunks_per_second": 5})
    run = start()
    execution.run_execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code, run.charged) == ("failed", "total_timeout", 0)


def test_our_own_bug_ends_the_run_uncharged(start, monkeypatch, alice):
    def broken(**_arguments):
        raise RuntimeError("a bug")

    monkeypatch.setattr("builder.services.execution.messages_for", broken)
    run = start()
    execution.run_execute(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error_code, run.charged) == ("failed", "internal_error", 0)
    assert standing_of(alice, timezone.now()).available == 10_000


def _execute(run_id) -> None:
    try:
        execution.run_execute(run_id)
    finally:
        connections.close_all()


def _wait(condition, seconds: float = 20) -> None:
    waited = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        waited.wait(0.05)
    raise AssertionError("it did not happen in time")
