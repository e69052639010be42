"""Starting a run: the hold and the run are one, and a refusal writes nothing."""

import threading

import pytest
from django.db import connection, connections
from django.utils import timezone

from billing.errors import InsufficientTokens
from billing.models import Hold, Movement
from billing.selectors import standing_of
from builder.models import Run
from builder.services.runs import run_cancel, run_start
from config.errors import Conflict, InvalidInput, NotFound, TooLarge
from models_catalog.models import AIModel

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_is_queued_with_its_hold_and_rung_once(start, rung, alice):
    run = start(idempotency_key="k1")
    assert run.state == Run.State.QUEUED
    assert run.hold.amount == run.ceiling
    standing = standing_of(alice, timezone.now())
    assert (standing.available, standing.held) == (10_000 - run.ceiling, run.ceiling)
    assert rung == [str(run.pk)]


def test_the_same_key_and_request_gives_the_same_run(start, rung):
    first = start(idempotency_key="k1")
    assert start(idempotency_key="k1").pk == first.pk
    assert (Run.objects.count(), Hold.objects.count(), len(rung)) == (1, 1, 1)


def test_the_same_key_with_another_request_is_a_conflict(start):
    start(idempotency_key="k1")
    with pytest.raises(Conflict) as refused:
        start("Something else", idempotency_key="k1")
    assert refused.value.code == "idempotency_key_reused"
    assert Run.objects.count() == 1


def test_a_key_belongs_to_its_person(start, bob, site, ai, rung, catalogue):
    start(idempotency_key="k1")
    run = run_start(
        user=bob, site=site, prompt="Mine", model_slug="qwen-turbo", idempotency_key="k1"
    )
    assert Run.objects.filter(idempotency_key="k1").count() == 2
    assert run.owner == bob


@pytest.mark.parametrize(
    ("prompt", "error"),
    [("", InvalidInput), ("  \n ", InvalidInput), ("词" * 20_000, TooLarge)],
)
def test_a_bad_prompt_is_refused_and_nothing_is_written(start, alice, prompt, error):
    with pytest.raises(error) as refused:
        start(prompt)
    assert "Nothing was charged" in refused.value.message
    assert (Run.objects.count(), Hold.objects.count()) == (0, 0)


def test_an_unknown_model_is_refused(start):
    with pytest.raises(NotFound):
        start(model="no-such-model")
    assert Hold.objects.count() == 0


def test_a_disabled_model_is_refused_with_the_reason(start):
    AIModel.objects.filter(slug="gpt-4").update(enabled=False, disabled_reason="being repaired")
    with pytest.raises(Conflict, match="being repaired"):
        start(model="gpt-4")
    assert Hold.objects.count() == 0


def test_too_few_tokens_says_what_it_takes_and_what_can_be_afforded(start, alice):
    start()  # holds all of the free pocket or most of it
    with pytest.raises(InsufficientTokens) as refused:
        start(model="claude-3-opus")
    extra = refused.value.extra
    assert extra["required"] > extra["available"] >= 0
    assert extra["upgradeUrl"] == "/pricing/"
    assert "claude-3-opus" not in extra["affordableModels"]
    assert Run.objects.count() == 1


def test_the_most_expensive_model_can_be_tried_for_free(start):
    run = start(model="claude-3-opus")
    assert run.ceiling <= 10_000
    assert run.max_output_tokens >= 500


def test_the_broker_being_away_is_no_matter(start, rung, monkeypatch):
    def refuse(**_options):
        raise ConnectionRefusedError

    monkeypatch.setattr("builder.services.runs.run_execute.apply_async", refuse)
    assert start().state == Run.State.QUEUED


def test_a_queued_run_is_stopped_at_once_and_costs_nothing(start, alice):
    run = run_cancel(user=alice, run_id=start().pk)
    assert (run.state, run.charged, run.hold.state) == ("cancelled", 0, Hold.State.RELEASED)
    assert standing_of(alice, timezone.now()).available == 10_000
    again = run_cancel(user=alice, run_id=run.pk)
    assert again.finished_at == run.finished_at


def test_nobody_else_can_stop_a_run(start, bob):
    run = start()
    with pytest.raises(NotFound):
        run_cancel(user=bob, run_id=run.pk)
    run.refresh_from_db()
    assert run.cancel_requested_at is None


@pytest.mark.postgresql
def test_the_same_request_twice_at_once_is_one_run_and_one_hold(alice, site, ai, catalogue, rung):
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: SQLite has one writer at a time")
    barrier, found, errors = threading.Barrier(8), [], []

    def post():
        try:
            barrier.wait()
            run = run_start(
                user=alice, site=site, prompt="Once", model_slug="qwen-turbo", idempotency_key="k"
            )
            found.append(run.pk)
        except Exception as error:  # noqa: BLE001 - any error at all is the finding
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(set(found)) == 1
    held = Movement.objects.filter(to_state="held", hold__key=f"run:{found[0]}")
    assert held.count() == 1
    assert (Run.objects.count(), Hold.objects.count()) == (1, 1)
