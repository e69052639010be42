"""People, and two ways to call the API: Django's test client, and real HTTP over loopback."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.core.cache import cache
from django.test import Client

from accounts.models import User

PASSWORD = "correct horse battery"
APP = "/_allauth/app/v1"


@pytest.fixture(autouse=True)
def plain_surroundings(settings):
    """A cache that forgets between tests, and addresses that need not be verified."""
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "acc"}
    }
    settings.SITES_DOMAIN = "sites.example"
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = False
    cache.clear()


@pytest.fixture
def mandatory(settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True


@pytest.fixture
def alice(db) -> User:
    return User.objects.create_user("alice@example.com", PASSWORD)


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]
    content_type: str


Call = Callable[..., Answer]


def _by_client() -> Call:
    # Without enforced CSRF checks a session cookie could do what only a token should.
    client = Client(enforce_csrf_checks=True)

    def call(method: str, path: str, *, json: Any = None, **headers: str) -> Answer:
        client.cookies.clear()
        response = client.generic(
            method,
            path,
            data=b"" if json is None else jsonlib.dumps(json).encode(),
            content_type="application/json",
            headers=headers,
        )
        body = jsonlib.loads(response.content or b"{}")
        return Answer(response.status_code, body, response.headers.get("Content-Type", ""))

    return call


def _over_http(url: str) -> Call:
    def call(method: str, path: str, *, json: Any = None, **headers: str) -> Answer:
        response = requests.request(method, url + path, json=json, headers=headers, timeout=20)
        body = response.json() if response.content else {}
        return Answer(response.status_code, body, response.headers.get("Content-Type", ""))

    return call


@pytest.fixture(
    params=[
        pytest.param("test client", marks=pytest.mark.django_db),
        # The server's threads only see what is committed.
        pytest.param("real HTTP", marks=pytest.mark.django_db(transaction=True)),
    ]
)
def call(request) -> Call:
    """`call(method, path, json=…, Header=…)`, without cookies, as an app would."""
    if request.param == "real HTTP":
        return _over_http(request.getfixturevalue("live_server").url)
    return _by_client()


@pytest.fixture
def client_call(db) -> Call:
    return _by_client()
