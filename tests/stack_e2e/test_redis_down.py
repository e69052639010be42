"""Redis goes away and comes back empty: runs are accepted, done, and streamed all the same."""

from __future__ import annotations

import threading
import time

import pytest

from tests.stack_e2e.conftest import RoughStack
from tests.stack_e2e.driving import (
    Events,
    follow,
    ledger,
    start_run,
    stored_texts,
    wait_for,
    wait_for_state,
)

pytestmark = [pytest.mark.xdist_group("rough"), pytest.mark.timeout(240)]

ACCEPT_SECONDS = 2.0
PICKED_UP_SECONDS = 30.0
#: Longer than the first waits of a client that tries again ever more rarely.
OUTAGE_SECONDS = 25.0


def test_a_run_posted_while_redis_is_down_is_accepted_and_done_after_its_return(rough: RoughStack):
    person = rough.stack.sign_up()
    site = person.post("/api/sites", json={}).json()["id"]
    rough.redis.kill()
    try:
        down_at = time.monotonic()
        early = _timed_start(person, site)
        time.sleep(max(0.0, OUTAGE_SECONDS - (time.monotonic() - down_at)))
        late = _timed_start(person, site)
    finally:
        rough.redis.start()
    back_at = time.monotonic()
    for run in (early, late):
        wait_for_state(
            person,
            run,
            "running",
            "succeeded",
            seconds=PICKED_UP_SECONDS + back_at - time.monotonic(),
        )
    print(f"picked up {time.monotonic() - back_at:.1f} s after the return of Redis")
    for run in (early, late):
        events = follow(person, run)
        assert events.done is not None
        assert events.done["state"] == "succeeded"
    books = ledger(rough.stack, [early, late])
    assert [facts["attempts"] for facts in books["runs"].values()] == [1, 1]
    assert books["differences"] == []


def _timed_start(person, site):
    started = time.monotonic()
    run = start_run(person, "A bakery called Flour & Salt", model="qwen-turbo", site=site)
    took = time.monotonic() - started
    assert took < ACCEPT_SECONDS
    return run


def test_a_stream_outlives_the_redis_it_came_through(rough: RoughStack):
    person = rough.stack.sign_up()
    prompt = "A florist called Petal [emulate: chunk_chars=9 chunks_per_second=60]"
    run = start_run(person, prompt, model="qwen-turbo")
    events = Events()
    reader = threading.Thread(target=follow, args=(person, run, events), daemon=True)
    reader.start()
    wait_for("text before the cut", lambda: events.offset > 500)
    rough.redis.kill()
    at_cut = events.offset
    time.sleep(5)
    rough.redis.start()
    wait_for("text after the return", lambda: events.offset > at_cut, seconds=30)
    reader.join(timeout=120)
    assert events.done is not None
    assert events.done["state"] == "succeeded"
    assert at_cut < len(events.text)
    assert events.text == stored_texts(rough.stack, [run])[run["id"]]
