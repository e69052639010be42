"""Two people, a site with a version and a run, and callers of the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.models import Hold
from billing.services.holds import hold_create
from builder.models import Run, Site, Version
from builder.services.sites import site_create
from builder.services.versions import version_create
from emulators.ai.testing import EmulatorClient, emulator
from tests.catalogue import catalogue_seed

Call = Callable[..., Any]
PASSWORD = "correct-horse-battery-7"


@pytest.fixture(autouse=True)
def sites_apart(settings: Any) -> None:
    settings.SITES_DOMAIN = "sites.example"


@pytest.fixture(scope="session")
def ai_server():
    with emulator(pace=0) as client:
        yield client


@pytest.fixture
def catalogue(db: None, ai_server: EmulatorClient, settings: Any, monkeypatch: Any) -> None:
    """Models that can be chosen. Rings are not heard: no worker takes a run."""
    settings.AI_EMULATOR_URL = ai_server.url
    monkeypatch.setattr("builder.services.runs.run_execute.apply_async", lambda **_options: None)
    catalogue_seed()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", PASSWORD)


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com", PASSWORD)


@pytest.fixture
def site(alice: User) -> Site:
    return site_create(owner=alice, name="Bakery")


@pytest.fixture
def version(site: Site) -> Version:
    return version_create(site=site, files={"index.html": "<h1>Brot</h1>"}, origin="edit")


@pytest.fixture
def run(alice: User, site: Site, catalogue: None) -> Run:
    """A run that stopped before anything came, so that no caller waits for its stream."""
    now = timezone.now()
    hold: Hold = hold_create(
        user_id=alice.pk, key="run:x", at_least=1, at_most=10, expires_at=now + timedelta(days=1)
    )
    return Run.objects.create(
        owner=alice,
        site=site,
        hold=hold,
        idempotency_key="x",
        request_digest="",
        prompt="A bakery",
        model_slug="claude-3-haiku",
        token_cost=3,
        billing_unit="per_token",
        input_weight="0.2",
        estimate_low=1,
        estimate_high=2,
        ceiling=10,
        max_output_tokens=3,
        dispatched_at=now,
        state=Run.State.CANCELLED,
        charged=0,
        finished_at=now,
    )


def caller(user: User | None) -> Call:
    """`call("post", "/api/sites", {"name": "Bakery"})`; bytes are sent as they are."""
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)

    def call(method: str, path: str, body: Any = None, **options: Any) -> Any:
        options.setdefault("content_type", "application/json")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        return client.generic(method.upper(), path, data, **options)

    return call


@pytest.fixture
def api(alice: User) -> Call:
    return caller(alice)


def assert_problem(response: Any, status: int, code: str | None = None) -> dict[str, Any]:
    """An application/problem+json of this status, with all its members; the body."""
    assert response.status_code == status, response.content[:500]
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(response.content)
    assert {"type", "title", "status", "code", "detail"} <= set(body)
    assert body["status"] == status
    assert body["detail"]
    if code is not None:
        assert body["code"] == code
    return body
