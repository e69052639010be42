"""Runs that find their first provider failing: who answers, who pays what, who is told."""

import re
import threading
import time
from decimal import Decimal

import pytest
import redis
from django.urls import reverse
from django.utils import timezone

from accounts.models import StaffAlert
from billing.services.grants import grant_create
from billing.services.reconcile import reconcile
from builder import tasks
from builder.models import Outage, Run
from builder.routing.guard import guard
from builder.routing.stores import PREFIX
from builder.selectors.runs import run_as_dict
from builder.services import execution
from builder.services.runs import run_cancel
from builder.streaming.log import log_key
from config.errors import Conflict
from models_catalog.models import AIModel, Fallback, Provider, Route
from models_catalog.pricing import charge, price_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def plenty(alice) -> None:
    """Enough for the dearest model, several times."""
    grant_create(
        user_id=alice.pk,
        kind="purchased",
        amount=1_000_000,
        source="test:plenty",
        effective_at=timezone.now(),
    )


@pytest.fixture
def two_routes(catalogue) -> None:
    """Claude 3 Haiku through OpenRouter, then through Anthropic itself."""
    Provider.objects.filter(slug="anthropic").update(enabled=True, disabled_reason="")


def attempts(run: Run) -> list[tuple[str, str, str, int]]:
    return [
        (a.model_slug, a.provider_slug, a.outcome, a.charged)
        for a in run.attempts.order_by("number")
    ]


def events_text(run: Run, settings) -> str:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return "".join(fields[b"f"].decode() for _id, fields in client.xrange(log_key(run.pk)))


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        ({"status": 502}, "unavailable"),
        ({"status": 503}, "unavailable"),
        ({"status": 429}, "rate_limited"),
        ({"status": 404}, "not_found"),
        ({"html": True, "status": 502}, "unavailable"),
        ({"hang_up": True}, "cut"),
        ({"empty": True}, "empty"),
        ({"reply": " \n\n\t"}, "empty"),
        ({"error": {"after_chars": 0, "status": 502}}, "unavailable"),
    ],
)
def test_a_failure_before_the_first_content_goes_to_the_next_route(
    two_routes, finish, ai, behaviour, outcome
):
    ai.rule(behaviour, provider="openrouter")
    run = finish()
    assert (run.state, run.model_used_slug) == ("succeeded", "claude-3-haiku")
    assert attempts(run) == [
        ("claude-3-haiku", "openrouter", outcome, 0),
        ("claude-3-haiku", "anthropic", "succeeded", run.charged),
    ]
    assert run.charged == charge(
        price_of(run), input_tokens=run.input_tokens, output_tokens=run.output_tokens
    )
    assert (ai.calls("openrouter"), ai.calls("anthropic")) == (1, 1)
    assert reconcile() == []


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ({"status": 400}, "bad_request"),
        ({"status": 413}, "context_too_long"),
        ({"content_filter": True}, "refused"),
    ],
)
def test_what_the_request_is_at_fault_for_returns_at_once(two_routes, finish, ai, behaviour, code):
    ai.rule(behaviour, provider="openrouter")
    run = finish(allow_fallback=True)
    assert (run.state, run.error_code, run.charged) == ("failed", code, 0)
    assert ai.calls() == 1


def test_after_the_first_content_nobody_else_is_asked(two_routes, finish, ai):
    ai.rule({"cut_after_chars": 30}, provider="openrouter")
    run = finish(allow_fallback=True)
    assert (run.state, run.error_code, run.charged) == ("failed", "cut", 0)
    assert (ai.calls(), len(run.text.text)) == (1, 30)


def test_without_leave_no_other_model_answers(finish, ai):
    ai.rule({"status": 503}, model="anthropic/claude-3-haiku")
    run = finish()
    assert (run.state, run.error_code, run.charged) == ("failed", "unavailable", 0)
    assert (run.model_used_slug, ai.calls()) == ("", 1)


def test_with_leave_a_cheaper_model_answers_at_its_price_and_is_named(finish, ai, settings):
    ai.rule({"status": 503}, provider="openrouter")
    run = finish(allow_fallback=True, model="gpt-4")
    last = Fallback.objects.get(model__slug="gpt-4", fallback__slug="qwen-vl-max").fallback
    assert (run.state, run.model_used_slug) == ("succeeded", "qwen-vl-max"), attempts(run)
    usage = {"input_tokens": run.input_tokens, "output_tokens": run.output_tokens}
    assert run.charged == charge(price_of(last), **usage) < charge(price_of(run), **usage)
    told = attempts(run)
    assert [row[3] for row in told] == [0] * (len(told) - 1) + [run.charged]
    assert (told[0][0], told[-1][:2]) == ("gpt-4", ("qwen-vl-max", "qwen"))
    answered = run.attempts.get(charged__gt=0)
    assert (answered.token_cost, answered.input_weight) == (3, Decimal("0.200"))
    assert run.notes == [
        "Answered by Qwen VL Max, because GPT-4 did not answer.",
        "You paid the lower of the two prices: ×3 instead of ×8.",
    ]
    shown = run_as_dict(run)
    assert (shown["model"], shown["modelUsed"]) == ("gpt-4", "qwen-vl-max")
    assert [row["charged"] for row in shown["receipt"]["attempts"]] == [row[3] for row in told]
    assert "GPT-4 did not answer, trying GPT-4 Turbo" in events_text(run, settings)
    assert reconcile() == []


