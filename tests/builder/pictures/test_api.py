"""Pictures over HTTP: uploaded, shown to their owner only, refused in plain words."""

import io
import json
import zipfile

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from builder.models import Picture, Run, UserLimits
from builder.preview import live_frame_url, preview_url
from builder.services.pictures import picture_add, pictures_uploaded
from builder.services.sites import site_create
from builder.services.versions import version_create
from tests.builder.pictures.samples import logo, photo
from tests.builder.pictures.test_runs import data_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mine(alice) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def url(site) -> str:
    return f"/api/sites/{site.pk}/pictures"


def upload(client: Client, url: str, data: bytes, name: str = "a.png", **extra):
    return client.post(url, {"file": SimpleUploadedFile(name, data, "text/html"), **extra})


def test_a_picture_is_uploaded_shown_and_taken_away(mine, url):
    made = upload(mine, url, photo(2000, 1000), "Our Shop.jpeg")
    assert made.status_code == 201
    told = made.json()
    assert told == {
        "id": told["id"],
        "name": "our-shop.jpg",
        "mediaType": "image/jpeg",
        "width": 1568,
        "height": 784,
        "sizeBytes": Picture.objects.get().size_bytes,
        "url": f"{url}/{told['id']}",
    }
    shown = mine.get(told["url"])
    assert shown.status_code == 200
    assert shown.content == bytes(Picture.objects.get().content)
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Content-Security-Policy"].startswith("sandbox;")
    assert mine.delete(told["url"]).status_code == 204
    assert mine.get(told["url"]).status_code == 404


def test_nobody_else_reaches_a_picture(mine, url, bob):
    told = upload(mine, url, logo()).json()
    stranger = Client()
    for client, status in ((stranger, 401), (Client(), 401)):
        assert client.get(told["url"]).status_code == status
    stranger.force_login(bob)
    assert stranger.get(told["url"]).status_code == 404
    assert stranger.delete(told["url"]).status_code == 404
    assert upload(stranger, url, logo("blue")).status_code == 404
    assert Picture.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_media_type"),
        (b"GIF89a" + bytes(30), 415, "unsupported_media_type"),
        (b"", 422, "picture_broken"),
        (photo()[:400], 422, "picture_broken"),
        (logo(size=(8, 8)), 422, "picture_too_small"),
        (b"\x89PNG\r\n\x1a\n" + bytes(5 * 1024 * 1024), 413, "picture_too_large"),
    ],
)
def test_what_is_no_picture_is_refused_in_plain_words(mine, url, data, status, code):
    answer = upload(mine, url, data)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert "Nothing was stored" in problem["detail"]
    assert Picture.objects.count() == 0


def test_a_persons_own_limit_counts(mine, url, alice):
    from builder.models import UserLimits

    UserLimits.objects.create(user=alice, upload_bytes=1000, reason="test")
    assert upload(mine, url, photo()).status_code == 413
    UserLimits.objects.update(upload_bytes=0)
    off = upload(mine, url, logo())
    assert (off.status_code, off.json()["code"]) == (413, "pictures_off")


def test_odd_requests_are_refused_and_never_a_crash(mine, url):
    multipart = "multipart/form-data; boundary=x"
    assert mine.post(url).status_code == 422
    assert mine.post(url, {"file": "text"}).status_code == 422
    assert mine.post(url, b"{}", content_type="application/json").status_code == 422
    for body in (b"--x\r\nbroken", b"", b"\x00" * 100):
        assert mine.post(url, body, content_type=multipart).status_code in (400, 422)
    no_boundary = mine.post(url, b"abc", content_type="multipart/form-data")
    assert no_boundary.status_code == 400
    assert no_boundary.json()["code"] == "bad_request"
    many = {f"file{n}": SimpleUploadedFile("a.png", logo()) for n in range(120)}
    assert mine.post(url, many).status_code in (400, 413, 422)
    huge = mine.post(url, b"--x", content_type=multipart, CONTENT_LENGTH=str(25 * 1024**2))
    assert (huge.status_code, huge.json()["code"]) == (413, "too_large")
    assert "24 MB" in huge.json()["detail"]
    assert Picture.objects.count() == 0


def test_without_a_csrf_token_nothing_is_stored(alice, url):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert upload(strict, url, logo()).status_code == 403
    assert Picture.objects.count() == 0


@pytest.fixture
def unhurried(alice) -> None:
    """As many uploads a minute as a property test makes."""
    UserLimits.objects.create(user=alice, uploads_per_minute=10_000, reason="Test")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=300), name=st.text(max_size=60))
@example(data=b"x", name="/")
def test_any_upload_gets_a_clear_answer(mine, url, unhurried, data, name):
    # Not Django's own kind of file, which refuses some names before they are sent.
    file = io.BytesIO(data)
    file.name = name or "a"
    answer = mine.post(url, {"file": file})
    assert answer.status_code in (413, 415, 422)
    assert answer.json()["code"]


def test_runs_and_estimates_take_images(mine, site, url, catalogue, ai, rung):
    told = upload(mine, url, logo()).json()
    asked = {"prompt": "A bakery", "model": "claude-3-haiku", "siteId": str(site.pk)}

    def post(path, body):
        return mine.post(path, json.dumps(body), content_type="application/json")

    plain = post("/api/estimates", asked).json()
    large = data_url(photo(1568, 1000))
    for images in ([told["id"]], [large], [told["id"], large]):
        seen = post("/api/estimates", {**asked, "images": images})
        assert seen.status_code == 200, seen.content
        assert seen.json()["low"] > plain["low"]
    assert Picture.objects.count() == 1
    blind = post("/api/estimates", {**asked, "model": "qwen-turbo", "images": [told["id"]]})
    assert (blind.status_code, blind.json()["code"]) == (422, "model_not_vision")
    body = {"prompt": "A bakery", "model": "claude-3-haiku", "images": [told["id"]]}
    started = post(f"/api/sites/{site.pk}/runs", body)
    assert started.status_code == 202
    assert started.json()["run"]["images"] == [told]
    listed = mine.get(f"/api/sites/{site.pk}/runs").json()["runs"]
    assert listed[0]["images"] == [told]
    assert mine.delete(told["url"]).status_code == 409


