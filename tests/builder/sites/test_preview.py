"""Previews: what the label permits, what every answer carries, what can not be had."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from builder.models import Site, Version
from builder.preview import check_url, label_make, label_read, live_frame_url, preview_url
from builder.services.sites import site_delete
from builder.services.versions import version_create
from builder.sites_host import refuse_shared_site

NOW = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)
# Of labels that are looked at today, whenever that is.
LATER = datetime(2099, 12, 1, tzinfo=UTC)
FILES = {
    "index.html": "<!doctype html><html><head><title>Brot</title></head><h1>Brot</h1></html>",
    "style.css": "h1 { color: teal }",
    "js/app.mjs": "export default 1",
    "zh/index.html": "<h1>中文</h1>",
    "logo.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "data.json": "{}",
}


@pytest.fixture
def version(site: Site) -> Version:
    return version_create(site=site, files=FILES, origin="run")


def get(url: str, path: str = "", *, method: str = "get", **headers: str) -> HttpResponse:
    """A request to a sites' host, as a browser would make it."""
    parts = urlsplit(url)
    call = getattr(Client(raise_request_exception=False), method)
    response: HttpResponse = call(path or parts.path, headers={"host": parts.netloc, **headers})
    return response


def assert_contained(response: Any) -> None:
    policy = response["Content-Security-Policy"]
    directives = {part.split()[0]: part.split()[1:] for part in policy.split("; ")}
    assert "allow-scripts" in directives["sandbox"]
    assert not {
        "allow-same-origin",
        "allow-top-navigation",
        "allow-popups-to-escape-sandbox",
    } & set(directives["sandbox"])
    assert directives["default-src"][0] == "'self'"
    assert "https:" not in directives["default-src"] + directives["connect-src"]
    assert directives["frame-ancestors"][0] == "'self'"
    assert "http://localhost:8000" in directives["frame-ancestors"]
    assert not any("*" in source for source in directives["frame-ancestors"])
    assert directives["form-action"] == ["'self'"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "camera=()" in response["Permissions-Policy"]
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "noindex" in response["X-Robots-Tag"]
    assert not response.cookies
    assert not response.has_header("X-Frame-Options")
    assert not response.has_header("Vary")


def test_a_label_is_one_lower_case_dns_label() -> None:
    label = label_make("v", uuid.uuid4(), LATER)
    assert re.fullmatch(r"v[a-z2-7]{52}", label)


@given(kind=st.sampled_from("vcf"), target=st.uuids(), at=st.integers(0, 2**32 - 1))
def test_a_label_says_what_was_put_in(kind: str, target: uuid.UUID, at: int) -> None:
    moment = datetime.fromtimestamp(at, UTC)
    read = label_read(label_make(kind, target, moment))
    assert read is not None
    assert (read.kind, read.target_id, read.expires_at) == (kind, target, moment)


@given(data=st.data())
def test_no_changed_character_is_accepted(data: st.DataObject) -> None:
    label = label_make("v", uuid.UUID(int=7), LATER)
    place = data.draw(st.integers(0, len(label) - 1))
    other = data.draw(
        st.sampled_from("abcdefghijklmnopqrstuvwxyz234567").filter(lambda c: c != label[place])
    )
    assert label_read(label[:place] + other + label[place + 1 :]) is None


@given(st.text(max_size=70))
def test_nonsense_is_no_label(text: str) -> None:
    assert label_read(text) is None


def test_a_label_of_another_key_is_refused() -> None:
    with override_settings(SECRET_KEY="x" * 60):
        label = label_make("v", uuid.uuid4(), LATER)
    assert label_read(label) is None
    with override_settings(SECRET_KEY_FALLBACKS=["x" * 60]):
        assert label_read(label) is not None


@pytest.mark.parametrize(
    ("path", "file", "content_type"),
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/index.html", "index.html", "text/html; charset=utf-8"),
        ("/zh/", "zh/index.html", "text/html; charset=utf-8"),
        ("/style.css", "style.css", "text/css; charset=utf-8"),
        ("/style.css?v=2", "style.css", "text/css; charset=utf-8"),
        ("/js/app.mjs", "js/app.mjs", "text/javascript; charset=utf-8"),
        ("/logo.svg", "logo.svg", "image/svg+xml; charset=utf-8"),
        ("/data.json", "data.json", "application/json; charset=utf-8"),
    ],
)
def test_a_file_is_served_byte_for_byte(
    version: Version, path: str, file: str, content_type: str
) -> None:
    response = get(preview_url(version), path)
    assert (response.status_code, response.content) == (200, FILES[file].encode())
    assert response["Content-Type"] == content_type
    assert response["Cache-Control"] == "private, max-age=86400, immutable"
    assert_contained(response)


