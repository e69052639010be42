"""A run with pictures: only by models that see, priced, sent, and files of its version."""

import base64
import hashlib

import pytest

from billing.errors import InsufficientTokens
from builder.estimates import affordable_models, quote_run, sources_of
from builder.models import Blob, Picture, Run, RunPicture
from builder.pictures import picture_tokens
from builder.selectors.sites import version_files
from builder.services import runs
from builder.services.pictures import picture_add, picture_delete, pictures_prune
from builder.services.sites import site_create
from builder.services.versions import version_edit, version_restore
from config.errors import Conflict, InvalidInput, NotFound, TooLarge
from models_catalog.models import AIModel
from tests.builder.pictures.samples import logo, photo

pytestmark = pytest.mark.django_db(transaction=True)


def data_url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


@pytest.fixture
def picture(alice, site) -> Picture:
    return picture_add(user=alice, site=site, data=photo(), name="Team Photo (1).JPG")


def test_a_picture_is_stored_once_under_a_safe_name(alice, site, picture):
    again = picture_add(user=alice, site=site, data=photo(), name="other.jpg")
    assert again.pk == picture.pk
    assert (picture.name, picture.media_type) == ("team-photo-1.jpg", "image/jpeg")
    assert picture.sha256 == hashlib.sha256(picture.content).hexdigest()
    names = ["../../etc/passwd", "CON.png", "团队.png", "x" * 300, "", "con", ".png"]
    stored = [
        picture_add(user=alice, site=site, data=logo(f"#0000{n:02x}"), name=name).name
        for n, name in enumerate(names)
    ]
    assert stored == [
        "passwd.png",
        "picture-con.png",
        "picture.png",
        "x" * 40 + ".png",
        "picture-2.png",
        "picture-con-2.png",
        "png.png",
    ]


def test_the_run_sends_the_picture_and_the_version_has_it(finish, site, picture, ai):
    run = finish(images=[str(picture.pk)])
    assert (run.state, run.picture_count) == (Run.State.SUCCEEDED, 1)
    files = version_files(run.version)
    assert files["images/team-photo-1.jpg"] == bytes(picture.content)
    assert "images/team-photo-1.jpg" in run.version.changed_paths
    # The emulated model saw it: it shows it with its size.
    page = files["index.html"].decode()
    assert 'src="images/team-photo-1.jpg" width="320" height="200"' in page
    sent = ai.requests()[-1]["body"]["messages"][-1]["content"]
    url = sent[0]["image_url"]["url"]
    assert base64.b64decode(url.partition(",")[2]) == bytes(picture.content)
    assert "images/team-photo-1.jpg (320×200 px), attached" in sent[-1]["text"]


def test_later_versions_keep_the_picture_as_one_blob(finish, site, picture, ai):
    first = finish(images=[str(picture.pk)])
    second = finish("Make the headline bigger")
    assert second.picture_count == 0
    edited = version_edit(site=site, files={"note.txt": "x"})
    restored = version_restore(site=site, number=first.version.number)
    path = "images/team-photo-1.jpg"
    for version in (second.version, edited, restored):
        assert version_files(version)[path] == bytes(picture.content)
    assert Blob.objects.filter(site=site, sha256=picture.sha256).count() == 1
    text = ai.requests()[-1]["body"]["messages"][-1]["content"]
    # Named, not sent again: the second request is plain text.
    assert isinstance(text, str)
    assert f"<pictures>\n{path}\n</pictures>" in text
    texts, pictures = sources_of(edited)
    assert pictures == [path]
    assert path not in texts
    without = version_edit(site=site, files={}, removed=[path])
    assert path not in version_files(without)


def test_the_charge_of_a_picture_stays_within_the_ceiling(finish, picture, ai):
    seen = finish(images=[str(picture.pk)])
    plain = finish(site=site_create(owner=seen.owner, name="Two"))
    assert seen.charged <= seen.ceiling
    assert seen.input_tokens > plain.input_tokens


def test_without_reported_usage_the_picture_is_counted_by_us(start, picture, ai):
    from builder.services import execution

    ai.rule({"usage": "missing"})
    run = start(images=[str(picture.pk)])
    execution.run_execute(run.pk)
    run.refresh_from_db()
    assert run.usage_estimated
    assert run.input_tokens > picture_tokens(320, 200)


@pytest.mark.parametrize(
    ("size", "tokens"),
    [((320, 200), 258), ((1200, 800), 1280), ((1568, 1568), 2322), ((64, 64), 258)],
)
def test_a_picture_costs_what_the_dearest_provider_counts(size, tokens):
    assert picture_tokens(*size) == tokens


def test_the_quote_grows_by_the_pictures_tokens(catalogue, ai):
    from builder.prompts import SentPicture

    model = AIModel.objects.get(slug="claude-3-haiku")
    plain = quote_run(model=model, prompt="A site", files={})
    sent = SentPicture("images/a.jpg", 1200, 800)
    seen = quote_run(model=model, prompt="A site", files={}, attached=[sent])
    grown = seen.input_tokens_upper - plain.input_tokens_upper
    assert grown >= 1280 * 1.25
    assert seen.ceiling > plain.ceiling


def test_a_model_that_can_not_see_is_refused_with_those_that_can(start, picture, ai):
    with pytest.raises(InvalidInput) as refused:
        start(model="qwen-turbo", images=[str(picture.pk)])
    assert refused.value.code == "model_not_vision"
    assert refused.value.extra["visionModels"][:2] == ["claude-3-opus", "claude-3-sonnet"]
    assert "qwen-turbo" not in refused.value.extra["visionModels"]
    assert "Claude 3 Haiku" in refused.value.message
    assert Run.objects.count() == 0


