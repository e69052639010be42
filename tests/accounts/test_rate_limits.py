"""Guessing is slowed down, and people are told so plainly."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import User
from tests.accounts.conftest import APP, PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def limits(settings):
    """allauth's own limits, which other tests have off."""
    settings.ACCOUNT_RATE_LIMITS = {}


def log_in(call, email: str, password: str):
    return call("POST", f"{APP}/auth/login", json={"email": email, "password": password})


def test_after_five_wrong_passwords_even_the_right_one_waits(client_call, alice):
    codes = [log_in(client_call, alice.email, "wrong one").body["errors"][0] for _try in range(5)]
    assert {error["code"] for error in codes} == {"email_password_mismatch"}
    answer = log_in(client_call, alice.email, PASSWORD)
    assert answer.status == 400
    assert answer.body["errors"][0]["code"] == "too_many_login_attempts"
    assert "Too many failed login attempts" in answer.body["errors"][0]["message"]
    # Someone else at the same address is not locked out with her.
    User.objects.create_user("bob@example.com", PASSWORD)
    assert log_in(client_call, "bob@example.com", PASSWORD).status == 200


def test_the_login_page_says_it_too(client, alice):
    url = reverse("account_login")
    for _try in range(5):
        client.post(url, {"login": alice.email, "password": "wrong one"})
    response = client.post(url, {"login": alice.email, "password": PASSWORD})
    assert "Too many failed login attempts" in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_the_admins_door_has_the_same_limit(client, alice):
    User.objects.update(is_staff=True, is_superuser=True)
    url = client.get("/admin/login/?next=/admin/").url
    for _try in range(5):
        client.post(url, {"login": alice.email, "password": "wrong one"})
    client.post(url, {"login": alice.email, "password": PASSWORD})
    assert client.get("/admin/").status_code == 302


def test_the_twenty_first_sign_up_in_a_minute_is_a_429(client_call, client):
    for number in range(20):
        body = {"email": f"user{number}@example.com", "password": PASSWORD}
        assert client_call("POST", f"{APP}/auth/signup", json=body).status == 200
    body = {"email": "one.more@example.com", "password": PASSWORD}
    answer = client_call("POST", f"{APP}/auth/signup", json=body)
    assert (answer.status, answer.body["status"]) == (429, 429)
    page = client.post(
        reverse("account_signup"), {"email": "one.more@example.com", "password1": PASSWORD}
    )
    assert page.status_code == 429
    text = page.content.decode().lower()
    assert "too many" in text or "too often" in text
    assert "Traceback" not in text
    assert User.objects.count() == 20
