"""Whatever is sent to /_allauth/, the answer is a clear refusal and never a crash."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User

CALLS = [
    ("POST", "auth/signup"),
    ("POST", "auth/login"),
    ("POST", "auth/code/request"),
    ("POST", "auth/code/confirm"),
    ("POST", "auth/reauthenticate"),
    ("POST", "auth/email/verify"),
    ("POST", "auth/password/request"),
    ("POST", "auth/password/reset"),
    ("POST", "auth/2fa/authenticate"),
    ("POST", "auth/webauthn/login"),
    ("POST", "auth/provider/token"),
    ("POST", "auth/provider/signup"),
    ("POST", "tokens/refresh"),
    ("POST", "account/email"),
    ("POST", "account/password/change"),
    ("DELETE", "auth/session"),
    ("DELETE", "auth/sessions"),
]
NASTY = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"email": ' + b"9" * 5_000 + b"}",
    b'{"email": NaN, "password": Infinity}',
    b'{"email": "a\\u0000@example.com", "password": "a\\u0000b"}',
    b'{"email": "\\ud800@example.com", "password": "\\udfff"}',
    b'{"email": ["a@example.com"], "password": {"a": 1}, "code": [], "key": {}}',
    b'{"email": true, "password": null, "refresh_token": 1e400, "credential": "x"}',
    b'{"credential": {"id": 1, "response": []}, "provider": "google", "token": {}}',
    b'{"credential": {"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}}',
    *(
        b'{"credential": {"id": "AA", "rawId": "AA", "type": "public-key", "response": {'
        + inner
        + b"}}}"
        for inner in (
            b'"clientDataJSON": "AA", "attestationObject": "AA"',
            b'"clientDataJSON": "e30", "attestationObject": "oA"',
            b'"clientDataJSON": "AA", "authenticatorData": "AA", "signature": "AA"',
            b'"clientDataJSON": "e30", "authenticatorData": "", "signature": 7',
        )
    ),
    b'{"email": "' + b"a" * 200_000 + b'@example.com", "password": "' + b"b" * 200_000 + b'"}',
    b'{"refresh_token": "a.b.c", "key": "\\ud83d\\ude00", "code": "\\u202e"}',
]

pytestmark = pytest.mark.django_db


def send(client_kind: str, method: str, call: str, body: bytes) -> int:
    client = Client()
    response = client.generic(
        method,
        f"/_allauth/{client_kind}/v1/{call}",
        data=body,
        content_type="application/json",
        headers={"X-Session-Token": "\u00ff\u00fe", "X-Email-Verification-Key": "\u00ff"},
    )
    return response.status_code


@pytest.mark.parametrize("client_kind", ["app", "browser"])
@pytest.mark.parametrize(("method", "call"), CALLS)
def test_a_malformed_body_is_refused(client_kind, method, call):
    for body in NASTY:
        status = send(client_kind, method, call, body)
        # Nothing to do is allauth's answer to a reset for an address it does not know.
        assert 400 <= status < 500, (body[:80], status)
    assert not User.objects.exists()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = ["email", "password", "code", "key", "username", "provider", "token", "refresh_token"]


@given(
    call=st.sampled_from([call for method, call in CALLS if method == "POST"]),
    body=st.dictionaries(st.sampled_from(FIELDS), values, max_size=4),
)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_odd_values_are_refused(call, body):
    status = send("app", "POST", call, json.dumps(body).encode())
    assert status < 500
    assert not User.objects.exists()


def test_a_refusal_says_what_is_wrong():
    response = Client().post(
        "/_allauth/app/v1/auth/login", data="{", content_type="application/json"
    )
    assert response.status_code == 400
    assert response.json() == {
        "status": 400,
        "errors": [
            {
                "code": "invalid_json",
                "message": "The body could not be read as JSON. Nothing was done.",
            }
        ],
    }


def test_a_body_beyond_the_limit_is_refused():
    body = b'{"email": "' + b"a" * 3_000_000 + b'"}'
    assert send("app", "POST", "auth/login", body) in (400, 413)


@pytest.mark.parametrize("credential", ["", "{", "null", "[]", '{"id": 1}', '{"response": {}}'])
def test_a_page_refuses_what_is_no_passkey(client, credential):
    response = client.post("/accounts/2fa/webauthn/login/", {"credential": credential})
    assert response.status_code == 400
