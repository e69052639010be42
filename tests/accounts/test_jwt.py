"""Access tokens of the API: given at sign-up and login, refused the moment they should be."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.contrib.sessions.models import Session

from accounts.models import User
from tests.accounts.conftest import APP, PASSWORD, Answer, Call

CREDENTIALS = {"email": "alice@example.com", "password": PASSWORD}


def sign_up(call: Call) -> dict[str, Any]:
    answer = call("POST", f"{APP}/auth/signup", json=CREDENTIALS)
    assert answer.status == 200
    meta: dict[str, Any] = answer.body["meta"]
    return meta


def me(call: Call, access_token: str) -> Answer:
    return call("GET", "/api/me", Authorization=f"Bearer {access_token}")


def refresh(call: Call, refresh_token: str) -> Answer:
    return call("POST", f"{APP}/tokens/refresh", json={"refresh_token": refresh_token})


def assert_refused(answer: Answer) -> None:
    assert answer.status == 401
    assert answer.content_type.startswith("application/problem+json")
    assert answer.body["code"] == "unauthenticated"
    assert "user" not in answer.body


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, settings.JWT_SECRET, algorithms=["HS256"])


def signed(claims: dict[str, Any], key: str = "", algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key or settings.JWT_SECRET, algorithm=algorithm)


def test_sign_up_gives_a_token_that_the_api_takes(call):
    answer = me(call, sign_up(call)["access_token"])
    assert answer.status == 200
    user = User.objects.get()
    assert (answer.body["user"]["id"], answer.body["user"]["email"]) == (user.pk, user.email)


def test_login_gives_a_token_that_the_api_takes(call):
    sign_up(call)
    answer = call("POST", f"{APP}/auth/login", json=CREDENTIALS)
    assert answer.status == 200
    assert me(call, answer.body["meta"]["access_token"]).status == 200


def test_without_a_token_the_api_says_how_to_sign_in(call):
    answer = call("GET", "/api/me")
    assert_refused(answer)
    assert "Bearer" in answer.body["detail"]


def test_tokens_are_hs256_signed_with_the_jwt_secret_and_short_lived(call):
    tokens = sign_up(call)
    for name, use, seconds in (
        ("access_token", "access", 300),
        ("refresh_token", "refresh", 86_400),
    ):
        assert jwt.get_unverified_header(tokens[name])["alg"] == "HS256"
        claims = claims_of(tokens[name])
        assert claims["token_use"] == use
        assert claims["exp"] - claims["iat"] == seconds


def test_no_token_tells_what_the_session_key_is(call):
    tokens = sign_up(call)
    for name in ("access_token", "refresh_token"):
        assert tokens["session_token"] not in json.dumps(claims_of(tokens[name]))


def test_refresh_rotates_and_the_old_one_is_refused(call):
    first = sign_up(call)
    second = refresh(call, first["refresh_token"])
    assert second.status == 200
    assert second.body["data"]["refresh_token"] != first["refresh_token"]
    assert me(call, second.body["data"]["access_token"]).status == 200

    reused = refresh(call, first["refresh_token"])
    assert reused.status == 400
    assert "data" not in reused.body
    third = refresh(call, second.body["data"]["refresh_token"])
    assert third.status == 200


def test_each_token_is_only_good_for_its_own_use(call):
    tokens = sign_up(call)
    assert_refused(me(call, tokens["refresh_token"]))
    assert refresh(call, tokens["access_token"]).status == 400


@pytest.mark.parametrize("by", ["session token", "access token"])
def test_log_out_ends_the_tokens_at_once(call, by):
    tokens = sign_up(call)
    proof = (
        {"X-Session-Token": tokens["session_token"]}
        if by == "session token"
        else {"Authorization": f"Bearer {tokens['access_token']}"}
    )
    answer = call("DELETE", f"{APP}/auth/session", **proof)
    assert answer.status == 401
    assert answer.body["meta"]["is_authenticated"] is False
    assert_refused(me(call, tokens["access_token"]))
    assert refresh(call, tokens["refresh_token"]).status == 400


def test_logging_out_leaves_the_other_device_signed_in(call):
    phone = sign_up(call)
    laptop = call("POST", f"{APP}/auth/login", json=CREDENTIALS).body["meta"]
    call("DELETE", f"{APP}/auth/session", **{"X-Session-Token": phone["session_token"]})
    assert_refused(me(call, phone["access_token"]))
    assert me(call, laptop["access_token"]).status == 200


def test_a_disabled_person_is_refused_at_once(call):
    tokens = sign_up(call)
    User.objects.update(is_active=False)
    assert_refused(me(call, tokens["access_token"]))
    assert refresh(call, tokens["refresh_token"]).status == 400
    assert call("POST", f"{APP}/auth/login", json=CREDENTIALS).status in (400, 401)


def test_a_new_password_ends_older_tokens(call):
    tokens = sign_up(call)
    user = User.objects.get()
    user.set_password("another long phrase")
    user.save()
    assert_refused(me(call, tokens["access_token"]))


def test_a_token_whose_session_is_gone_is_refused(call):
    tokens = sign_up(call)
    assert me(call, tokens["access_token"]).status == 200
    Session.objects.all().delete()
    assert_refused(me(call, tokens["access_token"]))


def test_a_token_can_not_be_used_for_someone_else(call):
    tokens = sign_up(call)
    bob = User.objects.create_user("bob@example.com", PASSWORD)
    claims = claims_of(tokens["access_token"]) | {"sub": str(bob.pk)}
    # Even rightly signed, the session named in it is Alice's.
    assert_refused(me(call, signed(claims)))


def test_an_expired_token_is_refused(call):
    claims = claims_of(sign_up(call)["access_token"])
    now = int(time.time())
    assert_refused(me(call, signed(claims | {"iat": now - 400, "exp": now - 100})))
    assert me(call, signed(claims | {"exp": now + 100})).status == 200


def test_a_forged_token_is_refused(call):
    token = sign_up(call)["access_token"]
    claims = claims_of(token)
    head, body, signature = token.split(".")
    no_algorithm = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    altered = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "2"}).encode()).rstrip(b"=")
    forged = [
        f"{head}.{altered.decode()}.{signature}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}.",
        f"{no_algorithm}.{body}.",
        f"{no_algorithm}.{body}.{signature}",
        jwt.encode(claims, "", algorithm="none"),
        signed(claims, key="x" * 64),
        signed(claims, key=settings.SECRET_KEY),
        signed(claims, algorithm="HS512"),
        signed({key: value for key, value in claims.items() if key != "sid"}),
        signed(claims | {"sid": "AAAA"}),
        signed(claims | {"sid": 7}),
    ]
    for one in forged:
        assert_refused(me(call, one))
    assert me(call, token).status == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer x.y.z", "Bearer " + "A" * 4000]
)
def test_an_odd_authorization_header_is_refused(call, header):
    assert_refused(call("GET", "/api/me", Authorization=header))


def test_the_token_can_also_write_without_a_csrf_token(call):
    token = sign_up(call)["access_token"]
    answer = call("POST", "/api/sites", json={"name": "Bakery"}, Authorization=f"Bearer {token}")
    assert answer.status == 201
