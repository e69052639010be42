from __future__ import annotations

import hashlib
import threading

import pytest
from django.db import connection, transaction

from accounts.models import User
from builder.models import Blob, Site, Version
from builder.selectors.sites import (
    file_facts,
    version_files,
    version_latest,
    version_of_site,
    versions_of,
)
from builder.services import versions as service
from builder.services.sites import site_create
from builder.services.versions import version_create, version_edit, version_restore
from config.errors import Conflict, InvalidInput, NotFound, TooLarge

PAGE = "<!doctype html><title>Brot</title><h1>Brot</h1>"
STYLE = "h1 { color: teal }"


def make(site: Site, files: dict[str, str | bytes], **options: object) -> Version:
    given = {"origin": Version.Origin.RUN, "parent": version_latest(site), **options}
    return version_create(site=site, files=files, **given)  # type: ignore[arg-type]


def nothing_stored() -> bool:
    return not (Version.objects.exists() or Blob.objects.exists())


def test_versions_are_numbered_from_one(site: Site) -> None:
    assert [make(site, {"index.html": f"{n}"}).number for n in range(3)] == [1, 2, 3]
    assert [version.number for version in versions_of(site)] == [3, 2, 1]


def test_bytes_come_back_as_they_were(site: Site) -> None:
    files: dict[str, str | bytes] = {
        "index.html": "\ufeff<p>a\r\nb</p>\n\n",
        "js/app.js": b"let a = '\xe4\xb8\xad';\r\n",
        "zh/首页.html": "<p>中文，标点。</p>",
        "empty.css": "",
    }
    stored = version_files(make(site, files))
    assert stored == {
        path: content if isinstance(content, bytes) else content.encode()
        for path, content in files.items()
    }


def test_the_same_bytes_are_kept_once_a_site(site: Site, alice: User) -> None:
    make(site, {"index.html": PAGE, "copy.html": PAGE, "style.css": STYLE})
    make(site, {"index.html": PAGE, "style.css": STYLE + " "})
    assert Blob.objects.filter(site=site).count() == 3
    other = site_create(owner=alice, name="Other")
    make(other, {"index.html": PAGE})
    assert Blob.objects.filter(site=other).count() == 1


def test_what_changed_is_found_against_the_parent(site: Site) -> None:
    first = make(site, {"index.html": PAGE, "style.css": STYLE})
    second = make(site, {"index.html": PAGE + "!", "new.js": "1"})
    assert first.changed_paths == ["index.html", "style.css"]
    assert second.changed_paths == ["index.html", "new.js", "style.css"]
    assert second.parent == first