def test_more_pictures_a_minute_than_allowed_are_refused_in_plain_words(
    mine, url, alice, bob, site, catalogue, ai, rung, settings, redis_client
):
    settings.UPLOADS_PER_MINUTE_MAX = 2
    with time_machine.travel("2026-12-01T10:00:20Z", tick=False) as clock:
        assert upload(mine, url, logo()).status_code == 201
        # Looked at as well, so counted as well.
        assert upload(mine, url, b"nothing that can be seen").status_code == 415
        over = upload(mine, url, logo("#00aa00"))
        assert (over.status_code, over.json()["code"]) == (429, "too_many_uploads_a_minute")
        assert over.headers["Retry-After"] == "40"
        said = "You can attach 2 pictures a minute. Nothing was stored. Wait a minute."
        assert over.json()["detail"] == said
        assert Picture.objects.count() == 1
        # Nor by the form without scripts, nor inside a request.
        file = SimpleUploadedFile("b.png", logo("#00aa00"))
        assert pictures_uploaded(user=alice, site=site, files=[file]) == ([], [f"b.png: {said}"])
        body = {"prompt": "A bakery", "model": "claude-3-haiku", "images": [data_url(logo())]}
        started = mine.post(f"/api/sites/{site.pk}/runs", body, content_type="application/json")
        assert (started.status_code, Run.objects.count()) == (429, 0)
        # Somebody else, and a minute later, are not concerned.
        theirs = site_create(owner=bob, name="Bob's")
        assert picture_add(user=bob, site=theirs, data=logo(), name="a").pk
        clock.shift(40)
        assert upload(mine, url, logo("#00aa00")).status_code == 201


def test_staff_allow_one_person_more_or_none(mine, url, alice, settings, redis_client):
    settings.UPLOADS_PER_MINUTE_MAX = 1
    limits = UserLimits.objects.create(user=alice, uploads_per_minute=2, reason="Test")
    with time_machine.travel("2026-12-01T10:00:00Z", tick=False):
        colours = ("#001100", "#002200", "#003300")
        answers = [upload(mine, url, logo(colour)).status_code for colour in colours]
    assert answers == [201, 201, 429]
    limits.uploads_per_minute = 0
    limits.save()
    off = upload(mine, url, logo())
    assert (off.status_code, off.json()["code"]) == (429, "pictures_off")


def test_uploads_go_on_while_redis_is_away(mine, url, settings):
    away = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": away}
    settings.UPLOADS_PER_MINUTE_MAX = 1
    statuses = [upload(mine, url, logo(colour)).status_code for colour in ("#111111", "#222222")]
    assert statuses == [201, 201]


def test_bodies_with_pictures_may_be_larger_and_no_others(mine, site, catalogue, ai, rung):
    padding = {"prompt": "A bakery", "model": "claude-3-haiku", "images": ["x" * 3_000_000]}
    body = json.dumps(padding)
    for path, status in (
        (f"/api/sites/{site.pk}/runs", 422),
        ("/api/estimates", 422),
        ("/api/sites", 413),
        (f"/api/sites/{site.pk}/versions", 413),
    ):
        answer = mine.post(path, body, content_type="application/json")
        assert answer.status_code == status, path
    over = mine.post(
        f"/api/sites/{site.pk}/runs",
        b"{}",
        content_type="application/json",
        CONTENT_LENGTH=str(2**24),
    )
    assert over.status_code == 413


def test_previews_serve_pictures(client, alice, site):
    picture = picture_add(user=alice, site=site, data=logo(), name="logo.png")
    content = bytes(picture.content)
    files: dict[str, str | bytes] = {"index.html": "<p>x", "images/logo.png": content}
    version = version_create(site=site, files=files, origin="run")
    live = live_frame_url(site).rstrip("/")
    for address in (preview_url(version, "images/logo.png"), f"{live}/images/logo.png"):
        host, _slash, path = address.partition("://")[2].partition("/")
        shown = client.get(f"/{path}", headers={"host": host})
        assert (shown.status_code, shown.content) == (200, content)
        assert shown.headers["Content-Type"] == "image/png"
    host = live.partition("://")[2]
    assert client.get("/images/none.png", headers={"host": host}).status_code == 404


def test_the_zip_and_the_file_have_the_pictures_own_bytes(mine, alice, site):
    content = bytes(picture_add(user=alice, site=site, data=logo(), name="logo.png").content)
    version_create(
        site=site, files={"index.html": "<p>x", "images/logo.png": content}, origin="run"
    )
    packed = mine.get(f"/api/sites/{site.pk}/versions/1.zip").content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read("images/logo.png") == content
    shown = mine.get(f"/api/sites/{site.pk}/versions/1/files/images/logo.png")
    assert (shown.content, shown.headers["Content-Type"]) == (content, "image/png")
    assert mine.get(f"/api/sites/{site.pk}/versions/1/content").json()["files"] == {
        "index.html": "<p>x"
    }


def test_a_picture_can_not_be_written_as_text(mine, site):
    body = {"files": [{"path": "images/a.jpg", "content": "text"}]}
    answer = mine.post(
        f"/api/sites/{site.pk}/versions", json.dumps(body), content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "path_extension")
