"""Odd bodies and addresses: a clear refusal, nothing written, never a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from billing.models import Hold
from builder.models import Run, Site, Version
from models_catalog.models import AIModel
from tests.api.conftest import Call, assert_problem

pytestmark = pytest.mark.django_db
GOOD = {"prompt": "A bakery", "model": "claude-3-haiku"}


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Site, Version, Run, Hold))


@pytest.fixture
def runs_url(site: Site, catalogue: None) -> str:
    return f"/api/sites/{site.pk}/runs"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"[" * 200_000, 400),
        (b'{"prompt":' + b"1" * 6_000 + b"}", 400),
        (b'{"prompt":"\xff","model":"claude-3-haiku"}', 400),
        (b'{"prompt":NaN,"model":"claude-3-haiku"}', 422),
        (rb'{"prompt":"a\u0000","model":"claude-3-haiku"}', 422),
        (rb'{"prompt":"\ud800","model":"claude-3-haiku"}', 422),
        (rb'{"prompt":"a","model":"claude\u0000"}', 422),
        (rb'{"prompt":"a","model":"claude-3-haiku","\ud800":1}', 422),
        (b'{"prompt":1,"model":"claude-3-haiku"}', 422),
        (b'{"prompt":"a","model":["claude-3-haiku"]}', 422),
        (b'{"prompt":"a","model":"claude-3-haiku","allowFallback":"yes"}', 422),
        (b'{"prompt":"a","model":"claude-3-haiku","unknown":1}', 422),
        (b'{"prompt":"  ","model":"claude-3-haiku"}', 422),
        (b'{"model":"claude-3-haiku"}', 422),
        (json.dumps({**GOOD, "prompt": "x" * 40_000}).encode(), 413),
        (json.dumps({**GOOD, "prompt": "x" * 3_000_000}).encode(), 413),
        (b'{"prompt":"a","model":"no-such-model"}', 404),
    ],
)
def test_an_odd_body_is_refused_and_nothing_is_written(
    api: Call, runs_url: str, body: bytes, status: int
) -> None:
    before = counts()
    assert_problem(api("post", runs_url, body), status)
    assert counts() == before


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; a=b"]
)
def test_a_body_of_another_type_is_refused(api: Call, runs_url: str, content_type: str) -> None:
    answer = api("post", runs_url, GOOD, content_type=content_type)
    assert_problem(answer, 415, "unsupported_media_type")
    assert Run.objects.count() == 0


@pytest.mark.parametrize("key", ["a\x00b", "x" * 121])
def test_an_odd_idempotency_key_is_refused(api: Call, runs_url: str, key: str) -> None:
    assert_problem(api("post", runs_url, GOOD, headers={"Idempotency-Key": key}), 422)
    assert Run.objects.count() == 0


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options", "trace"])
def test_a_wrong_method_is_told_in_the_apis_form(api: Call, runs_url: str, method: str) -> None:
    answer = api(method, runs_url)
    assert_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "POST"}


def test_a_wrong_method_on_the_stream_is_told_too(api: Call, run: Run) -> None:
    assert_problem(api("post", f"/api/runs/{run.pk}/events"), 405)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/sites/not-a-uuid", 404),
        ("/api/runs/1", 404),
        ("/api/nothing", 404),
        ("/api/sites/{site}/versions/99999999999999999999", 404),
        ("/api/sites/{site}/versions/-1", 404),
        ("/api/sites/{site}/versions/0", 404),
        ("/api/sites/{site}/versions?before=0", 422),
        ("/api/sites/{site}/versions?before=x%00", 422),
        ("/api/sites/{site}/versions/1/files/a%00b", 404),
        ("/api/sites/{site}/versions/1/files/..%2F..%2Fmanage.py", 404),
        ("/api/runs/{run}/events?after=-1", 422),
        ("/api/runs/{run}/events?after=%D9%A3", 422),
        ("/api/runs/{run}/events?after=99999999999", 422),
    ],
)
def test_a_bad_address_is_a_plain_refusal(
    api: Call, site: Site, run: Run, version: Version, path: str, status: int
) -> None:
    assert_problem(api("get", path.format(site=site.pk, run=run.pk)), status)


def test_a_session_without_its_csrf_token_is_refused_in_the_apis_form(
    alice: Any, runs_url: str
) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(alice)
    for path in (runs_url, "/api/nothing", f"{runs_url}/"):
        answer = client.post(path, GOOD, content_type="application/json")
        assert_problem(answer, 403, "forbidden")
    assert Run.objects.count() == 0


def test_a_crash_is_told_without_its_insides(api: Call, monkeypatch: Any) -> None:
    def crash(*_arguments: Any) -> None:
        raise RuntimeError("secret insides")

    monkeypatch.setattr("accounts.middleware.session_seen", crash)
    body = assert_problem(api("get", "/api/me"), 500, "internal_error")
    assert "secret" not in json.dumps(body)


def test_a_model_that_is_switched_off_is_a_conflict(api: Call, runs_url: str) -> None:
    AIModel.objects.filter(slug="claude-3-haiku").update(enabled=False, disabled_reason="resting")
    body = assert_problem(api("post", runs_url, GOOD), 409, "model_unavailable")
    assert "resting" in body["detail"]


def test_the_same_key_gives_the_same_run_and_another_body_a_conflict(
    api: Call, runs_url: str
) -> None:
    key = {"headers": {"Idempotency-Key": "k1"}}
    first = api("post", runs_url, GOOD, **key)
    assert first.status_code == 202
    again = api("post", runs_url, GOOD, **key)
    assert again.json()["run"]["id"] == first.json()["run"]["id"]
    other = api("post", runs_url, {**GOOD, "prompt": "A school"}, **key)
    assert_problem(other, 409, "idempotency_key_reused")
    assert Run.objects.count() == 1


def test_being_short_of_tokens_says_what_it_takes_and_where_to_get_more(
    api: Call, runs_url: str
) -> None:
    assert api("post", runs_url, GOOD).status_code == 202
    body = assert_problem(
        api("post", runs_url, {**GOOD, "model": "claude-3-opus"}), 402, "insufficient_tokens"
    )
    assert body["required"] > body["available"] >= 0
    assert body["upgradeUrl"] == "/pricing/"
    assert isinstance(body["affordableModels"], list)
    assert Run.objects.count() == 1