def test_facts_are_sizes_and_digests(site: Site) -> None:
    version = make(site, {"index.html": PAGE})
    digest = hashlib.sha256(PAGE.encode()).hexdigest()
    assert file_facts(version) == [{"path": "index.html", "size": len(PAGE), "sha256": digest}]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "no_files"),
        ({"../index.html": PAGE}, "path_outside"),
        ({"/etc/x.html": PAGE}, "path_absolute"),
        ({"a\x00.html": PAGE}, "path_characters"),
        ({"run.exe": "MZ"}, "path_extension"),
        ({"CON.html": PAGE}, "path_reserved"),
        ({"Index.html": PAGE, "index.html": PAGE}, "path_twice"),
        ({"./index.html": PAGE, "index.html": PAGE}, "path_twice"),
        ({"a.html": PAGE, "a.html/b.html": PAGE}, "path_twice"),
        ({"index.html": "\ud800"}, "not_text"),
    ],
)
def test_what_no_site_may_have_is_refused(site: Site, files: dict[str, str], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make(site, dict(files))
    assert refused.value.code == code
    assert nothing_stored()


def test_limits_are_exact(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_FILES", 2)
    monkeypatch.setattr(service, "MAX_FILE_BYTES", 10)
    monkeypatch.setattr(service, "MAX_VERSION_BYTES", 15)
    for files, code in [
        ({"a.html": "", "b.html": "", "c.html": ""}, "too_many_files"),
        ({"a.html": "x" * 11}, "file_too_large"),
        ({"a.html": "中" * 4}, "file_too_large"),
        ({"a.html": "x" * 10, "b.html": "x" * 6}, "site_too_large"),
    ]:
        with pytest.raises(TooLarge) as refused:
            make(site, dict(files))
        assert refused.value.code == code
        assert nothing_stored()
    assert make(site, {"a.html": "x" * 10, "b.html": "x" * 5}).number == 1


def test_a_failed_transaction_leaves_no_gap(site: Site) -> None:
    with transaction.atomic():
        make(site, {"index.html": "lost"})
        transaction.set_rollback(True)
    assert make(site, {"index.html": PAGE}).number == 1


def test_a_summary_is_one_line_of_200_characters(site: Site) -> None:
    version = make(site, {"index.html": PAGE}, summary="a\nb\x00c " + "x" * 300)
    assert version.summary.startswith("a b c xxx")
    assert len(version.summary) == 200


def test_a_new_version_moves_the_site_up(site: Site, alice: User) -> None:
    before = site.updated_at
    make(site, {"index.html": PAGE})
    assert Site.objects.get(pk=site.pk).updated_at > before


def test_restoring_makes_a_new_version_on_top(site: Site) -> None:
    make(site, {"index.html": "one"})
    make(site, {"index.html": "two", "style.css": STYLE})
    restored = version_restore(site=site, number=1)
    assert (restored.number, restored.origin) == (3, "restore")
    assert version_files(restored) == {"index.html": b"one"}
    assert restored.parent is not None
    assert restored.parent.number == 2
    assert restored.changed_paths == ["index.html", "style.css"]
    assert version_files(version_of_site(site=site, number=2)) == {
        "index.html": b"two",
        "style.css": STYLE.encode(),
    }


def test_restoring_the_latest_is_refused(site: Site) -> None:
    make(site, {"index.html": "one"})
    with pytest.raises(Conflict) as refused:
        version_restore(site=site, number=1)
    assert refused.value.code == "already_latest"
    assert Version.objects.count() == 1


@pytest.mark.parametrize("number", [0, -1, 2, 2**31, 10**30])
def test_restoring_what_is_not_there_is_not_found(site: Site, number: int) -> None:
    make(site, {"index.html": "one"})
    with pytest.raises(NotFound):
        version_restore(site=site, number=number)


def test_a_hand_edit_is_laid_over_the_latest(site: Site) -> None:
    make(site, {"index.html": PAGE, "style.css": STYLE, "old.js": "1"})
    edited = version_edit(site=site, files={"style.css": "h1{}"}, removed=["old.js"], base_number=1)
    assert version_files(edited) == {"index.html": PAGE.encode(), "style.css": b"h1{}"}
    assert (edited.origin, edited.changed_paths) == ("hand", ["old.js", "style.css"])
    assert edited.summary == "Edited old.js, style.css"


def test_a_hand_edit_may_be_the_first_version(site: Site) -> None:
    assert version_edit(site=site, files={"index.html": PAGE}, base_number=0).number == 1


def test_a_stale_hand_edit_is_refused_and_writes_nothing(site: Site) -> None:
    make(site, {"index.html": "one"})
    make(site, {"index.html": "two"})
    with pytest.raises(Conflict) as refused:
        version_edit(site=site, files={"index.html": "three"}, base_number=1)
    assert refused.value.code == "stale_version"
    assert refused.value.extra == {"latestVersion": 2}
    assert Version.objects.count() == 2


@pytest.mark.parametrize(
    ("files", "removed", "code"),
    [
        ({"index.html": "one"}, [], "nothing_changed"),
        ({}, [], "nothing_changed"),
        ({}, ["none.css"], "no_such_file"),
        ({}, ["../index.html"], "path_outside"),
        ({}, ["index.html"], "no_files"),
    ],
)
def test_a_hand_edit_that_means_nothing_is_refused(
    site: Site, files: dict[str, str], removed: list[str], code: str
) -> None:
    make(site, {"index.html": "one"})
    with pytest.raises(InvalidInput) as refused:
        version_edit(site=site, files=files, removed=removed)
    assert refused.value.code == code
    assert Version.objects.count() == 1


def in_threads(count: int, work: object) -> list[BaseException | None]:
    """Runs `work(n)` in `count` threads that start together, each with its own connection."""
    start = threading.Barrier(count)
    outcomes: list[BaseException | None] = [None] * count

    def one(number: int) -> None:
        start.wait()
        try:
            work(number)  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001 - the outcome is what is looked at
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_parallel_writers_get_numbers_without_gaps_or_doubles(site: Site) -> None:
    outcomes = in_threads(
        12, lambda n: version_create(site=site, files={"index.html": f"{n % 3}"}, origin="run")
    )
    assert outcomes == [None] * 12
    numbers = sorted(Version.objects.filter(site=site).values_list("number", flat=True))
    assert numbers == list(range(1, 13))
    assert Blob.objects.filter(site=site).count() == 3


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_parallel_writers_collide(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same race with the lock taken away must lose somebody's version."""
    barrier = threading.Barrier(4, timeout=10)

    def no_lock(one: Site) -> Site:
        return Site.objects.get(pk=one.pk)

    real_changed = service._changed

    # Called after the last number was read and before the next one is written.
    def changed_together(parent: Version | None, contents: dict[str, bytes]) -> list[str]:
        barrier.wait()
        return real_changed(parent, contents)

    monkeypatch.setattr(service, "site_lock", no_lock)
    monkeypatch.setattr(service, "_changed", changed_together)
    outcomes = in_threads(
        4, lambda n: version_create(site=site, files={"index.html": f"{n}"}, origin="run")
    )
    assert len([outcome for outcome in outcomes if outcome is not None]) == 3


@pytest.mark.django_db(transaction=True)
def test_of_parallel_hand_edits_on_one_base_one_wins(site: Site) -> None:
    make(site, {"index.html": "base"})
    outcomes = in_threads(
        6, lambda n: version_edit(site=site, files={"index.html": f"{n}"}, base_number=1)
    )
    lost = [outcome for outcome in outcomes if outcome is not None]
    assert len(lost) == 5
    assert all(isinstance(o, Conflict) and o.code == "stale_version" for o in lost)
    assert Version.objects.filter(site=site).count() == 2
