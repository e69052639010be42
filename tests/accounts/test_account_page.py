"""The account page, and a person's language and time zone on every page."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone, translation

from accounts.middleware import preferences
from accounts.models import User
from accounts.services import preferences_update
from accounts.zones import zone_names, zone_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


def test_the_account_page_is_for_who_is_signed_in(client):
    response = client.get("/account/")
    assert (response.status_code, response.url) == (302, "/accounts/login/?next=/account/")


def test_the_page_leads_to_everything_about_signing_in(signed_in):
    text = signed_in.get("/account/").content.decode()
    for address in (
        "/accounts/email/",
        "/accounts/password/change/",
        "/accounts/2fa/",
        "/accounts/sessions/",
    ):
        assert f'href="{address}"' in text
        assert signed_in.get(address).status_code in (200, 302)


def test_language_and_zone_are_saved(signed_in, alice):
    response = signed_in.post("/account/", {"language": "zh-hans", "time_zone": "Asia/Shanghai"})
    assert (response.status_code, response.url) == (302, "/account/")
    alice.refresh_from_db()
    assert (alice.language, alice.time_zone) == ("zh-hans", "Asia/Shanghai")
    page = signed_in.get("/account/")
    assert page.headers["Content-Language"] == "zh-hans"
    assert '<html lang="zh-Hans"' in page.content.decode()


@pytest.mark.parametrize(
    ("language", "time_zone", "field"),
    [
        ("en", "Mars/Olympus", "time_zone"),
        ("en", "../../etc/passwd", "time_zone"),
        ("en", "", "time_zone"),
        ("en", "Etc/GMT+5", "time_zone"),
        ("en", "europe/paris", "time_zone"),
        ("en", "Europe/Paris\x00", "time_zone"),
        ("xx", "Europe/Paris", "language"),
        ("<script>", "Europe/Paris", "language"),
    ],
)
def test_what_is_no_zone_or_language_is_refused(signed_in, alice, language, time_zone, field):
    response = signed_in.post("/account/", {"language": language, "time_zone": time_zone})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert "<script>" not in response.context["form"].errors.as_text().replace("&lt;", "")
    alice.refresh_from_db()
    assert (alice.language, alice.time_zone) == ("", "UTC")


def test_the_switch_in_the_menu_is_remembered(signed_in, alice):
    signed_in.post("/account/", {"language": "zh-hans", "time_zone": "UTC"})
    response = signed_in.post("/i18n/setlang/", {"language": "en", "next": "/account/"})
    assert (response.status_code, response.url) == (302, "/account/")
    alice.refresh_from_db()
    assert alice.language == "en"
    assert signed_in.get("/account/").headers["Content-Language"] == "en"


def test_the_switch_ignores_what_is_no_language(signed_in, alice):
    signed_in.post("/i18n/setlang/", {"language": "tlh", "next": "/account/"})
    signed_in.get("/i18n/setlang/?language=zh-hans")
    alice.refresh_from_db()
    assert alice.language == ""


def test_the_switch_works_for_visitors_and_never_leads_away(client):
    response = client.post("/i18n/setlang/", {"language": "zh-hans", "next": "https://evil.test/"})
    assert response.url == "/"
    assert client.cookies["django_language"].value == "zh-hans"


def seen_by(user: User | None) -> tuple[str, str]:
    """(time zone, language) a view finds."""
    request = RequestFactory().get("/")
    if user is not None:
        request.COOKIES["sitewright_session"] = "x"
        request.user = user
        request.session = type("Session", (), {"session_key": None})()
    found: list[tuple[str, str]] = []

    def view(_request):
        found.append((timezone.get_current_timezone_name(), translation.get_language()))
        return HttpResponse()

    with translation.override("en"):
        preferences(view)(request)
    return found[0]


def test_views_run_in_the_persons_zone_and_language():
    assert seen_by(User(time_zone="Asia/Tokyo", language="zh-hans")) == ("Asia/Tokyo", "zh-hans")
    assert seen_by(User(time_zone="Europe/Paris")) == ("Europe/Paris", "en")
    assert seen_by(None) == ("UTC", "en")
    assert timezone.get_current_timezone_name() == "UTC"


def test_a_zone_or_language_that_is_gone_does_no_harm():
    assert seen_by(User(time_zone="Mars/Olympus", language="tlh")) == ("UTC", "en")
    assert str(zone_of("../../etc/passwd")) == "UTC"


def test_zones_to_choose_from_are_places():
    names = zone_names()
    assert names[0] == "UTC"
    assert {"Europe/Paris", "Asia/Shanghai", "America/New_York"} <= set(names)
    assert not [name for name in names if name.startswith(("Etc/", "US/", "posix/"))]


def test_a_session_is_noted_now_and_then_instead_of_at_every_request(signed_in, alice):
    UserSession.objects.all().delete()
    cache.clear()
    signed_in.get("/account/")
    session = UserSession.objects.get(user=alice)
    signed_in.get("/account/")
    assert UserSession.objects.get(user=alice).last_seen_at == session.last_seen_at


def test_pages_work_while_the_cache_is_away(signed_in, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    assert signed_in.get("/account/").status_code == 200


def test_the_middleware_serves_asgi_too(async_client, alice):
    preferences_update(user=alice, language="zh-hans", time_zone="Asia/Tokyo")
    async_to_sync(async_client.aforce_login)(alice)
    response = async_to_sync(async_client.get)("/account/")
    assert response.status_code == 200
    assert response.headers["Content-Language"] == "zh-hans"


def test_another_session_can_be_ended_from_the_page(client, alice):
    other = type(client)()
    for one in (client, other):
        one.post("/accounts/login/", {"login": alice.email, "password": "correct horse battery"})
        one.get("/account/")
    assert UserSession.objects.filter(user=alice).count() == 2
    client.post("/accounts/sessions/")
    assert client.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 302
