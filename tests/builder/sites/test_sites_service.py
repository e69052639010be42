from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from accounts.models import User
from billing.models import Hold
from builder.models import Run, Site
from builder.selectors.sites import site_get, sites_of
from builder.services import sites as service
from builder.services.sites import name_from_prompt, site_create, site_delete, site_rename
from config.errors import Conflict, InvalidInput, NotFound

# Constant: parallel test processes must collect the same names.
NOBODYS_ID = "3f0f7a52-6c62-4d6a-9b3a-6f3f6f4b2c11"


def run_of(site: Site, state: str) -> Run:
    now = timezone.now()
    hold = Hold.objects.create(
        user=site.owner, key=f"run:{uuid.uuid4()}", amount=100, expires_at=now
    )
    finished = state not in ("queued", "running")
    return Run.objects.create(
        owner=site.owner,
        site=site,
        hold=hold,
        idempotency_key=uuid.uuid4().hex,
        request_digest="",
        prompt="a site",
        model_slug="claude-3-haiku",
        token_cost=3,
        billing_unit="per_token",
        input_weight="0.2",
        estimate_low=1,
        estimate_high=2,
        ceiling=100,
        max_output_tokens=10,
        dispatched_at=now,
        state=state,
        finished_at=now if finished else None,
        charged=0 if finished else None,
    )


def test_a_name_is_trimmed_to_one_line(alice: User) -> None:
    assert site_create(owner=alice, name="  Bakery \n on  Main ").name == "Bakery on Main"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "name_empty"),
        (" \n ", "name_empty"),
        ("x" * 121, "name_too_long"),
        ("a\x00b", "name_characters"),
        ("a\u202eb", "name_characters"),
        ("a\ud800b", "name_characters"),
    ],
)
def test_a_bad_name_is_refused_and_nothing_is_written(alice: User, name: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        site_create(owner=alice, name=name)
    assert refused.value.code == code
    assert Site.objects.count() == 0


def test_renaming_changes_the_name_only(site: Site) -> None:
    site_rename(site=site, name="面包店")
    site.refresh_from_db()
    assert (site.name, site.deleted_at) == ("面包店", None)


def test_a_deleted_site_is_gone_for_its_owner(alice: User, site: Site) -> None:
    site_delete(site=site)
    assert list(sites_of(alice)) == []
    with pytest.raises(NotFound):
        site_get(user=alice, site_id=site.pk)


def test_deleting_twice_keeps_the_first_moment(site: Site) -> None:
    site_delete(site=site)
    site.refresh_from_db()
    first = site.deleted_at
    site_delete(site=site)
    site.refresh_from_db()
    assert site.deleted_at == first


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_site_with_an_unfinished_run_is_not_deleted(site: Site, state: str) -> None:
    run_of(site, state)
    with pytest.raises(Conflict) as refused:
        site_delete(site=site)
    assert refused.value.code == "run_in_progress"
    site.refresh_from_db()
    assert site.deleted_at is None


def test_a_site_with_finished_runs_is_deleted(site: Site) -> None:
    run_of(site, "failed")
    site_delete(site=site)
    site.refresh_from_db()
    assert site.deleted_at is not None


def test_there_is_a_most_of_sites(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SITES_MAX_PER_OWNER", 2)
    site_create(owner=alice, name="one")
    site_create(owner=alice, name="two")
    with pytest.raises(Conflict, match="2 sites"):
        site_create(owner=alice, name="three")
    assert Site.objects.count() == 2


@pytest.mark.parametrize("site_id", ["", "nonsense", "1", "../x", NOBODYS_ID])
def test_an_unknown_id_is_not_found(alice: User, site_id: str) -> None:
    with pytest.raises(NotFound):
        site_get(user=alice, site_id=site_id)


def test_somebody_elses_site_is_not_found(bob: User, site: Site) -> None:
    with pytest.raises(NotFound):
        site_get(user=bob, site_id=site.pk)


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A warm site for a bakery.", "A warm site for a bakery"),
        ("  \n\x00 ", "New site"),
        (
            "A landing page for Tidewater, an app that tells surfers when to go",
            "A landing page for Tidewater, an app that tells",
        ),
        (
            "为杭州的「云间茶馆」做一个中文网站：介绍西湖龙井等三款茶和价格、营业时间、地址，以及预约茶席的方式，风格清雅。",
            "为杭州的「云间茶馆」做一个中文网站：介绍西湖龙井",
        ),
    ],
)
def test_a_site_is_named_after_its_request(prompt: str, name: str) -> None:
    assert name_from_prompt(prompt) == name
