"""Sign-up, verification of the address, and what strangers can learn from the answers."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import User
from tests.accounts.conftest import APP, PASSWORD


def sign_up(call, email: str):
    return call("POST", f"{APP}/auth/signup", json={"email": email, "password": PASSWORD})


def code_in(message: str) -> str:
    found = re.search(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", message, re.MULTILINE)
    assert found, message
    return found[1]


def test_where_verification_is_optional_one_is_signed_in_and_asked_to_verify(client_call):
    answer = sign_up(client_call, "alice@example.com")
    assert answer.status == 200
    assert answer.body["meta"]["access_token"]
    assert EmailAddress.objects.get().verified is False
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]


def test_where_it_is_mandatory_the_code_from_the_mail_is_needed(client_call, mandatory):
    answer = sign_up(client_call, "alice@example.com")
    assert answer.status == 401
    assert "access_token" not in answer.body["meta"]
    pending = [flow["id"] for flow in answer.body["data"]["flows"] if flow.get("is_pending")]
    assert pending == ["verify_email"]
    proof = {"X-Session-Token": answer.body["meta"]["session_token"]}

    wrong = client_call("POST", f"{APP}/auth/email/verify", json={"key": "AAAA-AAAA"}, **proof)
    assert wrong.status == 400
    code = code_in(str(mail.outbox[0].body))
    right = client_call("POST", f"{APP}/auth/email/verify", json={"key": code}, **proof)
    assert right.status == 200
    assert EmailAddress.objects.get().verified is True
    token = right.body["meta"]["access_token"]
    assert client_call("GET", "/api/me", Authorization=f"Bearer {token}").status == 200


def test_where_it_is_mandatory_an_unverified_person_can_not_log_in(client_call, mandatory, alice):
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=False)
    answer = client_call(
        "POST", f"{APP}/auth/login", json={"email": alice.email, "password": PASSWORD}
    )
    assert answer.status == 401
    assert "access_token" not in answer.body["meta"]


def test_signing_up_through_the_pages(client, db):
    response = client.post(
        reverse("account_signup"), {"email": "alice@example.com", "password1": PASSWORD}
    )
    assert (response.status_code, response.url) == (302, "/dashboard/")
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


def test_signing_up_through_the_pages_with_a_code(client, db, mandatory):
    response = client.post(
        reverse("account_signup"), {"email": "alice@example.com", "password1": PASSWORD}
    )
    assert response.status_code == 302
    assert "_auth_user_id" not in client.session
    response = client.post(response.url, {"code": code_in(str(mail.outbox[0].body))})
    assert (response.status_code, response.url) == (302, "/dashboard/")
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


def test_with_mandatory_verification_sign_up_does_not_tell_who_is_a_member(
    client_call, mandatory, alice
):
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    stranger = sign_up(client_call, "new@example.com")
    member = sign_up(client_call, alice.email.upper())
    assert (stranger.status, member.status) == (401, 401)
    assert stranger.body["data"] == member.body["data"]
    assert set(stranger.body["meta"]) == set(member.body["meta"])
    assert User.objects.count() == 2
    told = {message.to[0]: message.body for message in mail.outbox}
    assert set(told) == {"new@example.com", "alice@example.com"}
    assert "already" in told["alice@example.com"]


def test_with_mandatory_verification_the_sign_up_page_does_not_tell_either(
    client, client_call, mandatory, alice
):
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=True)
    pages = []
    for email in ("new@example.com", alice.email):
        client.cookies.clear()
        response = client.post(
            reverse("account_signup"), {"email": email, "password1": PASSWORD}, follow=True
        )
        text = response.content.decode().replace(email, "EMAIL")
        text = re.sub(r'(name="csrfmiddlewaretoken" value=")[^"]+', r"\1", text)
        pages.append((response.redirect_chain, response.status_code, text))
    assert pages[0] == pages[1]


def test_login_and_reset_do_not_tell_who_is_a_member(client_call, alice):
    answers = [
        client_call("POST", f"{APP}/auth/login", json={"email": email, "password": "wrong one"})
        for email in (alice.email, "nobody@example.com")
    ]
    assert answers[0] == answers[1]
    assert answers[0].status == 400
    resets = [
        client_call("POST", f"{APP}/auth/password/request", json={"email": email})
        for email in (alice.email, "nobody@example.com")
    ]
    assert resets[0].status == resets[1].status
    assert resets[0].body.get("data") == resets[1].body.get("data")


@pytest.mark.parametrize("email", ["ALICE@example.com", "Alice@Example.COM", "alice@EXAMPLE.com"])
def test_an_address_in_other_case_is_the_same_person(client_call, alice, email):
    assert sign_up(client_call, email).status in (400, 409)
    assert User.objects.count() == 1
    answer = client_call("POST", f"{APP}/auth/login", json={"email": email, "password": PASSWORD})
    assert answer.status == 200
    assert answer.body["data"]["user"]["email"] == "alice@example.com"


def test_a_new_address_is_kept_in_lower_case(client_call):
    assert sign_up(client_call, "Bob.Smith@Example.COM").status == 200
    assert User.objects.get().email == "bob.smith@example.com"


def test_the_database_refuses_the_same_address_in_other_case(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="ALICE@example.com")
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("password", "why"), [("short", "short"), ("password1", "common"), ("83917465", "numeric")]
)
def test_a_weak_password_is_refused_with_the_reason(client_call, password, why):
    answer = client_call(
        "POST", f"{APP}/auth/signup", json={"email": "a@example.com", "password": password}
    )
    assert answer.status == 400
    assert why in " ".join(error["message"] for error in answer.body["errors"])
    assert not User.objects.exists()
