"""What past runs teach, and how estimates follow it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import Hold
from builder.estimates import quote_run
from builder.models import LearnedRange, Run
from builder.output_ranges import FOLLOW_UP, NEW_SITE, expected_forget, expected_of
from builder.services.learning import Sample, learn, ranges_learn
from builder.tasks import ranges_learn as task
from models_catalog.selectors import model_get

MODEL = "claude-3-haiku"


def samples(outputs: list[int], ratio: float = 1.0) -> list[Sample]:
    return [Sample(output, round(1_000 * ratio), 1_000) for output in outputs]


def test_from_twenty_runs_on_the_range_is_theirs_widened():
    lesson = learn(samples(list(range(2_000, 4_000, 100))), NEW_SITE)
    # The 1st and the 19th of 20 are the 5th and 95th percentile.
    assert (lesson.output.low, lesson.output.high) == (1_700, 4_370)
    assert (lesson.output.least, lesson.output.most) == (NEW_SITE.least, 12_000)
    assert lesson.sample_count == 20


def test_few_runs_are_blended_with_what_is_supposed():
    lesson = learn(samples([3_000] * 5, ratio=1.4), NEW_SITE)
    # A quarter of 2,550 and 3,450, three quarters of the prior's.
    assert (lesson.output.low, lesson.output.high) == (1_538, 4_612)
    assert lesson.input_ratio == Decimal("1.100")


def test_short_answers_lower_the_most_but_leave_room_for_a_long_one():
    lesson = learn(samples([60] * 40), FOLLOW_UP)
    assert (lesson.output.low, lesson.output.high) == (51, 69)
    assert lesson.output.most == FOLLOW_UP.high < FOLLOW_UP.most


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.builds(Sample, st.integers(1, 2**31), st.integers(1, 2**31), st.integers(1, 2**31)),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([NEW_SITE, FOLLOW_UP]),
)
def test_whatever_runs_say_the_range_is_in_order(given_samples, prior):
    lesson = learn(given_samples, prior)
    assert 0 < lesson.output.low <= lesson.output.high <= lesson.output.most
    assert prior.high <= lesson.output.most <= prior.most
    assert Decimal("0.5") <= lesson.input_ratio <= 2


@pytest.fixture
def past(alice, site, catalogue):
    """Write a finished run as past runs are; `changes` are its other columns."""

    def make(output_tokens: int, **changes: Any) -> Run:
        now = timezone.now()
        hold = Hold.objects.create(
            user=alice,
            key=f"run:{uuid.uuid4()}",
            amount=10,
            settled_amount=0,
            state="settled",
            expires_at=now,
            resolved_at=now,
        )
        row: dict[str, Any] = {
            "owner": alice,
            "site": site,
            "hold": hold,
            "idempotency_key": uuid.uuid4().hex,
            "prompt": "A site",
            "model_slug": MODEL,
            "model_used_slug": MODEL,
            "token_cost": 3,
            "billing_unit": "per_token",
            "input_weight": Decimal("0.2"),
            "estimate_low": 1,
            "estimate_high": 2,
            "ceiling": 10,
            "charged": 0,
            "max_output_tokens": 4_096,
            "input_tokens_estimated": 1_000,
            "input_tokens": 1_300,
            "output_tokens": output_tokens,
            "state": "succeeded",
            "dispatched_at": now,
            "finished_at": now,
        }
        return Run.objects.create(**row | changes)

    return make


@pytest.mark.django_db(transaction=True)
def test_runs_are_learned_from_by_model_and_kind(past):
    for number in range(30):
        past(2_000 + number)
        past(300, changes_site=True)
    past(9_000, model_slug="gpt-4", model_used_slug="gpt-4")
    assert task() == 3
    rows = {(row.model_slug, row.changes_site): row for row in LearnedRange.objects.all()}
    new = rows[MODEL, False]
    assert (new.sample_count, new.output_low, new.output_high) == (30, 1_701, 2_332)
    assert new.input_ratio == Decimal("1.300")
    assert (rows[MODEL, True].output_low, rows[MODEL, True].output_high) == (255, 345)
    assert rows["gpt-4", False].sample_count == 1
    assert ranges_learn(now=timezone.now()) == 3
    assert LearnedRange.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_what_says_nothing_of_usual_answers_is_left_out(past):
    for unusual in (
        {"usage_estimated": True},
        {"state": "failed"},
        {"state": "cancelled"},
        {"model_used_slug": "qwen-turbo"},
        {"max_output_tokens": 800},
        {"input_tokens_estimated": None},
        {"finished_at": timezone.now() - timedelta(days=91)},
    ):
        past(9_999, **unusual)
    assert ranges_learn(now=timezone.now()) == 0


@pytest.mark.django_db(transaction=True)
def test_only_the_latest_five_hundred_count(past):
    old = timezone.now() - timedelta(days=2)
    runs = [past(8_000, finished_at=old) for _ in range(20)]
    runs += [past(1_000) for _ in range(500)]
    ranges_learn(now=timezone.now())
    row = LearnedRange.objects.get()
    assert (row.sample_count, row.output_low, row.output_high) == (500, 850, 1_150)


@pytest.mark.django_db(transaction=True)
def test_a_quote_follows_what_was_learned_and_reads_it_once_a_minute(catalogue):
    model = model_get(MODEL)
    before = quote_run(model=model, prompt="A site for a bakery", files={})
    LearnedRange.objects.create(
        model_slug=MODEL,
        changes_site=False,
        sample_count=100,
        output_low=2_000,
        output_high=3_000,
        output_most=3_500,
        input_ratio=Decimal("1.5"),
        updated_at=timezone.now(),
    )
    # Kept for a minute: what a person was shown a moment ago is what the run is quoted.
    assert quote_run(model=model, prompt="A site for a bakery", files={}) == before
    expected_forget()
    with CaptureQueriesContext(connection) as queries:
        after = quote_run(model=model, prompt="A site for a bakery", files={})
        assert quote_run(model=model, prompt="A site for a bakery", files={}) == after
    assert len(queries) == 1
    assert after.output_tokens_most == 3_500
    assert after.input_tokens == before.input_tokens
    assert after.input_tokens_upper == int(after.input_tokens * 1.5 * 1.25) + 40
    # 3 a token of output, 0.6 of input.
    low_input, high_input = int(after.input_tokens * 1.35), int(after.input_tokens * 1.65)
    assert after.low == -(-(30 * 2_000 + 6 * low_input) // 10)
    assert after.high == -(-(30 * 3_000 + 6 * high_input) // 10)
    change = quote_run(model=model, prompt="Make it blue", files={"index.html": "<h1>x</h1>"})
    assert change.changes_site
    assert expected_of(MODEL, changes_site=True).output == FOLLOW_UP


@pytest.mark.django_db(transaction=True)
def test_a_run_keeps_what_was_counted_and_of_which_kind_it_is(finish):
    first = finish()
    assert first.changes_site is False
    quote = quote_run(model=model_get(MODEL), prompt=first.prompt, files={})
    assert first.input_tokens_estimated == quote.input_tokens
    assert finish("Make the background blue").changes_site is True
