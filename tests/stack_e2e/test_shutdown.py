"""SIGTERM with streams open and runs going: farewells, a quick end, and nothing stuck after it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.stack import ApiUser
from tests.stack_e2e.conftest import RoughStack
from tests.stack_e2e.driving import (
    TERMINAL,
    Events,
    follow,
    give_tokens,
    ledger,
    new_site,
    read_events,
    start_run,
    stored_texts,
    wait_for,
)

pytestmark = [pytest.mark.xdist_group("rough"), pytest.mark.timeout(240)]

STREAMS = 20
GONE_SECONDS = 15.0
# Some end while the workers still wait for them, most are stopped, and some have not begun.
PACES = (
    "[emulate: chunk_chars=10 chunks_per_second=20]",
    "[emulate: chunk_chars=25 chunks_per_second=60]",
)


def test_sigterm_says_farewell_ends_in_time_and_leaves_nothing_stuck(rough: RoughStack):
    stack = rough.stack
    person = stack.sign_up()
    give_tokens(stack, [person])
    sites = [new_site(person) for _ in range(STREAMS)]
    runs = [
        start_run(person, f"Bakery {n} {PACES[n % len(PACES)]}", model="qwen-turbo", site=site)
        for n, site in enumerate(sites)
    ]
    watchers = [Watcher(person, run) for run in runs]
    wait_for("streams and text", lambda: _under_way(watchers))
    children = _children(stack.process.pid)
    assert len(children) >= 5
    asked_at = time.monotonic()
    code = stack.end()
    took = time.monotonic() - asked_at
    print(f"gone after {took:.1f} s")
    assert code == 0, "".join(stack.stderr)
    assert took <= GONE_SECONDS
    assert [pid for pid in children if _is_alive(pid)] == []
    for watcher in watchers:
        watcher.thread.join(timeout=10)
        assert watcher.events.farewell or watcher.events.done, watcher.events.names[-3:]
    assert sum(watcher.events.farewell for watcher in watchers) >= STREAMS // 2
    rough.start_again()
    for watcher in watchers:
        follow(person, watcher.run, watcher.events, seconds=120)
    _nothing_is_stuck(rough, watchers)


class Watcher:
    """A browser on one run, until its connection ends."""

    def __init__(self, person: ApiUser, run: dict[str, Any]) -> None:
        self.run = run
        # A session of its own: one is not for many threads.
        own = ApiUser(person.base_url, "", "", {"access_token": person.access_token})
        self.events = Events()
        self.thread = threading.Thread(
            target=read_events, args=(own, run, self.events), daemon=True
        )
        self.thread.start()


def _under_way(watchers: list[Watcher]) -> bool:
    told = [watcher for watcher in watchers if watcher.events.names]
    streaming = [watcher for watcher in watchers if watcher.events.text]
    return len(told) == STREAMS and len(streaming) >= 4


def _nothing_is_stuck(rough: RoughStack, watchers: list[Watcher]) -> None:
    runs = [watcher.run for watcher in watchers]
    books = ledger(rough.stack, runs)
    texts = stored_texts(rough.stack, runs)
    for watcher in watchers:
        fact = books["runs"][watcher.run["id"]]
        done = watcher.events.done
        assert done is not None
        assert done["state"] == fact["state"] in TERMINAL
        assert watcher.events.text == texts[watcher.run["id"]]
        assert fact["left_held"] == 0
        assert fact["hold"] == ("settled" if fact["charged"] else "released")
        assert bool(fact["charged"]) == (fact["state"] == "succeeded")
    assert books["open_holds"] == 0
    assert books["differences"] == []


def _children(pid: int) -> list[int]:
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(word) for word in words]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