def test_short_of_tokens_only_seeing_models_are_offered(start, picture, ai, alice, monkeypatch):
    real = affordable_models
    monkeypatch.setattr(
        runs, "affordable_models", lambda **asked: real(**{**asked, "available": 10**9})
    )
    with pytest.raises(InsufficientTokens) as refused:
        start("x " * 9_000, model="claude-3-opus", images=[str(picture.pk)])
    offered = AIModel.objects.filter(slug__in=refused.value.extra["affordableModels"])
    assert offered
    assert all(model.vision for model in offered)


def test_pictures_of_others_and_other_sites_do_not_exist(start, alice, bob, picture, ai):
    theirs = picture_add(
        user=bob, site=site_create(owner=bob, name="Bob"), data=photo(), name="a.jpg"
    )
    elsewhere = picture_add(
        user=alice, site=site_create(owner=alice, name="Two"), data=photo(), name="a.jpg"
    )
    for unreachable in (theirs, elsewhere):
        with pytest.raises(NotFound):
            start(images=[str(unreachable.pk)])
    assert (Run.objects.count(), RunPicture.objects.count()) == (0, 0)


def test_data_urls_become_pictures_of_the_site_each_once(start, site, ai):
    red, blue = data_url(logo("red")), data_url(logo("blue"), "image/jpeg")
    run = start(images=[red, blue, red])
    sent = [row.picture.name for row in run.run_pictures.select_related("picture")]
    assert sent == ["picture-1.png", "picture-2.png"]
    assert run.picture_count == 2
    assert Picture.objects.filter(site=site).count() == 2


@pytest.mark.parametrize(
    ("images", "code"),
    [
        (["data:image/png;base64,!!!"], "invalid_image"),
        (["data:image/png,plain"], "invalid_image"),
        (["data:"], "invalid_image"),
        (["https://example.com/a.png"], "invalid_image"),
        ([""], "invalid_image"),
        (["data:image/png;base64,"], "picture_broken"),
        ([data_url(b"GIF89a" + bytes(20))], "unsupported_media_type"),
        (["0" * 32] * 5, "too_many_images"),
    ],
)
def test_images_that_are_none_are_refused_and_nothing_starts(start, ai, images, code):
    from config.errors import DomainError

    with pytest.raises(DomainError) as refused:
        start(images=images)
    assert refused.value.code == code
    assert (Run.objects.count(), Picture.objects.count()) == (0, 0)


def test_the_idempotency_key_covers_the_pictures(start, picture, ai):
    first = start(idempotency_key="k", images=[str(picture.pk)])
    assert start(idempotency_key="k", images=[str(picture.pk)]).pk == first.pk
    with pytest.raises(Conflict) as refused:
        start(idempotency_key="k")
    assert refused.value.code == "idempotency_key_reused"
    assert Run.objects.count() == 1


def test_a_picture_in_use_stays_and_an_unused_one_goes(start, alice, site, picture, ai, rung):
    unused = picture_add(user=alice, site=site, data=logo(), name="b.png")
    start(images=[str(picture.pk)])
    with pytest.raises(Conflict) as refused:
        picture_delete(user=alice, site_id=site.pk, picture_id=picture.pk)
    assert refused.value.code == "picture_in_use"
    picture_delete(user=alice, site_id=site.pk, picture_id=unused.pk)
    assert list(Picture.objects.values_list("pk", flat=True)) == [picture.pk]


def test_pictures_never_sent_are_forgotten_after_a_week(start, alice, site, picture, ai):
    from datetime import timedelta

    from django.utils import timezone

    picture_add(user=alice, site=site, data=logo(), name="b.png")
    start(images=[str(picture.pk)])
    assert pictures_prune() == 0
    assert pictures_prune(now=timezone.now() + timedelta(days=8)) == 1
    assert list(Picture.objects.values_list("name", flat=True)) == ["team-photo-1.jpg"]


def test_what_is_attached_and_never_sent_is_bounded(start, alice, site, picture, ai, monkeypatch):
    monkeypatch.setattr("builder.services.pictures.UNUSED_MOST_PER_OWNER", 2)
    picture_add(user=alice, site=site, data=logo("red"), name="b.png")
    with pytest.raises(Conflict) as refused:
        picture_add(user=alice, site=site, data=logo("blue"), name="c.png")
    assert refused.value.code == "too_many_pictures"
    start(images=[str(picture.pk)])
    assert picture_add(user=alice, site=site, data=logo("blue"), name="c.png").name == "c.png"


def test_a_site_without_room_refuses_before_anything_is_paid(start, picture, ai, monkeypatch):
    monkeypatch.setattr("builder.services.pictures.MAX_PICTURES_BYTES", picture.size_bytes - 1)
    with pytest.raises(TooLarge) as refused:
        start(images=[str(picture.pk)])
    assert refused.value.code == "site_too_large"
    assert Run.objects.count() == 0


def test_a_model_can_not_write_over_a_picture(start, picture, ai):
    from builder.services import execution

    forged = "images/team-photo-1.jpg\n```\nnot a picture\n```\n"
    page = "index.html\n```html\n<!doctype html><title>x</title><p>Hello\n```\n"
    ai.rule({"reply": forged + "\n" + page})
    run = start(images=[str(picture.pk)])
    execution.run_execute(run.pk)
    run.refresh_from_db()
    assert version_files(run.version)["images/team-photo-1.jpg"] == bytes(picture.content)
    assert run.notes
