"""/status/ and GET /api/status: what is said of providers and models, and what is not."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import StaffAlert, User
from billing.services.holds import hold_create
from builder.models import Attempt, Outage, Probe, Run
from builder.routing.guard import guard
from builder.routing.stores import Failure
from builder.selectors.tallies import percentile
from builder.services import probes
from models_catalog.models import Provider, Route

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(alice, site) -> Run:
    hold = hold_create(
        user_id=alice.pk,
        key="test",
        at_least=1,
        at_most=1,
        expires_at=timezone.now() + timedelta(days=1),
    )
    return Run.objects.create(
        owner=alice,
        site=site,
        hold=hold,
        model_slug="gpt-4",
        token_cost=8,
        billing_unit="per_token",
        input_weight="0.5",
        estimate_low=1,
        estimate_high=1,
        ceiling=1,
        max_output_tokens=1,
        dispatched_at=timezone.now(),
    )


def attempt(run, number, outcome="succeeded", *, minutes_ago=5, first_ms=400, slug="gpt-4") -> None:
    began = timezone.now() - timedelta(minutes=minutes_ago)
    Attempt.objects.create(
        run=run,
        number=number,
        model_slug=slug,
        provider_slug="openrouter",
        provider_model_id="openai/gpt-4",
        outcome=outcome,
        started_at=began,
        first_content_at=began + timedelta(milliseconds=first_ms) if first_ms else None,
    )


def told(client):
    answer = client.get("/api/status")
    assert answer.status_code == 200
    return answer.json()


def row(told, kind: str, slug: str):
    return next(row for row in told[kind] if row["id"] == slug)


def test_all_is_well_without_runs(client, catalogue, ai):
    body = told(client)
    assert body["status"] == "ok"
    assert [(p["id"], p["state"]) for p in body["providers"]] == [
        ("openrouter", "working"),
        ("qwen", "working"),
        ("openai", "off"),
        ("anthropic", "off"),
    ]
    assert len(body["models"]) == 19
    gpt = row(body, "models", "gpt-4")
    assert (gpt["state"], gpt["reason"], gpt["successPercent"]) == ("working", None, None)
    assert (len(gpt["hours"]), gpt["firstTokenP50Ms"]) == (24, None)


def test_success_and_first_tokens_are_those_of_the_attempts(client, catalogue, ai, run):
    for number, first_ms in enumerate((100, 200, 300, 400, 5000), start=1):
        attempt(run, number, first_ms=first_ms)
    attempt(run, 6, "server_error", first_ms=0)
    attempt(run, 7, "unparseable")  # the provider answered; the answer was of no use
    attempt(run, 8, "cancelled", first_ms=0)  # says nothing of the provider
    attempt(run, 9, "server_error", first_ms=0, minutes_ago=26 * 60)
    gpt = row(told(client), "models", "gpt-4")
    assert gpt["successPercent"] == 85.7
    assert (gpt["firstTokenP50Ms"], gpt["firstTokenP95Ms"]) == (300, 5000)
    assert sum(hour["answered"] for hour in gpt["hours"]) == 6
    assert sum(hour["failed"] for hour in gpt["hours"]) == 1
    assert row(told(client), "providers", "openrouter")["successPercent"] == 85.7


def test_an_open_breaker_shows_the_model_failing_and_since_when(client, catalogue, ai):
    target = ("openrouter openai/gpt-4", "timeout")
    for number in range(5):
        guard()._count(Failure(*target, "", 1, str(number)), "slow")
    body = told(client)
    gpt = row(body, "models", "gpt-4")
    assert (body["status"], gpt["state"]) == ("degraded", "failing")
    assert gpt["reason"] == "it does not answer in time"
    assert gpt["since"] == Outage.objects.get().began_at.isoformat().replace("+00:00", "Z")
    assert row(body, "models", "gpt-4-turbo")["state"] == "working"
    page = client.get("/status/").content.decode()
    assert "Some of it is failing" in page


def test_slow_models_and_models_that_keep_failing_are_told(client, catalogue, ai, run):
    for number in range(1, 4):
        attempt(run, number, first_ms=12_000)
    for number in range(4, 9):
        attempt(run, number, "unavailable", first_ms=0, slug="claude-3-opus")
    body = told(client)
    assert row(body, "models", "gpt-4")["state"] == "slow"
    opus = row(body, "models", "claude-3-opus")
    assert (opus["state"], opus["reason"]) == ("failing", "most of its latest answers failed")


def test_a_refused_account_is_told_without_its_insides(client, catalogue, ai):
    Provider.objects.filter(slug="qwen").update(
        outage_since=timezone.now(), outage_code="payment_required"
    )
    Route.objects.filter(model__slug="qwen-turbo").exclude(provider__slug="qwen").delete()
    body = told(client)
    qwen = row(body, "providers", "qwen")
    assert qwen["state"] == "failing"
    assert qwen["reason"] == "it does not serve us at the moment; our staff know"
    assert row(body, "models", "qwen-turbo")["state"] == "failing"
    for words in (json.dumps(body), client.get("/status/").content.decode()):
        assert "payment_required" not in words
        assert "127.0.0.1" not in words
        assert "API_KEY" not in words


def test_the_page_speaks_chinese(client, catalogue, ai):
    page = client.get("/status/", headers={"accept-language": "zh-hans"}).content.decode()
    assert "一切正常" in page


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 50, None), ([7], 95, 7), ([1, 2, 3, 4], 50, 2), (list(range(1, 101)), 95, 95)],
)
def test_percentiles_are_by_nearest_rank(values, percent, expected):
    assert percentile(values, percent) == expected


def test_probes_are_kept_eight_days_and_those_that_fail_say_why(catalogue, ai, settings):
    settings.PROVIDER_BASE_URLS = settings.PROVIDER_BASE_URLS | {
        "QWEN_BASE_URL": "http://127.0.0.1:9"
    }
    Probe.objects.create(
        provider_slug="qwen", at=timezone.now() - timedelta(days=9), ok=True, latency_ms=1
    )
    assert probes.providers_probe() == {"openrouter": "ok", "qwen": "connect_failed"}
    assert [(p.provider_slug, p.ok, p.code) for p in Probe.objects.order_by("pk")] == [
        ("openrouter", True, ""),
        ("qwen", False, "connect_failed"),
    ]


def test_two_failed_probes_show_the_provider_failing(client, catalogue, ai, settings):
    settings.PROVIDER_BASE_URLS = settings.PROVIDER_BASE_URLS | {
        "QWEN_BASE_URL": "http://127.0.0.1:9"
    }
    probes.providers_probe()
    assert row(told(client), "providers", "qwen")["state"] == "working"
    probes.providers_probe()
    qwen = row(told(client), "providers", "qwen")
    assert (qwen["state"], qwen["reason"]) == ("failing", "it can not be reached")


@pytest.mark.parametrize(
    ("code", "minutes", "back"),
    [("unauthorized", 0, True), ("payment_required", 5, False), ("payment_required", 11, True)],
)
def test_a_probe_puts_a_provider_back(catalogue, ai, code, minutes, back):
    since = timezone.now() - timedelta(minutes=minutes)
    Provider.objects.filter(slug="openrouter").update(outage_since=since, outage_code=code)
    Outage.objects.create(provider_slug="openrouter", code=code, began_at=since)
    probes.providers_probe()
    assert (Provider.objects.get(slug="openrouter").outage_since is None) is back
    assert (Outage.objects.get().ended_at is not None) is back
    # Nobody had told staff: the probe does.
    assert StaffAlert.objects.get().key == "provider-out:openrouter"


def test_an_outage_that_nothing_stands_behind_is_ended(catalogue, ai):
    Outage.objects.create(
        provider_slug="openrouter",
        provider_model_id="openai/gpt-4",
        code="timeout",
        began_at=timezone.now() - timedelta(hours=1),
    )
    probes.providers_probe()
    assert Outage.objects.get().ended_at is not None


@pytest.mark.parametrize("name", ["run", "attempt", "outage", "probe"])
def test_staff_read_runs_attempts_outages_and_probes_and_change_none(client, run, name):
    attempt(run, 1)
    Outage.objects.create(provider_slug="qwen", code="timeout", began_at=timezone.now())
    Probe.objects.create(provider_slug="qwen", at=timezone.now(), ok=True, latency_ms=3)
    staff = User.objects.create_superuser("staff@example.com", "correct horse 42")
    client.force_login(staff)
    listed = client.get(reverse(f"admin:builder_{name}_changelist"), {"q": str(run.pk)})
    assert listed.status_code == 200
    model = {"run": Run, "attempt": Attempt, "outage": Outage, "probe": Probe}[name]
    detail = reverse(f"admin:builder_{name}_change", args=[model._default_manager.get().pk])
    assert client.get(detail).status_code == 200
    assert client.post(detail, {}).status_code == 403
    assert client.get(reverse(f"admin:builder_{name}_add")).status_code == 403
