"""The pages below /sites/ as plain forms: they work without any script."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from accounts.models import User
from builder.models import Site, Version
from builder.services.versions import version_create


@pytest.fixture
def client(alice: User) -> Client:
    made = Client()
    made.force_login(alice)
    return made


def test_a_request_becomes_a_site_with_the_composer_filled(client: Client, alice: User) -> None:
    made = client.post("/sites/new/", {"prompt": "A <b>bakery</b>", "model": "qwen-turbo"})
    site = Site.objects.get(owner=alice)
    assert (made.status_code, made["Location"]) == (302, f"/sites/{site.pk}/")
    assert site.name == "A <b>bakery</b>"
    page = client.get(made["Location"])
    assert page.status_code == 200
    assert "A &lt;b&gt;bakery&lt;/b&gt;</textarea>" in page.content.decode()
    assert "<b>bakery" not in page.content.decode()
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize("prompt", ["", "  \n ", "x" * 40_000, "a\x00b"])
def test_a_bad_request_makes_no_site(client: Client, prompt: str) -> None:
    answer = client.post("/sites/new/", {"prompt": prompt}, follow=True)
    assert answer.status_code == 200
    assert Site.objects.count() == 0


def test_a_look_at_the_new_page_makes_nothing(client: Client) -> None:
    assert client.get("/sites/new/").status_code == 302
    assert Site.objects.count() == 0


def test_the_list_and_the_versions_show_what_there_is(client: Client, site: Site) -> None:
    version_create(site=site, files={"index.html": "x"}, origin="run", summary="First")
    assert "Bakery on Main" in client.get("/sites/").content.decode()
    assert "First" in client.get(f"/sites/{site.pk}/versions/").content.decode()


def test_renaming_deleting_restoring_downloading(client: Client, site: Site) -> None:
    for text in ("one", "two"):
        version_create(site=site, files={"index.html": text}, origin="run")
    client.post(f"/sites/{site.pk}/rename/", {"name": "New"})
    client.post(f"/sites/{site.pk}/versions/1/restore/")
    zipped = client.get(f"/sites/{site.pk}/versions/3.zip")
    assert zipped["Content-Disposition"] == 'attachment; filename="new-v3.zip"'
    client.post(f"/sites/{site.pk}/delete/")
    site.refresh_from_db()
    assert (site.name, site.deleted_at is None, Version.objects.count()) == ("New", False, 3)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("post", "rename/"),
        ("post", "delete/"),
        ("post", "runs/"),
        ("get", "versions/"),
        ("get", "versions/1.zip"),
        ("post", "versions/1/restore/"),
        ("get", f"runs/{uuid.UUID(int=5)}/"),
        ("post", f"runs/{uuid.UUID(int=5)}/stop/"),
    ],
)
def test_others_see_nothing_and_visitors_sign_in(
    bob: User, site: Site, method: str, path: str
) -> None:
    other = Client()
    other.force_login(bob)
    url = f"/sites/{site.pk}/{path}"
    assert getattr(other, method)(url, {"name": "x"}).status_code == 404
    asked = getattr(Client(), method)(url)
    assert asked.status_code == 302
    assert asked["Location"].startswith("/accounts/login/")
    site.refresh_from_db()
    assert (site.name, site.deleted_at) == ("Bakery on Main", None)


@pytest.mark.parametrize("path", ["rename/", "delete/", "runs/", "versions/1/restore/"])
def test_what_changes_something_is_not_done_by_get(client: Client, site: Site, path: str) -> None:
    assert client.get(f"/sites/{site.pk}/{path}").status_code == 405


@pytest.mark.parametrize("number", ["0", "7", "abc", "99999999999999999999"])
def test_an_odd_version_in_the_address_is_no_crash(client: Client, site: Site, number: str) -> None:
    assert client.get(f"/sites/{site.pk}/?version={number}").status_code in (200, 404)


def test_a_page_has_no_inline_script_or_style(client: Client, site: Site) -> None:
    version_create(site=site, files={"index.html": "x"}, origin="run")
    for url in ("/sites/", f"/sites/{site.pk}/", f"/sites/{site.pk}/versions/"):
        markup = client.get(url).content.decode()
        assert " style=" not in markup
        assert " onclick=" not in markup
        assert markup.count("<script>") == 0
