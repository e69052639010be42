"""The same message of a run, several times to several workers, is one call and one settlement."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import Celery
from django.conf import settings

from emulators.ai.testing import EmulatorClient
from tests.stack import Stack
from tests.stack_e2e.driving import give_tokens, ledger, start_run, wait_for, wait_for_state
from tests.stack_e2e.workers import extra_workers

NODES = [f"again-{number}@e2e" for number in (1, 2, 3)]
RUNS = 8
DELIVERIES = 5
TASK = "builder.tasks.run_execute"


@pytest.fixture
def broker(stack: Stack) -> Iterator[Celery]:
    """The stack's own message broker, as a client of it sees it."""
    app = Celery("deliveries", broker=stack.redis_url)
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    yield app
    app.close()


def test_one_message_delivered_five_times_to_three_workers_is_one_call_and_one_settlement(
    stack: Stack, ai: EmulatorClient, broker: Celery
):
    person = stack.sign_up()
    give_tokens(stack, [person])
    before = person.get("/api/me").json()["user"]["availableTokens"]
    everybody = [*NODES, f"runs-{stack.port}@"]
    with extra_workers(stack, NODES):
        _tell(broker, "cancel_consumer", len(everybody))
        try:
            runs = [start_run(person, f"Bakery {n}", model="qwen-turbo") for n in range(RUNS)]
            _deliver_again(broker, runs)
            assert ai.calls() == 0
            _tell(broker, "add_consumer", len(NODES), destination=NODES)
            taken = wait_for("all messages to be taken", lambda: _all_taken(broker))
        finally:
            _tell(broker, "add_consumer", len(everybody))
        ended = [wait_for_state(person, run) for run in runs]
    assert sorted(taken) == NODES, "every worker must have got some, or nothing was raced"
    assert [run["state"] for run in ended] == ["succeeded"] * RUNS
    assert ai.calls() == RUNS
    books = ledger(stack, runs)
    for run in ended:
        facts = books["runs"][run["id"]]
        assert facts["claims"] == facts["attempts"] == facts["versions"] == 1
        assert facts["hold"] == "settled"
        assert facts["left_held"] == 0
        assert facts["spent"] == [facts["charged"]] == [run["receipt"]["charged"]]
    spent = sum(run["receipt"]["charged"] for run in ended)
    assert person.get("/api/me").json()["user"]["availableTokens"] == before - spent
    assert books["differences"] == []


def _deliver_again(broker: Celery, runs: list[dict[str, Any]]) -> None:
    """The message of each run so often more, with one task id, as a broker redelivers."""
    messages = [run["id"] for _ in range(DELIVERIES - 1) for run in runs]
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda run_id: broker.send_task(TASK, args=[run_id], task_id=run_id, queue="runs"),
                messages,
            )
        )


def _tell(broker: Celery, command: str, answers: int, **options: Any) -> None:
    replies = broker.control.broadcast(
        command,
        arguments={"queue": "runs"},
        reply=True,
        timeout=15,
        limit=answers,
        **options,
    )
    assert len(replies) >= answers, replies


def _all_taken(broker: Celery) -> dict[str, int] | None:
    """How many messages each extra worker has taken, once that is all of them."""
    stats = broker.control.inspect(NODES, timeout=5, limit=len(NODES)).stats() or {}
    taken = {node: found["total"].get(TASK, 0) for node, found in stats.items()}
    if sum(taken.values()) < RUNS * DELIVERIES:
        return None
    return {node: count for node, count in taken.items() if count}
