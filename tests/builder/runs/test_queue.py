"""Whose run is next: fair between people, subscribers first, nobody starves."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billing.models import PremiumPeriod
from billing.services.grants import grant_create
from builder.models import Run
from builder.services import execution, queue, runs
from builder.services.queue import Active, turns
from builder.services.sites import site_create

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def waiting(owner: int, after_seconds: float = 0, *, running: bool = False) -> Active:
    return Active(uuid4(), owner, running, NOON + timedelta(seconds=after_seconds))


def test_somebody_with_one_run_does_not_wait_for_another_ones_twenty():
    greedy = [waiting(1, number / 100) for number in range(20)]
    modest = waiting(2, 5)
    order = turns([*greedy, modest], subscribers=())
    assert order[:2] == [greedy[0].run_id, modest.run_id]
    assert order[2:] == [run.run_id for run in greedy[1:]]


def test_runs_under_way_count_as_well():
    busy = [waiting(1, running=True), waiting(1, running=True), waiting(1)]
    modest = waiting(2, 30)
    assert turns([*busy, modest], subscribers=()) == [modest.run_id, busy[2].run_id]


def test_a_subscriber_goes_before_those_who_came_a_little_earlier():
    free = waiting(1)
    assert turns([free, waiting(2, 29)], subscribers={2})[1] == free.run_id
    assert turns([free, waiting(2, 31)], subscribers={2})[0] == free.run_id


def test_a_free_run_is_passed_by_no_more_than_half_a_minutes_subscribers():
    free = waiting(1)
    subscribers = [waiting(owner, owner) for owner in range(2, 200)]
    order = turns([free, *subscribers], subscribers=range(2, 200))
    assert order.index(free.run_id) <= 30


OWNERS = st.integers(1, 4)
QUEUES = st.lists(st.builds(waiting, OWNERS, st.integers(0, 100), running=st.booleans()))


@given(QUEUES, st.sets(OWNERS))
def test_every_queued_run_has_one_turn_and_ones_own_runs_keep_their_order(active, subscribers):
    order = turns(active, subscribers=subscribers)
    queued = {run.run_id: run for run in active if not run.running}
    assert sorted(order) == sorted(queued)
    for owner in {run.owner_id for run in active}:
        mine = [queued[run_id].created_at for run_id in order if queued[run_id].owner_id == owner]
        assert mine == sorted(mine)


@pytest.fixture(autouse=True)
def tokens(alice) -> None:
    grant_create(
        user_id=alice.pk,
        kind="purchased",
        amount=10_000_000,
        source="purchase:test",
        effective_at=timezone.now() - timedelta(days=1),
    )


@pytest.fixture
def turns_anew(monkeypatch):
    monkeypatch.setattr(queue, "_turns", queue.Turns())


def test_a_doorbell_that_waited_takes_the_run_whose_turn_it_is(start, alice, bob, turns_anew):
    first = start(model="qwen-turbo")
    second = start(model="qwen-turbo")
    now = timezone.now()
    PremiumPeriod.objects.create(
        user=bob,
        kind=PremiumPeriod.Kind.GRACE,
        subscription_id="sub_test",
        source="grace:test",
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=1),
        tokens_per_day=30_000,
    )
    Run.objects.filter(pk=second.pk).update(owner=bob)
    waited = time.time() - 60
    assert queue.run_take(str(first.pk), rung_at=waited) == second.pk
    assert queue.run_take(str(second.pk), rung_at=waited) == first.pk
    assert queue.run_take(str(second.pk), rung_at=waited) is None


def test_a_doorbell_answered_at_once_takes_its_own_run(start, turns_anew):
    start(model="qwen-turbo")
    second = start(model="qwen-turbo")
    assert UUID(str(queue.run_take(str(second.pk), rung_at=time.time()))) == second.pk


def test_a_doorbell_whose_run_is_taken_does_not_leave_another_behind(start, turns_anew):
    first = start(model="qwen-turbo")
    second = start(model="qwen-turbo")
    assert queue.run_take(first.pk) == first.pk
    assert queue.run_take(str(first.pk), rung_at=time.time()) == second.pk


def test_a_run_asked_for_by_name_is_taken_or_nothing_is(start, turns_anew):
    first = start(model="qwen-turbo")
    start(model="qwen-turbo")
    assert queue.run_take(first.pk) == first.pk
    assert queue.run_take(first.pk) is None


def test_two_workers_let_nobody_wait_for_anothers_ten_runs(start, rung, ai, bob, turns_anew):
    for _number in range(10):
        start(model="qwen-turbo")
    runs.run_start(
        user=bob, site=site_create(owner=bob, name="B"), prompt="A bakery", model_slug="qwen-turbo"
    )
    doorbells = deque(rung)
    waited = time.time() - 60

    def worker() -> None:
        while doorbells:
            with suppress(IndexError):
                execution.run_execute(doorbells.popleft(), rung_at=waited)
        connection.close()

    threads = [threading.Thread(target=worker) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    owners = list(Run.objects.order_by("started_at").values_list("owner_id", flat=True))
    assert owners.index(bob.pk) <= 2
    assert set(Run.objects.values_list("state", "error_code")) == {("succeeded", "")}
