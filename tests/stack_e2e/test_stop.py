"""Stop, pressed while a stream runs: the provider is let go, and the tokens are free again."""

from __future__ import annotations

import time

import pytest

from emulators.ai.testing import EmulatorClient
from tests.stack import Stack
from tests.stack_e2e.driving import get_run, ledger, start_run, wait_for, wait_for_state

LET_GO_SECONDS = 2.0
SETTLED_SECONDS = 5.0
SLOWLY = "[emulate: chunk_chars=10 chunks_per_second=40]"


@pytest.mark.parametrize(
    ("mark", "characters"),
    [("[emulate: stall-first]", 0), (SLOWLY, 600), (f"{SLOWLY} later", 4000)],
    ids=["before the first token", "early", "late"],
)
def test_stop_lets_the_provider_go_and_settles_the_hold(
    stack: Stack, ai: EmulatorClient, mark: str, characters: int
):
    person = stack.sign_up()
    run = start_run(person, f"A bakery called Flour & Salt {mark}", model="qwen-turbo")
    wait_for(
        "the answer to get there",
        lambda: [seen for seen in ai.requests() if seen["chars_sent"] >= characters],
    )
    pressed_at = time.time()
    assert person.post(run["cancelUrl"]).status_code == 202
    ended = wait_for_state(person, run, seconds=SETTLED_SECONDS)
    [call] = wait_for("the call to end", lambda: [r for r in ai.requests() if r["ended_at"]])
    assert call["outcome"] == "client_closed"
    assert call["ended_at"] - pressed_at <= LET_GO_SECONDS
    books = ledger(stack, [run])
    facts = books["runs"][run["id"]]
    assert facts["finished"] - pressed_at <= SETTLED_SECONDS
    assert ended["state"] == "cancelled"
    assert ended["error"] is None
    assert facts["left_held"] == 0
    # What was delivered whole is kept and charged; half a page is neither.
    kept = ended["version"] is not None
    assert facts["hold"] == ("settled" if kept else "released")
    assert (facts["charged"] > 0) == kept
    assert facts["characters"] <= call["chars_sent"]
    assert books["differences"] == []


def test_stop_after_the_end_changes_nothing(stack: Stack):
    person = stack.sign_up()
    run = start_run(person, "A bakery called Flour & Salt", model="qwen-turbo")
    ended = wait_for_state(person, run, "succeeded")
    answer = person.post(run["cancelUrl"])
    assert answer.status_code == 202
    assert answer.json()["run"] == ended == get_run(person, run)
