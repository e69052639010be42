"""Statements that are compiled once do what the ORM does."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db.models import F

from accounts.models import User
from builder.models import Blob, Site, Version
from config.prepared import PreparedInsert, PreparedSelect, PreparedUpdate, prefetched, slot

pytestmark = pytest.mark.django_db

LATEST = PreparedSelect(
    lambda: Version.objects.select_related("site").filter(site=slot(Version, "site"))[:1]
)
NUMBERS = PreparedSelect(
    lambda: (
        Version.objects.filter(site=slot(Version, "site"))
        .order_by("number")
        .values_list("id", "changed_paths")
    )
)
RENAME = PreparedUpdate(
    lambda: Version.objects.filter(site=slot(Version, "site"), number=slot(Version, "number")),
    summary=slot(Version, "summary"),
    number=F("number") + 10,
    changed_paths=slot(Version, "changed_paths"),
)
BLOB = PreparedInsert(Blob)
REPLACED = PreparedInsert(Blob, replacing=(["site", "sha256"], ["content", "size_bytes"]))
VERSION = PreparedInsert(Version)


@pytest.fixture
def site() -> Site:
    owner = User.objects.create_user(email="prepared@example.com", password="correct horse 42")
    return Site.objects.create(owner=owner, name="Bakery")


def test_rows_come_as_instances_with_what_is_joined(site, django_assert_num_queries):
    made = [Version.objects.create(site=site, number=n, changed_paths=["é"]) for n in (1, 2)]
    with django_assert_num_queries(1):
        found = LATEST.first(site=site.pk)
        assert found is not None
        assert found.site.name == "Bakery"
    assert found == made[1]
    assert (found.pk, found.changed_paths, found.created_at) == (
        made[1].pk,
        ["é"],
        made[1].created_at,
    )
    assert not found._state.adding
    assert LATEST.first(site=uuid4()) is None
    assert [tuple(row) for row in NUMBERS.rows(site=site.pk)] == [(v.pk, ["é"]) for v in made]


def test_an_update_writes_only_the_rows_asked_for_and_tells_how_many(site):
    for number in (1, 2):
        Version.objects.create(site=site, number=number, summary="old")
    assert RENAME.run(site=site.pk, number=2, summary="it's 100 %", changed_paths=["a"]) == 1
    assert RENAME.run(site=site.pk, number=3, summary="x", changed_paths=[]) == 0
    rows = Version.objects.order_by("number").values_list("number", "summary", "changed_paths")
    assert list(rows) == [(1, "old", []), (12, "it's 100 %", ["a"])]


def test_an_insert_stores_what_save_would_and_learns_its_key(site):
    blob = Blob(site=site, sha256="a" * 64, content=b"\x00\xff%s", size_bytes=4)
    BLOB.run(blob)
    stored = Blob.objects.get()
    assert (stored.pk, bytes(stored.content), stored.site_id) == (blob.pk, b"\x00\xff%s", site.pk)
    before = datetime.now(UTC)
    version = Version(site=site, number=1, origin="run")
    VERSION.run(version)
    version.refresh_from_db()
    assert before <= version.created_at <= datetime.now(UTC)
    assert version.parent is None


def test_a_replacing_insert_writes_over_the_row_that_is_there(site):
    for content in (b"one", b"three"):
        blob = Blob(site=site, sha256="b" * 64, content=content, size_bytes=len(content))
        REPLACED.run(blob)
    assert [(bytes(b.content), b.size_bytes) for b in Blob.objects.all()] == [(b"three", 5)]


def test_what_was_read_apart_is_taken_for_the_relation(site, django_assert_num_queries):
    Version.objects.create(site=site, number=1)
    prefetched(site, "versions", list(Version.objects.filter(site=site)))
    with django_assert_num_queries(0):
        (version,) = site.versions.all()
        assert version.site is site
