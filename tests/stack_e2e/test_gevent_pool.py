"""Workers on greenlets (WORKER_POOL=gevent): Stop stops, and a shutdown leaves nothing stuck."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.stack_e2e.conftest import RoughStack
from tests.stack_e2e.driving import (
    give_tokens,
    ledger,
    new_site,
    start_run,
    wait_for,
    wait_for_state,
)

pytestmark = [pytest.mark.xdist_group("rough"), pytest.mark.timeout(240)]

RUNS = 6
STOPPED_SECONDS = 5.0
SLOWLY = "[emulate: chunk_chars=10 chunks_per_second=20]"


@pytest.fixture
def greenlets(rough_stack: Callable[..., RoughStack]) -> Iterator[RoughStack]:
    pytest.importorskip("gevent")
    running = rough_stack("greenlets", WORKER_POOL="gevent")
    yield running
    running.end()


def test_greenlets_are_stopped_one_by_one_and_end_with_their_worker(greenlets: RoughStack):
    stack, ai = greenlets.stack, greenlets.ai()
    person = stack.sign_up()
    give_tokens(stack, [person])
    runs = [
        start_run(person, f"Bakery {n} {mark}", model="qwen-turbo", site=new_site(person))
        for n, mark in enumerate(["[emulate: stall-first]", *[SLOWLY] * (RUNS - 1)])
    ]
    wait_for(
        "all to be under way at once",
        lambda: sum(seen["chars_sent"] > 0 for seen in ai.requests()) >= RUNS - 1,
    )
    for run in runs[:2]:
        assert person.post(run["cancelUrl"]).status_code == 202
    pressed_at = time.monotonic()
    for run in runs[:2]:
        ended = wait_for_state(person, run, seconds=STOPPED_SECONDS)
        assert (ended["state"], ended["error"]) == ("cancelled", None)
    print(f"stopped after {time.monotonic() - pressed_at:.1f} s")
    asked_at = time.monotonic()
    assert stack.end() == 0, "".join(stack.stderr)
    print(f"gone after {time.monotonic() - asked_at:.1f} s")
    greenlets.start_again()
    for run in runs:
        wait_for_state(person, run, seconds=60)
    books = ledger(greenlets.stack, runs)
    assert [books["runs"][run["id"]]["left_held"] for run in runs] == [0] * RUNS
    assert (books["open_holds"], books["differences"]) == (0, [])
