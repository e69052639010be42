"""A token that was good a moment ago is refused at once, on the API and on the stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from builder.models import Run
from tests.api.conftest import PASSWORD, assert_problem

pytestmark = pytest.mark.django_db(transaction=True)
APP = "/_allauth/app/v1"


def log_in(email: str) -> dict[str, str]:
    answer = Client().post(
        f"{APP}/auth/login", {"email": email, "password": PASSWORD}, content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    meta: dict[str, str] = json.loads(answer.content)["meta"]
    return meta


def answers(run: Run, tokens: dict[str, str]) -> list[Any]:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    paths = ("/api/me", f"/api/runs/{run.pk}", f"/api/runs/{run.pk}/events")
    return [Client().get(path, headers=headers) for path in paths]


@pytest.fixture
def tokens(run: Run, alice: User, settings: Any) -> dict[str, str]:
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = False
    given = log_in(alice.email)
    assert [answer.status_code for answer in answers(run, given)] == [200, 200, 200]
    return given


def test_after_logout_the_token_is_refused_at_once(run: Run, tokens: dict[str, str]) -> None:
    gone = Client().delete(
        f"{APP}/auth/session", headers={"X-Session-Token": tokens["session_token"]}
    )
    assert gone.status_code == 401  # allauth's way of saying that nobody is signed in now
    for answer in answers(run, tokens):
        assert_problem(answer, 401, "unauthenticated")


def test_a_deactivated_persons_token_is_refused_at_once(
    run: Run, alice: User, tokens: dict[str, str]
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    for answer in answers(run, tokens):
        assert_problem(answer, 401, "unauthenticated")


def test_a_deactivated_persons_session_is_refused_at_once(run: Run, alice: User) -> None:
    client = Client()
    client.force_login(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    for path in ("/api/me", f"/api/runs/{run.pk}", f"/api/runs/{run.pk}/events"):
        assert_problem(client.get(path), 401, "unauthenticated")
