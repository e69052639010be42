"""The second factor: an authenticator app enrolled and used through the pages and the API."""

from __future__ import annotations

import datetime as dt
import time

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.urls import reverse

from tests.accounts.conftest import APP, PASSWORD

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def verified(alice):
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    return alice


def code_of(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238, 30 s)."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def log_in(client, **extra: str):
    return client.post(
        reverse("account_login"), {"login": "alice@example.com", "password": PASSWORD, **extra}
    )


def say_password_again(client) -> None:
    """What the security pages ask for before they show anything."""
    assert client.get(reverse("mfa_index")).status_code in (200, 302)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


def enrol(client) -> str:
    """Adds an authenticator app through the pages; its secret."""
    say_password_again(client)
    page = client.get(reverse("mfa_activate_totp"))
    assert page.status_code == 200
    secret = str(page.context["form"].secret)
    assert secret in page.content.decode()
    response = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert response.status_code == 302
    return secret


def test_enrolling_and_logging_in_with_an_authenticator_app(client, verified, clock):
    log_in(client)
    secret = enrol(client)
    assert Authenticator.objects.filter(type=Authenticator.Type.TOTP).count() == 1
    assert Authenticator.objects.filter(type=Authenticator.Type.RECOVERY_CODES).count() == 1
    client.post(reverse("account_logout"))
    clock.shift(60)

    response = log_in(client)
    assert (response.status_code, response.url) == (302, reverse("mfa_authenticate"))
    assert "_auth_user_id" not in client.session
    assert client.get("/dashboard/").status_code == 302

    good = code_of(secret)
    wrong = f"{(int(good) + 1) % 1_000_000:06d}"
    client.post(reverse("mfa_authenticate"), {"code": wrong})
    assert "_auth_user_id" not in client.session
    response = client.post(reverse("mfa_authenticate"), {"code": good})
    assert (response.status_code, response.url) == (302, "/dashboard/")
    assert client.session["_auth_user_id"] == str(verified.pk)


def test_a_code_works_once(client, verified, clock):
    log_in(client)
    secret = enrol(client)
    client.post(reverse("account_logout"))
    clock.shift(60)
    for signed_in in (True, False):
        log_in(client)
        client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
        assert ("_auth_user_id" in client.session) is signed_in
        client.cookies.clear()


def test_a_recovery_code_works_once(client, verified, clock):
    log_in(client)
    enrol(client)
    codes = Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES).wrap()
    code = codes.get_unused_codes()[0]
    client.post(reverse("account_logout"))
    for signed_in in (True, False):
        log_in(client)
        client.post(reverse("mfa_authenticate"), {"code": code})
        assert ("_auth_user_id" in client.session) is signed_in
        client.cookies.clear()


def test_enrolling_needs_the_right_code(client, verified, clock):
    log_in(client)
    say_password_again(client)
    page = client.get(reverse("mfa_activate_totp"))
    good = code_of(page.context["form"].secret)
    response = client.post(
        reverse("mfa_activate_totp"), {"code": f"{(int(good) + 1) % 1_000_000:06d}"}
    )
    assert response.status_code != 302
    assert not Authenticator.objects.exists()


def test_an_unverified_address_can_not_be_locked_in(client, alice):
    # Else whoever signs up with someone's address could keep its owner out for good.
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=False)
    log_in(client)
    say_password_again(client)
    page = client.get(reverse("mfa_activate_totp"))
    if page.context and "form" in page.context:
        code = code_of(page.context["form"].secret)
        client.post(reverse("mfa_activate_totp"), {"code": code})
    assert not Authenticator.objects.exists()


def test_the_api_gives_no_token_before_the_second_factor(client, client_call, verified, clock):
    log_in(client)
    secret = enrol(client)
    clock.shift(60)
    credentials = {"email": verified.email, "password": PASSWORD}
    first = client_call("POST", f"{APP}/auth/login", json=credentials)
    assert first.status == 401
    assert "access_token" not in first.body["meta"]
    [flow] = [flow for flow in first.body["data"]["flows"] if flow.get("is_pending")]
    assert (flow["id"], flow["types"]) == ("mfa_authenticate", ["recovery_codes", "totp"])
    proof = {"X-Session-Token": first.body["meta"]["session_token"]}
    second = client_call(
        "POST", f"{APP}/auth/2fa/authenticate", json={"code": code_of(secret)}, **proof
    )
    assert second.status == 200
    token = second.body["meta"]["access_token"]
    assert client_call("GET", "/api/me", Authorization=f"Bearer {token}").status == 200


def test_passkeys_are_offered_for_login_and_as_second_factor(client, verified):
    config = client.get("/_allauth/browser/v1/config").json()["data"]["mfa"]
    assert set(config["supported_types"]) == {"totp", "webauthn", "recovery_codes"}
    assert config["passkey_login_enabled"] is True
    options = client.get("/_allauth/browser/v1/auth/webauthn/login").json()["data"]
    challenge = options["request_options"]["publicKey"]
    assert challenge["rpId"] == "testserver"
    assert challenge["userVerification"] == "required"
    log_in(client)
    say_password_again(client)
    assert client.get(reverse("mfa_add_webauthn")).status_code == 200


def test_the_security_pages_ask_for_the_password_again(client, verified):
    log_in(client)
    response = client.get(reverse("mfa_activate_totp"))
    assert response.status_code == 302
    assert response.url.startswith(reverse("account_reauthenticate"))
