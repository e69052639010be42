"""What one person may do at once, a minute, and in bytes."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from billing.selectors import standing_of
from billing.services.grants import allowance_ensure, grant_create
from builder.models import Run, UserLimits
from builder.providers.body import READ_BYTES
from builder.services import execution, runs
from builder.services.sites import site_create, site_lock
from config.errors import TooLarge, TooManyRequests


@pytest.fixture(autouse=True)
def tokens(alice) -> None:
    """Enough that runs are refused for nothing but their number."""
    grant_create(
        user_id=alice.pk,
        kind="purchased",
        amount=10_000_000,
        source="purchase:test",
        effective_at=timezone.now() - timedelta(days=1),
    )


def allow(user, **limits) -> None:
    UserLimits.objects.create(user=user, reason="A test", **limits)


def test_more_runs_at_once_than_allowed_are_refused_and_hold_nothing(start, alice, settings):
    settings.RUNS_CONCURRENT_MAX = 2
    start(), start()
    held = standing_of(alice, timezone.now()).available
    with pytest.raises(TooManyRequests) as refusal:
        start()
    assert refusal.value.code == "too_many_runs"
    assert "Nothing was charged" in refusal.value.message
    assert standing_of(alice, timezone.now()).available == held
    assert Run.objects.count() == 2


def test_a_finished_run_makes_room(start, ai, settings):
    settings.RUNS_CONCURRENT_MAX = 1
    execution.run_execute(start().pk)
    start()
    assert Run.objects.count() == 2


def test_more_runs_a_minute_than_allowed_are_refused(start, ai, alice):
    allow(alice, runs_per_minute=2)
    first, second = start(), start()
    for run in (first, second):
        runs.run_cancel(user=alice, run_id=run.pk)
    with pytest.raises(TooManyRequests) as refusal:
        start()
    assert refusal.value.code == "too_many_runs_a_minute"
    assert refusal.value.extra["retryAfterSeconds"] == 60
    Run.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    start()


def test_a_person_who_may_run_nothing_is_told_so(start, alice):
    allow(alice, concurrent_runs=0)
    with pytest.raises(TooManyRequests, match="switched off for your account"):
        start()


def test_limits_of_one_person_do_not_touch_another(start, alice, bob, settings):
    settings.RUNS_CONCURRENT_MAX = 1
    allow(bob, concurrent_runs=5)
    start()
    with pytest.raises(TooManyRequests):
        start()


def test_the_same_key_gives_the_run_that_there_is_also_at_the_limit(start, settings):
    settings.RUNS_CONCURRENT_MAX = 1
    first = start(idempotency_key="once")
    assert start(idempotency_key="once").pk == first.pk


def test_a_persons_own_prompt_limit_wins(start, alice):
    allow(alice, prompt_bytes=10)
    with pytest.raises(TooLarge):
        start("a site for eleven")
    start("a site")


def test_a_persons_own_answer_limit_is_kept_with_the_run(start, ai, alice):
    allow(alice, output_bytes=1_000)
    ai.rule({"reply": "index.html\n```html\n" + "\u4f60" * 200_000, "chunk_chars": 200})
    run = start()
    execution.run_execute(run.pk)
    run.refresh_from_db()
    assert (run.output_max_bytes, run.error_code, run.charged) == (1_000, "too_long", 0)
    # It ends with the read that went beyond.
    assert len(run.text.text.encode()) < 1_000 + READ_BYTES


@pytest.mark.postgresql
@pytest.mark.parametrize("guarded", [True, False])
def test_a_start_that_takes_from_another_pocket_waits_all_the_same(
    start, alice, settings, monkeypatch, guarded
):
    settings.RUNS_CONCURRENT_MAX = 1
    other = site_create(owner=alice, name="Other")
    if not guarded:  # the control: the race is there without the person's lock
        monkeypatch.setattr(runs, "site_lock", lambda site, **_options: site_lock(site))
    began, go_on = threading.Event(), threading.Event()
    # Made by a start otherwise, and then the next one waits for that.
    allowance_ensure(user_id=alice.pk, now=timezone.now())
    # Spent before the others, but only once the first start has taken from those.
    soon = timezone.now() + timedelta(seconds=4)
    grant_create(
        user_id=alice.pk,
        kind="adjustment",
        amount=10_000_000,
        source="test:soon",
        effective_at=soon,
    )
    answers: list[str] = []

    def first() -> None:
        with transaction.atomic():
            start()
            began.set()
            go_on.wait(timeout=60)
        connection.close()

    def second() -> None:
        try:
            start(site=other)
            answers.append("started")
        except TooManyRequests:
            answers.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert began.wait(timeout=30)
    assert timezone.now() < soon
    time.sleep((soon - timezone.now()).total_seconds() + 0.1)
    threads[1].start()
    threads[1].join(timeout=1.5 if guarded else 20)
    assert answers == ([] if guarded else ["started"])
    go_on.set()
    for thread in threads:
        thread.join(timeout=30)
    assert answers == (["refused"] if guarded else ["started"])
    assert Run.objects.count() == (1 if guarded else 2)
    pockets = set(Run.objects.values_list("hold__movements__grant__kind", flat=True))
    assert pockets == {"free_monthly", "purchased"} | (set() if guarded else {"adjustment"})


@pytest.mark.skipif("sqlite" in connection.vendor, reason="SQLite lets one writer in at a time")
def test_parallel_starts_do_not_slip_past_the_limit(start, settings):
    settings.RUNS_CONCURRENT_MAX = 3
    answers: list[str] = []
    gate = threading.Barrier(12)

    def go() -> None:
        gate.wait()
        try:
            start(model="qwen-turbo")
            answers.append("started")
        except TooManyRequests:
            answers.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["refused"] * 9 + ["started"] * 3