def test_a_dearer_fallback_costs_what_the_model_asked_for_would_have(finish, ai):
    asked, dear = (AIModel.objects.get(slug=slug) for slug in ("mistral-7b", "claude-3-opus"))
    Fallback.objects.filter(model=asked).delete()
    Fallback.objects.create(model=asked, fallback=dear)
    ai.rule({"status": 503}, model="mistralai/mistral-7b-instruct")
    run = finish(allow_fallback=True, model="mistral-7b")
    assert (run.state, run.model_used_slug) == ("succeeded", "claude-3-opus")
    usage = {"input_tokens": run.input_tokens, "output_tokens": run.output_tokens}
    assert run.charged == min(charge(price_of(asked), **usage), run.ceiling)
    assert run.attempts.get(charged__gt=0).token_cost == asked.token_cost


def test_a_fallback_too_small_for_the_request_is_left_out(finish, ai):
    Fallback.objects.filter(model__slug="gpt-4").exclude(fallback__slug="qwen-vl-max").delete()
    AIModel.objects.filter(slug="qwen-vl-max").update(context_window=300, max_output_tokens=200)
    ai.rule({"status": 503}, provider="openrouter")
    run = finish(allow_fallback=True, model="gpt-4")
    assert (run.state, [row[0] for row in attempts(run)]) == ("failed", ["gpt-4"])


def test_nobody_answers_and_every_attempt_is_told_at_nothing(two_routes, finish, ai):
    ai.rule({"status": 503})
    run = finish()
    assert (run.state, run.error_code, run.charged) == ("failed", "unavailable", 0)
    assert "None of the providers of this model answered. Not charged." in run.error_message
    assert [row[1:] for row in attempts(run)] == [
        ("openrouter", "unavailable", 0),
        ("anthropic", "unavailable", 0),
    ]


def test_a_silent_route_leaves_time_for_the_next(two_routes, finish, ai, settings):
    settings.ROUTE_FIRST_TOKEN_TIMEOUT_SECONDS = 1
    ai.rule({"stall": {"after_chars": 0}, "keep_alive_seconds": 0.2}, provider="openrouter")
    run = finish()
    assert [row[1:3] for row in attempts(run)] == [
        ("openrouter", "timeout"),
        ("anthropic", "succeeded"),
    ]


def test_all_attempts_together_stay_within_the_time_for_the_first_content(
    two_routes, finish, ai, settings
):
    settings.ROUTE_FIRST_TOKEN_TIMEOUT_SECONDS = 1
    settings.RUN_FIRST_TOKEN_TIMEOUT_SECONDS = 2
    ai.rule({"stall": {"after_chars": 0}, "keep_alive_seconds": 0.2})
    run = finish()
    assert (run.state, run.error_code) == ("failed", "first_token_timeout")
    assert [row[2] for row in attempts(run)] == ["timeout", "first_token_timeout"]


def test_a_short_retry_after_is_kept_where_there_is_nobody_else(finish, ai):
    Route.objects.filter(provider__slug="anthropic").delete()
    ai.rule({"status": 429, "retry_after": 1}, times=1)
    began = time.monotonic()
    run = finish()
    assert run.state == "succeeded"
    assert time.monotonic() - began >= 1.0
    assert [row[2] for row in attempts(run)] == ["rate_limited", "succeeded"]


