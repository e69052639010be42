"""A worker without CPU: what it did not see is no provider's failure."""

import ctypes
import threading
import time
from typing import Any
from uuid import uuid4

import pytest
import redis

from builder.routing.stores import PREFIX
from builder.services import execution, monitor
from builder.services.monitor import Watch
from models_catalog.models import Provider


def watch(**fields: float) -> Watch:
    at: dict[str, Any] = {"started": 100.0, "silent_since": 100.0} | fields
    return Watch(run_id=uuid4(), fence=1, on_status=lambda: None, max_bytes=1_000, **at)


def looks(run: Watch, *moments: float) -> None:
    """The monitor's looks at these moments, the one before them at 100."""
    watcher = monitor.Monitor()
    watcher._looked_at = 100.0
    for now in moments:
        watcher._excuse_lateness([run], now)


def test_a_late_look_moves_the_deadlines_by_what_is_above_a_second():
    run = watch(route_deadline=130.0)
    looks(run, 100.9, 113.4)
    assert (run.route_deadline, run.silent_since) == (141.5, 111.5)
    # 120 s of silence from 111.5; the whole run still has 600 s from its start.
    assert (run.overdue(231.0), run.overdue(232.0)) == (None, "first_token_timeout")
    run.last_content = 690.0
    assert (run.overdue(699.0), run.overdue(701.0)) == (None, "total_timeout")


def test_looks_in_time_move_nothing():
    run = watch(route_deadline=130.0)
    looks(run, *(100.0 + number for number in range(1, 40)))
    assert (run.route_deadline, run.silent_since) == (130.0, 100.0)


def test_a_late_look_between_two_pieces_is_no_silence_either():
    run = watch(last_content=105.0)
    looks(run, 170.0)
    assert (run.last_content, run.overdue(170.0)) == (174.0, None)


@pytest.mark.django_db(transaction=True)
def test_a_process_without_runs_is_not_late_for_its_first(monkeypatch):
    monkeypatch.setattr(monitor, "TICK_SECONDS", 0.02)
    watcher, run = monitor.Monitor(), watch(started=time.monotonic())
    watcher._looked_at -= 100.0
    told: list[bool] = []
    run.on_status = lambda: told.append(True)
    watcher.add(run)
    while not told:
        time.sleep(0.01)
    watcher.remove(run)
    assert run.silent_since == 100.0


@pytest.mark.django_db(transaction=True)
def test_a_process_that_stands_still_blames_no_provider(start, ai, settings):
    Provider.objects.filter(slug="anthropic").update(enabled=True, disabled_reason="")
    settings.ROUTE_FIRST_TOKEN_TIMEOUT_SECONDS = 6
    ai.rule({"first_token_seconds": 3}, provider="openrouter")
    run = start()
    worker = threading.Thread(target=execution.run_execute, args=(run.pk,))
    worker.start()
    while not ai.calls():
        time.sleep(0.01)
    # A call that keeps the interpreter to itself: nothing of this process runs meanwhile.
    ctypes.PyDLL(None).usleep(8_000_000)
    worker.join(timeout=30)
    run.refresh_from_db()
    told = [(one.provider_slug, one.outcome) for one in run.attempts.all()]
    assert (run.state, told) == ("succeeded", [("openrouter", "succeeded")])
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert client.keys(f"{PREFIX}failures:*") == []
