"""The API's calls on sites and versions, through the wired API."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from builder.models import Site, Version
from builder.services.versions import version_create

Api = Callable[..., Any]


def client_of(user: User) -> Api:
    client = Client(raise_request_exception=False)
    client.force_login(user)

    def call(method: str, path: str, body: Any = None) -> Any:
        data = {} if body is None else {"data": json.dumps(body)}
        return getattr(client, method)(f"/api{path}", content_type="application/json", **data)

    return call


@pytest.fixture
def api(alice: User) -> Api:
    return client_of(alice)


@pytest.fixture
def version(site: Site) -> Version:
    files = {"index.html": "<h1>Brot</h1>", "js/app.js": "let a = 1;", "zh/首页.html": "中"}
    return version_create(site=site, files=files, origin="run", summary="A bakery")


def test_a_site_has_the_fields_of_the_contract(api: Api) -> None:
    made = api("post", "/sites", {"name": "Bakery"})
    assert made.status_code == 201
    body = made.json()
    assert set(body) == {"id", "name", "createdAt", "updatedAt", "latestVersion", "url"}
    assert (body["name"], body["latestVersion"]) == ("Bakery", None)
    assert body["url"] == f"/sites/{body['id']}/"
    assert api("get", f"/sites/{body['id']}").json() == body
    assert api("get", "/sites").json() == {"sites": [body]}


def test_a_version_has_the_fields_of_the_contract(api: Api, version: Version) -> None:
    body = api("get", f"/sites/{version.site_id}/versions/1").json()
    assert set(body) == {
        "id",
        "number",
        "origin",
        "parent",
        "summary",
        "createdAt",
        "files",
        "changed",
        "previewUrl",
        "checkUrl",
        "zipUrl",
    }
    assert [file["path"] for file in body["files"]] == ["index.html", "js/app.js", "zh/首页.html"]
    assert body["files"][0]["size"] == 13
    assert (body["number"], body["origin"], body["parent"]) == (1, "run", None)
    listed = api("get", f"/sites/{version.site_id}/versions").json()
    assert listed == {"versions": [body], "nextBefore": None}
    assert api("get", f"/sites/{version.site_id}").json()["latestVersion"] == 1


def test_versions_are_listed_a_page_at_a_time(
    api: Api, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from builder.api import sites

    monkeypatch.setattr(sites, "VERSIONS_PER_PAGE", 2)
    for number in range(5):
        version_create(site=site, files={"index.html": str(number)}, origin="run")
    seen, before = [], ""
    while True:
        body = api("get", f"/sites/{site.pk}/versions{before}").json()
        seen.append([version["number"] for version in body["versions"]])
        if body["nextBefore"] is None:
            break
        before = f"?before={body['nextBefore']}"
    assert seen == [[5, 4], [3, 2], [1]]


def test_renaming_and_deleting(api: Api, site: Site) -> None:
    assert api("patch", f"/sites/{site.pk}", {"name": " 面包店 "}).json()["name"] == "面包店"
    assert api("delete", f"/sites/{site.pk}").status_code == 204
    assert api("get", f"/sites/{site.pk}").status_code == 404
    assert api("delete", f"/sites/{site.pk}").status_code == 404


def test_a_file_is_an_attachment_that_can_not_run(api: Api, version: Version) -> None:
    response = api("get", f"/sites/{version.site_id}/versions/1/files/js/app.js")
    assert response.content == b"let a = 1;"
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="app.js"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    chinese = api("get", f"/sites/{version.site_id}/versions/1/files/zh/首页.html")
    assert chinese.content == "中".encode()
    assert chinese["Content-Disposition"].startswith("attachment; filename*=utf-8''")


def test_all_files_as_text(api: Api, version: Version) -> None:
    body = api("get", f"/sites/{version.site_id}/versions/1/content").json()
    assert body["number"] == 1
    assert body["files"]["zh/首页.html"] == "中"


def test_the_zip_is_the_version_and_always_the_same(api: Api, version: Version) -> None:
    first = api("get", f"/sites/{version.site_id}/versions/1.zip")
    second = api("get", f"/sites/{version.site_id}/versions/1.zip")
    assert first.content == second.content
    assert first["Content-Type"] == "application/zip"
    assert first["Content-Disposition"] == 'attachment; filename="bakery-on-main-v1.zip"'
    with zipfile.ZipFile(io.BytesIO(first.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["index.html", "js/app.js", "zh/首页.html"]
        assert archive.read("zh/首页.html") == "中".encode()


def test_a_hand_edit_and_a_stale_one(api: Api, version: Version) -> None:
    url = f"/sites/{version.site_id}/versions"
    edit = {"files": [{"path": "index.html", "content": "<h1>Pain</h1>"}], "baseVersion": 1}
    made = api("post", url, edit)
    assert made.status_code == 201
    assert (made.json()["number"], made.json()["origin"], made.json()["parent"]) == (2, "hand", 1)
    assert made.json()["changed"] == ["index.html"]
    stale = api("post", url, edit)
    assert stale.status_code == 409
    assert stale["Content-Type"] == "application/problem+json"
    assert (stale.json()["code"], stale.json()["latestVersion"]) == ("stale_version", 2)
    assert Version.objects.count() == 2


def test_restoring(api: Api, version: Version) -> None:
    version_create(site=version.site, files={"index.html": "two"}, origin="run")
    made = api("post", f"/sites/{version.site_id}/versions/1/restore")
    assert (made.status_code, made.json()["number"], made.json()["origin"]) == (201, 3, "restore")
    again = api("post", f"/sites/{version.site_id}/versions/3/restore")
    assert (again.status_code, again.json()["code"]) == (409, "already_latest")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "", None),
        ("patch", "", {"name": "x"}),
        ("delete", "", None),
        ("get", "/versions", None),
        ("post", "/versions", {"files": [{"path": "a.html", "content": ""}]}),
        ("get", "/versions/1", None),
        ("get", "/versions/1/content", None),
        ("get", "/versions/1/files/index.html", None),
        ("get", "/versions/1.zip", None),
        ("post", "/versions/1/restore", None),
    ],
)
def test_somebody_elses_is_not_found_and_a_visitor_is_asked_to_sign_in(
    bob: User, version: Version, method: str, path: str, body: Any
) -> None:
    url = f"/sites/{version.site_id}{path}"
    assert client_of(bob)(method, url, body).status_code == 404
    client = Client()
    assert getattr(client, method)(f"/api{url}").status_code == 401
    assert Version.objects.count() == 1
    version.site.refresh_from_db()
    assert (version.site.name, version.site.deleted_at) == ("Bakery on Main", None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/sites/nonsense"),
        ("get", f"/sites/{uuid.UUID(int=1)}"),
        ("get", "/sites/{}/versions/0"),
        ("get", "/sites/{}/versions/-1"),
        ("get", "/sites/{}/versions/2"),
        ("get", "/sites/{}/versions/99999999999999999999999"),
        ("get", "/sites/{}/versions/x.zip"),
        ("get", "/sites/{}/versions/2.zip"),
        ("get", "/sites/{}/versions/1/files/none.html"),
        ("get", "/sites/{}/versions/1/files/../../x"),
        ("get", "/sites/{}/versions/1/files/%00"),
        ("get", "/sites/{}/versions/1/files/" + "x" * 3000),
        ("get", "/sites/{}/versions?before=0"),
        ("get", "/sites/{}/versions?before=99999999999999999999"),
        ("post", "/sites/{}/versions/99999999999999999999/restore"),
    ],
)
def test_bad_ids_and_paths_are_refused_in_words(
    api: Api, version: Version, method: str, path: str
) -> None:
    response = api(method, path.format(version.site_id))
    assert response.status_code in (404, 422)
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {"files": "x"},
        {"files": {}},
        {"files": [{"path": "a.html"}]},
        {"files": [{"path": "a.html", "content": 1}]},
        {"files": [{"path": "a.html", "content": "", "mode": 7}]},
        {"files": [{"path": "../a.html", "content": ""}]},
        {"files": [{"path": "a\x00.html", "content": ""}]},
        {"files": [{"path": "a.html", "content": "\ud800"}]},
        {"files": [{"path": "a.html", "content": ""}] * 2},
        {"files": [{"path": f"{n}.html", "content": ""} for n in range(101)]},
        {"files": [{"path": "a.html", "content": ""}], "baseVersion": "1"},
        {"files": [{"path": "a.html", "content": ""}], "baseVersion": -1},
        {"files": [{"path": "a.html", "content": ""}], "baseVersion": 10**30},
        {"files": [{"path": "a.html", "content": ""}], "extra": 1},
        {"removed": ["index.html", "js/app.js", "zh/首页.html"]},
        {},
    ],
)
def test_a_bad_hand_edit_writes_nothing(api: Api, version: Version, body: Any) -> None:
    response = api("post", f"/sites/{version.site_id}/versions", body)
    assert response.status_code in (400, 413, 422), response.content
    assert response["Content-Type"] == "application/problem+json"
    assert Version.objects.count() == 1


@pytest.mark.parametrize("body", [{}, {"name": 1}, {"name": ""}, {"name": "x" * 121}, {"x": 1}, []])
def test_a_bad_name_is_refused(api: Api, site: Site, body: Any) -> None:
    response = api("patch", f"/sites/{site.pk}", body)
    assert response.status_code in (400, 422)
    site.refresh_from_db()
    assert site.name == "Bakery on Main"


def test_a_list_of_versions_costs_the_same_however_long(api: Api, site: Site) -> None:
    def add(count: int) -> None:
        for number in range(count):
            files = {f"{n}.html": f"{number}{n}" for n in range(5)}
            version_create(site=site, files=files, origin="run")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api("get", f"/sites/{site.pk}/versions").status_code == 200
        return len(captured)

    add(1)
    queries()  # the first request of a session also writes
    one = queries()
    add(7)
    assert queries() == one