def test_stop_ends_a_wait(start, ai, alice):
    Route.objects.filter(provider__slug="anthropic").delete()
    ai.rule({"status": 429, "retry_after": 5})
    run = start()
    worker = threading.Thread(target=execution.run_execute, args=(run.pk,))
    worker.start()
    while not ai.calls():
        time.sleep(0.02)
    run_cancel(user=alice, run_id=run.pk)
    worker.join(timeout=20)
    run.refresh_from_db()
    assert (run.state, run.charged, ai.calls()) == ("cancelled", 0, 1)


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (402, "payment_required")])
def test_our_account_being_refused_takes_the_provider_out_and_tells_staff_once(
    two_routes, finish, ai, status, code
):
    ai.rule({"status": status}, provider="openrouter")
    first, second = finish(), finish("Make it blue")
    assert [row[1:3] for row in attempts(first)] == [
        ("openrouter", code),
        ("anthropic", "succeeded"),
    ]
    assert [row[1] for row in attempts(second)] == ["anthropic"]
    provider = Provider.objects.get(slug="openrouter")
    assert (provider.outage_since is not None, provider.outage_code) == (True, code)
    # Rung once; the task may come again all the same.
    assert [tasks.provider_out_tell("openrouter") for _ in range(2)] == [True, False]
    alert = StaffAlert.objects.get(key="provider-out:openrouter")
    assert (alert.times, code in alert.subject) == (1, True)
    assert Outage.objects.get(provider_slug="openrouter").code == code
    assert ai.calls("openrouter") == 1


def test_a_model_out_of_reach_is_answered_by_another_where_that_is_allowed(start, finish):
    Provider.objects.filter(slug="openrouter").update(outage_since=timezone.now())
    with pytest.raises(Conflict):
        start(model="gpt-4")
    run = finish(model="gpt-4", allow_fallback=True)
    assert (run.state, run.model_used_slug) == ("succeeded", "qwen-vl-max")
    assert run.notes[0] == "Answered by Qwen VL Max, because GPT-4 was out of reach."


def test_an_open_breaker_is_not_asked_and_a_probe_closes_it(two_routes, finish, ai, settings):
    ai.rule({"status": 503}, provider="openrouter", times=5)
    for number in range(5):
        assert finish(f"Change the heading to {number}").state == "succeeded"
    outage = Outage.objects.get(ended_at=None)
    assert (outage.provider_slug, outage.provider_model_id, outage.code) == (
        "openrouter",
        "anthropic/claude-3-haiku",
        "unavailable",
    )
    assert [row[1] for row in attempts(finish("Change it to six"))] == ["anthropic"]
    assert ai.calls("openrouter") == 5
    _let_pass(settings)
    assert [row[1] for row in attempts(finish("Change it to seven"))] == ["openrouter"]
    outage.refresh_from_db()
    assert outage.ended_at is not None
    assert guard().breaker.opened() == {}


def test_a_probe_that_fails_keeps_it_open_and_the_run_is_served(two_routes, finish, ai, settings):
    ai.rule({"status": 503}, provider="openrouter")
    for number in range(5):
        finish(f"Change the heading to {number}")
    _let_pass(settings)
    run = finish("Change it to six")
    assert (run.state, [row[1] for row in attempts(run)]) == (
        "succeeded",
        ["openrouter", "anthropic"],
    )
    assert [row[1] for row in attempts(finish("Change it to seven"))] == ["anthropic"]
    assert Outage.objects.count() == 1


def test_where_everything_is_open_it_is_asked_all_the_same(finish, ai):
    ai.rule({"status": 503}, times=5)
    for _ in range(5):
        assert finish().state == "failed"
    assert guard().breaker.opened()
    run = finish()
    assert run.state == "succeeded"
    assert guard().breaker.opened() == {}


def _let_pass(settings) -> None:
    """As if the breakers had been opened half a minute earlier."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for name, value in client.hgetall(f"{PREFIX}open").items():
            since, _until, code = value.decode().split("|")
            client.hset(f"{PREFIX}open", name, f"{since}|{float(since)}|{code}")
    guard().breaker._look_at = 0.0


def test_pages_say_who_answered_and_keep_the_leave_that_was_given(finish, ai, client, alice, site):
    client.force_login(alice)
    workspace = reverse("builder:workspace", args=[site.pk])
    box = re.compile(r'name="allow_fallback"\s+(checked)?\s*>')
    assert box.findall(client.get(workspace).content.decode()) == [""]
    ai.rule({"status": 503}, provider="openrouter")
    run = finish(allow_fallback=True, model="gpt-4")
    page = client.get(workspace).content.decode()
    assert box.findall(page) == ["checked"]
    assert "Answered by Qwen VL Max, because GPT-4 did not answer." in page
    receipt = " ".join(client.get(reverse("receipt", args=[run.pk])).content.decode().split())
    assert "instead of ×8" in receipt
    assert receipt.count("The provider was not available") == run.attempts.count() - 1
    assert "3 tokens for each token written and 0.6 for each one read" in receipt


def test_the_box_is_sent_without_scripts(client, alice, site, ai, rung, catalogue):
    client.force_login(alice)
    body = {"prompt": "A bakery", "model": "claude-3-haiku", "allow_fallback": "on"}
    client.post(reverse("builder:run-new", args=[site.pk]), body)
    assert Run.objects.get().allow_fallback is True
