"""An estimated usage is put right by the provider's record; the person only ever gains by it."""

from decimal import Decimal

import pytest
from celery.exceptions import Retry
from django.utils import timezone

from billing.models import Grant, Movement
from billing.selectors import standing_of
from billing.services.reconcile import reconcile
from builder.models import Attempt, Run
from builder.services.usage_correction import usage_correct
from builder.tasks import usage_correct as task
from emulators.ai.tokens import count_tokens
from models_catalog.models import Provider
from models_catalog.pricing import charge, price_of

pytestmark = pytest.mark.django_db(transaction=True)

FREE = 10_000


def page(body: str) -> str:
    return f"index.html\n```html\n<!doctype html>\n<h1>{body}</h1>\n```\n"


# The emulator counts a word of eight letters as one token and we count more; and the other way
# round with single marks.
OVERESTIMATED = page("absolute " * 400)
UNDERESTIMATED = page("a : b ; " * 400)


@pytest.fixture
def rung_later(monkeypatch) -> list[tuple[str, list[str], int]]:
    """What was sent to the broker to be done later."""
    sent: list[tuple[str, list[str], int]] = []

    def send(name: str, args: list[str], *_more: object, countdown: int, **_rest: object) -> None:
        sent.append((name, args, countdown))

    monkeypatch.setattr("builder.services.usage_correction.current_app.send_task", send)
    return sent


@pytest.fixture
def finish_untold(finish, ai, rung_later):
    """A run whose stream told no usage."""

    def finish_run(reply: str, **behaviour: object) -> Run:
        ai.rule({"reply": reply, "usage": "missing", **behaviour})
        run: Run = finish()
        return run

    return finish_run


def available(user) -> int:
    return standing_of(user, timezone.now()).available


def record_of(ai, run: Run) -> tuple[int, int]:
    """Input and output tokens as the emulator counted them."""
    seen = ai.requests("openrouter")[-1]
    return seen["input_tokens"], count_tokens(run.text.text)


def test_what_was_charged_too_much_is_given_back_once(finish_untold, ai, rung_later):
    run = finish_untold(OVERESTIMATED)
    assert run.state == Run.State.SUCCEEDED
    assert run.usage_estimated
    assert rung_later == [("builder.tasks.usage_correct", [str(run.pk)], 5)]
    given, made = record_of(ai, run)
    due = charge(price_of(run), input_tokens=given, output_tokens=made)
    back = run.charged - due
    assert back > 0
    for _again in range(3):
        assert usage_correct(run.pk) is True
        assert available(run.owner) == FREE - due
    grant = Grant.objects.get(source=f"correction:run:{run.pk}")
    assert (grant.kind, grant.amount, grant.user_id) == ("adjustment", back, run.owner_id)
    assert Movement.objects.filter(grant=grant).count() == 1
    attempt = run.attempts.get()
    assert (attempt.input_tokens, attempt.output_tokens) == (given, made)
    assert attempt.cost_usd > 0
    assert attempt.cost_estimated is False
    charged = run.charged
    run.refresh_from_db()
    # The receipt stays what it was, and says what came back.
    assert (run.charged, attempt.charged) == (charged, charged)
    assert sum("given back" in note for note in run.notes) == 1
    assert any(f"{back:,} tokens" in note or f"{back} tokens" in note for note in run.notes)
    assert reconcile() == []


def test_a_record_above_the_estimate_is_our_loss(finish_untold, ai):
    run = finish_untold(UNDERESTIMATED)
    given, made = record_of(ai, run)
    assert charge(price_of(run), input_tokens=given, output_tokens=made) > run.charged
    assert usage_correct(run.pk) is True
    assert available(run.owner) == FREE - run.charged
    attempt = run.attempts.get()
    assert (attempt.input_tokens, attempt.output_tokens) == (given, made)
    assert not Grant.objects.filter(kind="adjustment").exists()
    before = run.notes
    run.refresh_from_db()
    assert run.notes == before


def test_a_run_that_cost_nothing_gets_nothing_back_but_tells_our_cost(finish_untold):
    run = finish_untold(OVERESTIMATED, cut_after_chars=2_000)
    assert (run.error_code, run.charged) == ("cut", 0)
    assert usage_correct(run.pk) is True
    attempt = run.attempts.get()
    assert attempt.cost_usd > 0
    assert attempt.cost_estimated is False
    assert attempt.output_tokens < count_tokens(OVERESTIMATED)
    assert available(run.owner) == FREE
    assert not Grant.objects.filter(kind="adjustment").exists()


def test_a_fallback_that_was_charged_at_its_own_price_is_corrected_at_it(finish_untold, ai):
    run = finish_untold(OVERESTIMATED)
    Attempt.objects.filter(run=run).update(
        token_cost=1, input_weight=Decimal("0.2"), billing_unit="per_token", charged=900
    )
    given, made = record_of(ai, run)
    assert usage_correct(run.pk) is True
    due = made + -(-given // 5)
    assert Grant.objects.filter(kind="adjustment").count() == (1 if due < 900 else 0)


def test_a_record_that_is_not_there_yet_is_asked_for_again(finish_untold):
    run = finish_untold(OVERESTIMATED)
    Attempt.objects.filter(run=run).update(generation_id="gen-unknown")
    assert usage_correct(run.pk) is False
    assert available(run.owner) == FREE - run.charged


def test_a_refused_key_is_not_asked_with_again(finish_untold, settings):
    run = finish_untold(OVERESTIMATED)
    settings.AI_EMULATOR_URL = settings.AI_EMULATOR_URL + "/nowhere"
    assert usage_correct(run.pk) is False
    Provider.objects.filter(slug="openrouter").update(adapter="openai_compatible")
    assert usage_correct(run.pk) is True


def test_reported_usage_is_left_alone(finish, ai, rung_later):
    run = finish()
    assert not run.usage_estimated
    asked = len(ai.requests())
    assert usage_correct(run.pk) is True
    assert rung_later == []
    assert len(ai.requests()) == asked


def test_the_task_asks_thrice_again_and_then_gives_up(finish_untold):
    run = finish_untold(OVERESTIMATED)
    Attempt.objects.filter(run=run).update(generation_id="gen-unknown")
    waits: list[float | None] = []
    for retries in range(4):
        task.push_request(args=[str(run.pk)], kwargs={}, retries=retries, called_directly=False)
        try:
            task.run(str(run.pk))
            waits.append(None)
        except Retry as again:
            waits.append(again.when)
        finally:
            task.pop_request()
    assert waits == [10, 60, 300, None]
