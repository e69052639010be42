"""A comparison is one row: asked for by staff, done by a worker, told on the findings' page."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import User
from builder import tasks
from config.errors import Conflict
from emulators.ai.testing import emulator
from models_catalog.models import CatalogueComparison, CatalogueFinding
from models_catalog.truth import comparisons
from models_catalog.truth.comparisons import comparison_ask

pytestmark = pytest.mark.django_db

PAGE = "admin:models_catalog_cataloguefinding_changelist"


@pytest.fixture(scope="module")
def server():
    with emulator() as running:
        yield running


@pytest.fixture
def lists(server, settings, catalogue):
    server.reset()
    settings.AI_EMULATOR_URL = server.url
    settings.DEBUG = True
    return server


@pytest.fixture
def rung(monkeypatch) -> list[int]:
    """Comparisons that were rung for; nothing picks them up by itself."""
    ids: list[int] = []
    ring = tasks.catalogue_compare
    monkeypatch.setattr(ring, "apply_async", lambda args, **_options: ids.append(args[0]))
    return ids


@pytest.fixture
def staff(client, lists):
    client.force_login(User.objects.create_superuser("staff@example.com", "a long password"))
    return client


def ask(staff) -> str:
    return told(staff.post(reverse("staff-catalogue-compare"), follow=True))


def look(staff) -> str:
    return told(staff.get(reverse(PAGE)))


def told(answer) -> str:
    assert answer.status_code == 200
    return " ".join(re.sub(r"<(?!meta)[^>]*>", " ", answer.content.decode()).split())


def row() -> CatalogueComparison:
    return CatalogueComparison.objects.get()


def refreshes(page: str) -> list[str]:
    return re.findall(r'<meta http-equiv="refresh" content="(\d+)">', page)


def test_the_page_tells_how_far_it_is_and_looks_again_until_it_is_done(staff, rung):
    assert refreshes(look(staff)) == []
    page = ask(staff)
    assert "Waiting for a worker, asked 0 s ago." in page
    assert (refreshes(page), rung, CatalogueFinding.objects.count()) == (["2"], [row().pk], 0)
    CatalogueComparison.objects.update(started_at=timezone.now() - timedelta(seconds=12))
    page = look(staff)
    assert "Comparing… started 12 s ago, 0 of 4 providers are through." in page
    assert refreshes(page) == ["2"]
    CatalogueComparison.objects.update(started_at=None)
    assert tasks.catalogue_compare(row().pk)["openrouter"] == "compared"
    page = look(staff)
    assert f"Compared at {row().ended_at:%Y-%m-%d %H:%M} UTC." in page
    assert re.search(r"OpenRouter: \d+ models listed, \d+ new finding", page)
    assert "OpenAI: switched off or without a key, so not asked." in page
    assert refreshes(page) == []
    assert CatalogueFinding.objects.exists()


def test_one_that_is_being_done_is_not_started_again(staff, rung, monkeypatch):
    ask(staff)
    CatalogueComparison.objects.update(started_at=timezone.now())
    assert "being compared already. Nothing was started." in ask(staff)
    assert (len(rung), CatalogueComparison.objects.count()) == (1, 1)
    # The message comes twice, and beat rings meanwhile: nothing is done again.
    assert tasks.catalogue_compare(rung[0]) == {}
    assert tasks.catalogue_check() == {}
    assert row().results == []


def test_one_that_no_worker_took_says_so_and_is_rung_for_again(staff, rung):
    ask(staff)
    CatalogueComparison.objects.update(asked_at=timezone.now() - timedelta(seconds=40))
    page = ask(staff)
    assert "No worker has taken it for 40 s: is one running?" in page
    assert (refreshes(page), rung) == (["15"], [row().pk] * 2)
    assert tasks.catalogue_compare(rung[0])["qwen"] == "compared"
    assert tasks.catalogue_compare(rung[1]) == {}


def test_redis_being_away_is_told_and_leaves_nothing_under_way(staff, monkeypatch):
    def away(**_options):
        raise OperationalError("Connection refused")

    monkeypatch.setattr(tasks.catalogue_compare, "apply_async", away)
    page = ask(staff)
    assert "No worker could be told: Redis is away. Start it, then compare again." in page
    assert (row().state, refreshes(page)) == ("failed", [])
    failed = row()
    assert comparison_ask().pk != failed.pk


def test_one_whose_worker_is_gone_is_told_and_gives_way_to_the_next(staff, rung):
    ask(staff)
    long_ago = timezone.now() - timedelta(seconds=121)
    CatalogueComparison.objects.update(started_at=long_ago, seen_at=long_ago)
    page = look(staff)
    assert "The comparison failed. Its worker went away before it was done." in page
    assert refreshes(page) == []
    assert "Waiting for a worker, asked 0 s ago." in ask(staff)
    assert [one.state for one in CatalogueComparison.objects.all()] == ["under_way", "failed"]


def test_our_own_bug_ends_it(staff, rung, monkeypatch):
    def broken(**_arguments):
        raise RuntimeError("a bug")

    ask(staff)
    monkeypatch.setattr(comparisons, "catalogue_compare", broken)
    assert tasks.catalogue_compare(rung[0]) == {}
    page = look(staff)
    assert "The comparison failed. Something broke on our side (RuntimeError)" in page


def test_a_list_that_can_not_be_read_is_named(staff, rung, lists):
    lists.listing("openrouter", status=500)
    ask(staff)
    tasks.catalogue_compare(rung[0])
    assert re.search(r"OpenRouter: nothing was changed\. .*500", look(staff))


def test_beat_does_it_without_anybody_asking(staff):
    assert tasks.catalogue_check()["openrouter"] == "compared"
    assert row().state == "done"


def test_old_ones_are_forgotten(staff, rung):
    old = timezone.now() - timedelta(days=91)
    CatalogueComparison.objects.create(asked_at=old, seen_at=old, state="done", ended_at=old)
    ask(staff)
    assert [one.state for one in CatalogueComparison.objects.all()] == ["under_way"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("sqlite" in connection.vendor, reason="SQLite lets one writer in at a time")
def test_of_many_who_ask_at_once_all_wait_for_one():
    answers: list[int | str] = []
    gate = threading.Barrier(8)

    def go() -> None:
        gate.wait()
        try:
            answers.append(comparison_ask().pk)
        except Conflict:
            answers.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [row().pk] * 8