def test_an_unchanged_file_is_not_sent_again(version: Version) -> None:
    first = get(preview_url(version))
    second = get(preview_url(version), **{"if-none-match": first["ETag"]})
    assert (second.status_code, second.content) == (304, b"")
    assert_contained(second)


def test_a_folder_without_its_slash_is_sent_on(version: Version) -> None:
    response = get(preview_url(version), "/zh")
    assert (response.status_code, response["Location"]) == (301, "./zh/")
    assert_contained(response)


@pytest.mark.parametrize(
    "path",
    ["/none.html", "/../index.html", "/%00", "/a%0d%0ab", "/" + "x" * 5000],
)
def test_what_is_not_there_is_a_contained_404(version: Version, path: str) -> None:
    response = get(preview_url(version), path)
    assert response.status_code == 404
    assert b"not part of the site" in response.content
    assert_contained(response)


def test_a_sites_own_404_comes_first(site: Site) -> None:
    version = version_create(
        site=site, files={"index.html": "x", "404.html": "<h1>Lost</h1>"}, origin="run"
    )
    response = get(preview_url(version), "/none")
    assert (response.status_code, response.content) == (404, b"<h1>Lost</h1>")
    assert_contained(response)


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_nothing_is_received(version: Version, method: str) -> None:
    response = get(preview_url(version), method=method)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert_contained(response)


def test_an_expired_link_says_so(version: Version) -> None:
    with time_machine.travel(NOW, tick=False):
        url = preview_url(version)
        assert get(url).status_code == 200
    with time_machine.travel(NOW + timedelta(hours=35, minutes=59), tick=False):
        assert get(url).status_code == 200
    with time_machine.travel(NOW + timedelta(hours=36), tick=False):
        response = get(url)
    assert response.status_code == 410
    assert_contained(response)


@time_machine.travel(NOW, tick=False)
def test_a_link_is_the_same_all_day(version: Version) -> None:
    url = preview_url(version)
    with time_machine.travel(NOW.replace(hour=23, minute=59), tick=False):
        assert preview_url(version) == url


def test_links_end_with_the_site(version: Version) -> None:
    urls = [preview_url(version), check_url(version), live_frame_url(version.site)]
    assert [get(url).status_code for url in urls] == [200, 200, 200]
    site_delete(site=version.site)
    assert [get(url).status_code for url in urls] == [404, 404, 404]


