"""Workers die with SIGKILL in the middle of runs: every run ends, and nothing is charged for it."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

import pytest

from tests.stack_e2e.conftest import RoughStack
from tests.stack_e2e.driving import (
    TERMINAL,
    get_run,
    give_tokens,
    ledger,
    new_site,
    start_run,
    wait_for,
    wait_for_state,
)
from tests.stack_e2e.workers import child_pid, extra_workers

pytestmark = [pytest.mark.xdist_group("rough"), pytest.mark.timeout(280)]

KILLS = 10
KILLS_WITHIN_SECONDS = 10.0
LEASE_SECONDS = 30
ENDED_SECONDS = LEASE_SECONDS + 60
# How a run's provider takes its time: long before the first token, slowly, or nearly at once.
PACES = (
    "[emulate: first_token_seconds=12]",
    "[emulate: chunk_chars=10 chunks_per_second=60]",
    "[emulate: chunk_chars=40 chunks_per_second=40]",
    "[emulate: chunk_chars=60 chunks_per_second=80]",
)
RUNS = 26
RUNS_NODE = "--hostname runs-"


def test_ten_workers_killed_at_random_moments_leave_nothing_behind(rough: RoughStack):
    seed = int(os.environ.get("KILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    print(f"KILL_SEED={seed}")
    dice = random.Random(seed)
    stack = rough.stack
    person = stack.sign_up()
    give_tokens(stack, [person], 10_000_000)
    before = person.get("/api/me").json()["user"]["availableTokens"]
    sites = [new_site(person) for _ in range(RUNS)]
    with extra_workers(stack, [f"doomed-{n}@e2e" for n in range(KILLS - 1)]) as pids:
        first = wait_for("the supervisor's worker", lambda: child_pid(stack, RUNS_NODE))
        runs = [
            start_run(person, f"Bakery {n} {PACES[n % len(PACES)]}", model="qwen-turbo", site=site)
            for n, site in enumerate(sites)
        ]
        moments = sorted(dice.uniform(0, KILLS_WITHIN_SECONDS) for _ in range(KILLS))
        doomed = [first, *pids.values()]
        dice.shuffle(doomed)
        started = time.monotonic()
        for moment, pid in zip(moments, doomed, strict=True):
            time.sleep(max(0.0, started + moment - time.monotonic()))
            os.kill(pid, signal.SIGKILL)
        killed_at = time.monotonic()
    _all_end(person, runs, by=killed_at + ENDED_SECONDS)
    print(f"all ended {time.monotonic() - killed_at:.1f} s after the last kill")
    _nothing_is_left(person, ledger(stack, runs), before)
    second = wait_for("the worker again", lambda: child_pid(stack, RUNS_NODE))
    assert second != first
    after = start_run(person, "A bakery after the storm", model="qwen-turbo")
    assert wait_for_state(person, after)["state"] == "succeeded"
    assert "agree" in stack.manage("reconcile_ledger")


def _all_end(person: Any, runs: list[dict[str, Any]], *, by: float) -> None:
    going = list(runs)
    while going:
        assert time.monotonic() < by, f"{len(going)} runs did not end in time"
        time.sleep(0.5)
        going = [run for run in going if get_run(person, run)["state"] not in TERMINAL]


def _nothing_is_left(person: Any, books: dict[str, Any], before: int) -> None:
    facts = list(books["runs"].values())
    interrupted = [fact for fact in facts if fact["error"] == "interrupted"]
    succeeded = [fact for fact in facts if fact["state"] == "succeeded"]
    stages = sorted(fact["characters"] for fact in interrupted)
    print(f"{len(interrupted)} interrupted, {len(succeeded)} succeeded; characters kept: {stages}")
    assert len(interrupted) + len(succeeded) == len(facts) == RUNS
    assert len(interrupted) >= KILLS
    for fact in interrupted:
        assert fact["state"] == "failed"
        assert (fact["charged"], fact["hold"], fact["versions"]) == (0, "released", 0)
    for fact in succeeded:
        assert (fact["hold"], fact["versions"]) == ("settled", 1)
        assert fact["spent"] == [fact["charged"]]
    assert [fact["left_held"] for fact in facts] == [0] * RUNS
    assert [fact["claims"] for fact in facts] == [1] * RUNS
    assert books["open_holds"] == 0
    assert books["differences"] == []
    spent = sum(fact["charged"] for fact in facts)
    assert person.get("/api/me").json()["user"]["availableTokens"] == before - spent