def test_links_end_with_the_account(version: Version, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert get(preview_url(version)).status_code == 404


def test_a_label_opens_only_what_it_is_for(version: Version) -> None:
    as_frame = label_make("f", version.pk, LATER)
    as_version = label_make("v", version.site_id, LATER)
    for label in (as_frame, as_version):
        assert get(f"http://{label}.localhost:8000/").status_code == 404


@pytest.mark.parametrize(
    "host",
    [
        "www.localhost:8000",
        "app.localhost",
        "a.b.localhost:8000",
        "xn--abc.localhost:8000",
        "WWW.LOCALHOST.:8000",
    ],
)
@pytest.mark.parametrize(
    "path", ["/", "/api/me", "/admin/", "/accounts/login/", "/static/css/base.css", "/healthz"]
)
@pytest.mark.django_db
def test_the_app_is_not_there_on_a_sites_host(host: str, path: str) -> None:
    response = get(f"http://{host}/", path)
    assert response.status_code == 404
    assert b"no preview at this address" in response.content
    assert_contained(response)


def test_a_session_is_neither_read_nor_made(version: Version, alice: User) -> None:
    client = Client()
    client.force_login(alice)
    host = urlsplit(preview_url(version)).netloc
    response = client.get("/api/me", headers={"host": host})
    assert response.status_code == 404
    assert_contained(response)


def test_the_sites_are_not_there_on_the_apps_host(version: Version) -> None:
    response = Client().get("/style.css", headers={"host": "localhost:8000"})
    assert response.status_code == 404
    assert b"teal" not in response.content


@pytest.mark.parametrize(
    ("page", "probed"),
    [
        ("<!doctype html><html><head><title>x", "<!doctype html><html><head>{}<title>x"),
        ("<!DOCTYPE html>\n<p>x", "<!DOCTYPE html>{}\n<p>x"),
        ("<p>x", "{}<p>x"),
        ("<header>x", "{}<header>x"),
    ],
)
def test_a_checked_page_has_the_probe_first(site: Site, page: str, probed: str) -> None:
    version = version_create(site=site, files={"index.html": page}, origin="run")
    response = get(check_url(version))
    script = '<script src="/.sitewright/probe.js"></script>'
    assert response.content.decode() == probed.format(script)
    assert_contained(response)
    assert get(preview_url(version)).content.decode() == page


@pytest.mark.parametrize(
    "path", ["/", "/frame.js", "/compose.js", "/inner.js", "/frame.css", "/none", "/index.html"]
)
def test_the_live_frame_serves_itself_only(version: Version, path: str) -> None:
    response = get(live_frame_url(version.site), path)
    assert response.status_code == (404 if path in ("/none", "/index.html") else 200)
    assert_contained(response)


def test_the_live_frame_knows_who_may_speak_to_it(version: Version) -> None:
    response = get(live_frame_url(version.site))
    assert b'data-origins="http://localhost:8000 http://127.0.0.1:8000' in response.content


def test_a_page_of_ours_speaks_the_visitors_language(version: Version) -> None:
    response = get(preview_url(version), "/none", **{"accept-language": "zh-CN"})
    assert b'lang="zh-hans"' in response.content


@pytest.mark.django_db
def test_a_crash_is_contained_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from builder import sites_pages

    def crash(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(sites_pages, "label_read", crash)
    response = get("http://x.localhost:8000/")
    assert response.status_code == 503
    assert b"secret detail" not in response.content
    assert_contained(response)


@pytest.mark.parametrize(
    ("hosts", "domain", "refused"),
    [
        (["app.example.com"], "example.net", False),
        (["app.example.com"], "sites.example.com", True),
        (["example.com"], "example.com", True),
        ([".example.com"], "example.com:443", True),
        (["app.example.co.uk"], "sites.other.co.uk", False),
        (["app.example.co.uk"], "sites.example.co.uk", True),
        (["localhost", "127.0.0.1", "app.example.cn"], "sites.example.cn", True),
    ],
)
def test_production_refuses_one_site_for_both(hosts: list[str], domain: str, refused: bool) -> None:
    with override_settings(SITES_SCHEME="https", ALLOWED_HOSTS=hosts, SITES_DOMAIN=domain):
        if refused:
            with pytest.raises(ImproperlyConfigured, match="shares a site"):
                refuse_shared_site()
        else:
            refuse_shared_site()
    with override_settings(SITES_SCHEME="http", ALLOWED_HOSTS=hosts, SITES_DOMAIN=domain):
        refuse_shared_site()


@override_settings(
    SITES_DOMAIN="sites.example",
    SITES_SCHEME="https",
    ALLOWED_HOSTS=["app.example.com"],
    SECURE_SSL_REDIRECT=True,
    SECURE_HSTS_SECONDS=100,
)
def test_in_production_previews_are_https_and_the_bare_domain_serves_nothing(
    version: Version,
) -> None:
    url = preview_url(version)
    assert url.startswith("https://v")
    plain = get(url)
    assert (plain.status_code, plain["Location"]) == (301, url)
    parts = urlsplit(url)
    secure = Client().get("/", secure=True, headers={"host": parts.netloc})
    assert secure.status_code == 200
    assert secure["Strict-Transport-Security"] == "max-age=100"
    assert "frame-ancestors 'self' https://app.example.com" in secure["Content-Security-Policy"]
    bare = Client().get("/admin/", secure=True, headers={"host": "sites.example"})
    assert bare.status_code == 404
    assert b"no preview at this address" in bare.content
