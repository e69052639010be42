"""The usage page, receipts and the dashboard, as a person reads them."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from billing.models import Grant
from billing.services.grants import grant_create
from builder.models import Attempt, Run, Site
from builder.services.sites import site_create
from builder.services.versions import version_create
from tests.builder.usage.conftest import NOON, Making, purchase, spend

pytestmark = pytest.mark.usefixtures("at_noon", "catalogue")


@pytest.fixture
def at_noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def words(response: Any, status: int = 200) -> str:
    """The words of a page, tags and line breaks aside."""
    assert response.status_code == status
    html = re.sub(r"<title.*?</title>|<desc.*?</desc>", " ", response.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_page_adds_up_this_month(member: Client, make_run: Making) -> None:
    make_run(3_180, NOON - timedelta(days=2), model_used_slug="qwen-turbo")
    make_run(820, NOON - timedelta(days=1))
    make_run(None, NOON)
    make_run(5, NOON - timedelta(days=40))
    said = words(member.get("/usage/"))
    assert "Tokens charged 4,000 tokens 3 requests, 1 Nov 2026 to 22 Nov 2026, UTC time" in said
    assert "By model Qwen Turbo 3,180 80 % 1 request Claude 3 Haiku 820 20 % 2 requests" in said
    assert "By site Bakery on Main 4,000 100 % 3 requests" in said
    assert "Day Free Charged 20 Nov 3,180 3,180 21 Nov 820 820 Total 4,000 4,000" in said


def test_the_chart_is_told_in_words_and_drawn_to_scale(member: Client, make_run: Making) -> None:
    purchase(make_run.user, 50_000)
    make_run(15_000, NOON - timedelta(days=2))
    html = member.get("/usage/").content.decode()
    assert "Tokens charged by day, stacked by pocket</title>" in html
    assert "15,000 tokens in all, the most at 20 Nov: 15,000." in html
    assert "20 Nov: 15,000 (Free 10,000, Purchased 5,000)</title>" in html
    bars = re.findall(
        r'chart-slice pocket-(\w+)" x="[\d.]+%" y="([\d.]+)%"[^>]*height="([\d.]+)%"', html
    )
    assert bars == [("free_monthly", "50.000", "50.000"), ("purchased", "25.000", "25.000")]


def test_long_ranges_are_drawn_by_week(member: Client, make_run: Making) -> None:
    make_run(100, NOON)  # a Sunday
    make_run(10, NOON - timedelta(days=6))  # its Monday
    make_run(1, NOON - timedelta(days=7))  # the Sunday before
    said = words(member.get("/usage/?from=2026-01-01&to=2026-11-22"))
    assert "Week from Free Charged 9 Nov 1 1 16 Nov 110 110 Total 111 111" in said


def test_ranges_and_filters_narrow_down(member: Client, make_run: Making) -> None:
    other = site_create(owner=make_run.user, name="Tea house")
    make_run(100)
    make_run(30, site=other, model_used_slug="qwen-turbo")
    make_run(7, NOON - timedelta(days=30))
    assert "Tokens charged 130 tokens" in words(member.get("/usage/"))
    last_month = "/usage/?from=2026-10-01&to=2026-10-31"
    assert last_month.replace("&", "&amp;") in member.get("/usage/").content.decode()
    assert "Tokens charged 7 tokens" in words(member.get(last_month))
    assert "Tokens charged 30 tokens" in words(member.get(f"/usage/?site={other.pk}"))
    assert "Tokens charged 100 tokens" in words(member.get("/usage/?model=claude-3-haiku"))
    assert "Nothing used in these days" in words(member.get("/usage/?model=claude-3-opus"))


def test_days_are_those_of_the_persons_zone(member: Client, make_run: Making) -> None:
    make_run.user.time_zone = "Pacific/Kiritimati"
    make_run.user.save()
    make_run(100, NOON.replace(day=21, hour=11))
    said = words(member.get("/usage/?from=2026-11-22&to=2026-11-22"))
    assert "Tokens charged 100 tokens" in said
    assert "Pacific/Kiritimati time" in said
    assert "22 Nov 2026, 01:00" in said


@pytest.mark.parametrize(
    ("query", "about"),
    [
        ("from=yesterday", "From"),
        ("to=2026-02-30", "To"),
        ("from=2026-11-22&to=2026-11-01", "From"),
        ("from=2020-01-01&to=2026-01-01", "From"),
        ("from=0001-01-01", "From"),
        ("model=%00", "Model"),
        ("model=gpt-9", "Model"),
        ("model=" + "x" * 500, "Model"),
    ],
)
def test_a_bad_parameter_is_told_beside_its_field(
    member: Client, make_run: Making, query: str, about: str
) -> None:
    make_run(100)
    answer = member.get(f"/usage/?{query}")
    said = words(answer, 422)
    assert re.search(rf"{about}: [A-Z]", said)
    assert "These days can not be shown" in said
    assert "Tokens charged" not in said
    assert 'aria-invalid="true"' in answer.content.decode()
    assert words(member.get(f"/usage/receipts.csv?{query}"), 422) == said


@pytest.mark.parametrize("site_id", ["x", "0", str(uuid.UUID(int=7)), "\x00"])
def test_a_site_that_is_not_the_persons_does_not_exist(member: Client, site_id: str) -> None:
    assert member.get("/usage/", {"site": site_id}).status_code == 404
    assert member.get("/usage/receipts.csv", {"site": site_id}).status_code == 404


def test_somebody_elses_site_and_receipts_do_not_exist(
    client: Client, make_run: Making, bob: User
) -> None:
    run = make_run(100)
    client.force_login(bob)
    assert client.get(f"/usage/?site={make_run.site.pk}").status_code == 404
    assert client.get(f"/usage/{run.pk}/").status_code == 404
    for path in ("/usage/", "/dashboard/"):
        html = client.get(path).content.decode()
        assert "Bakery on Main" not in html
        assert run.prompt not in html
    assert b"".join(client.get("/usage/receipts.csv")).count(b"\n") == 1


def test_who_used_nothing_yet_is_shown_what_to_do(member: Client) -> None:
    said = words(member.get("/usage/"))
    assert "Nothing used yet" in said
    assert "Describe a site" in said


def test_receipts_are_paged_and_keep_the_filters(member: Client, make_run: Making) -> None:
    for number in range(30):
        make_run(10 + number, NOON - timedelta(minutes=number))
    first = member.get("/usage/?model=claude-3-haiku")
    assert "Page 1 of 2" in words(first)
    next_page = "?from=2026-11-01&amp;to=2026-11-22&amp;model=claude-3-haiku&amp;page=2"
    assert f'href="{next_page}"' in first.content.decode()
    second = member.get("/usage/?model=claude-3-haiku&page=2")
    assert "Page 2 of 2" in words(second)
    charged = re.compile(r'data-label="Charged">\s*(\d+)')
    both = [
        int(found) for page in (first, second) for found in charged.findall(page.content.decode())
    ]
    assert both == list(range(10, 40))


@pytest.mark.parametrize("number", ["0", "-1", "9999", "x", "1e9", ""])
def test_any_page_number_is_answered(member: Client, make_run: Making, number: str) -> None:
    make_run(1)
    assert "Page" not in words(member.get("/usage/", {"page": number}))


def test_what_no_run_made_is_listed_as_other(member: Client, make_run: Making) -> None:
    spend(make_run.user, 44, NOON)
    said = words(member.get("/usage/"))
    assert "By model Other 44 100 %" in said
    assert "Other Not a request of yours · 22 Nov 2026, 12:00 44" in said


def test_a_receipt_tells_everything(member: Client, make_run: Making) -> None:
    purchase(make_run.user, 50_000)
    version = version_create(
        site=make_run.site,
        files={"index.html": "<h1>Bread</h1>"},
        origin="run",
        changed_paths=["index.html"],
    )
    run = make_run(
        11_000,
        model_slug="claude-3-opus",
        model_used_slug="claude-3-haiku",
        version=version,
        usage_estimated=True,
        prompt="A <b>bakery</b>",
        ceiling=12_000,
    )
    tried = [
        ("claude-3-opus", "openrouter", "rate_limited", 0),
        ("claude-3-haiku", "gone-away", "succeeded", 11_000),
    ]
    for number, (slug, provider, outcome, charged) in enumerate(tried, start=1):
        Attempt.objects.create(
            run=run,
            number=number,
            model_slug=slug,
            provider_slug=provider,
            provider_model_id="x",
            outcome=outcome,
            charged=charged,
            started_at=NOON,
        )
    answer = member.get(f"/usage/{run.pk}/")
    said = words(answer)
    assert "Charged 11,000 tokens Free 10,000 Purchased 1,000" in said
    assert "Model asked for Claude 3 Opus Model that answered Claude 3 Haiku" in said
    assert "Read by the model 610 Written by the model 938 Counted by our estimate" in said
    assert "Never more than 12,000" in said
    assert "Claude 3 Opus OpenRouter The provider was too busy 0" in said
    assert "Claude 3 Haiku gone-away Answered 11,000" in said
    assert "3 tokens for each token written and 0.6 for each one read, rounded up once." in said
    assert f'href="/sites/{make_run.site.pk}/?version=1"' in answer.content.decode()
    assert "<b>bakery" not in answer.content.decode()


def test_a_receipt_of_nothing_says_so(member: Client, make_run: Making) -> None:
    run = make_run(None, error_message="The provider broke off. Not charged. Try again.")
    said = words(member.get(f"/usage/{run.pk}/"))
    assert "Charged Nothing Model asked for" in said
    assert "What it made The provider broke off. Not charged. Try again." in said
    going = make_run.going()
    assert "At most 5,000 tokens" in words(member.get(f"/usage/{going.pk}/"))


def test_the_receipt_of_a_deleted_site_stays(member: Client, make_run: Making) -> None:
    version = version_create(site=make_run.site, files={"index.html": "x"}, origin="run")
    run = make_run(100, version=version)
    Site.objects.filter(pk=make_run.site.pk).update(deleted_at=NOON)
    answer = member.get(f"/usage/{run.pk}/")
    assert "Version 1 of a site that you deleted since." in words(answer)
    assert f"/sites/{make_run.site.pk}/" not in answer.content.decode()
    assert "Bakery on Main (deleted)" in words(member.get("/usage/"))


@pytest.mark.parametrize("path", ["/usage/", "/usage/receipts.csv", "/usage/{run}/"])
def test_pages_are_read_only_and_for_people_who_signed_in(
    member: Client, make_run: Making, path: str
) -> None:
    path = path.format(run=make_run(1).pk)
    assert member.post(path).status_code == 405
    asked = Client().get(path)
    assert asked.status_code == 302
    assert asked["Location"].startswith("/accounts/login/")


def test_no_inline_script_or_style(member: Client, make_run: Making) -> None:
    run = make_run(100)
    for path in ("/usage/", f"/usage/{run.pk}/", "/dashboard/", "/usage/?from=x"):
        html = member.get(path).content.decode()
        assert " style=" not in html
        assert " onclick=" not in html
        assert re.findall(r"<script(?![^>]*src=)", html) == []


def test_a_page_takes_few_queries_however_much_was_used(
    member: Client, make_run: Making, django_assert_max_num_queries: Any
) -> None:
    purchase(make_run.user, 100_000)
    for number in range(40):
        make_run(500 + number, NOON - timedelta(minutes=number))
    member.get("/help/")  # the session is noted as in use at its first visit
    for path in ("/usage/", "/dashboard/", f"/usage/{Run.objects.all()[0].pk}/"):
        with django_assert_max_num_queries(15):
            assert member.get(path).status_code == 200


def test_the_dashboard_tells_pockets_resets_plan_and_what_is_left(
    member: Client, make_run: Making
) -> None:
    make_run.user.time_zone = "Europe/Paris"
    make_run.user.save()
    purchase(make_run.user, 200_000)
    make_run(3_180)
    said = words(member.get("/dashboard/"))
    assert "Available now 206,820 tokens" in said
    assert "Free this month 6,820 tokens full again 1 Dec, 01:00 CET" in said
    assert "Purchased 200,000 tokens" in said
    assert "Plan Packages No subscription. Nothing is charged by itself." in said
    assert "Claude 3 Haiku ≈ 25 pages" in said


def test_the_dashboard_says_what_comes_first(
    member: Client, make_run: Making, settings: Any
) -> None:
    settings.AI_EMULATOR_URL = "http://127.0.0.1:9"  # models can be chosen
    assert "Too few tokens" not in words(member.get("/dashboard/"))
    going = make_run.going()
    said = words(member.get("/dashboard/"))
    assert "“Bakery on Main” is being written" in said
    Run.objects.filter(pk=going.pk).update(state="failed", finished_at=NOON, charged=0)
    spend(make_run.user, 4_990, NOON)
    assert "Too few tokens for another page" in words(member.get("/dashboard/"))


def test_the_dashboard_tells_a_debt(member: Client, make_run: Making) -> None:
    from billing.services.clawbacks import grant_claw_back

    grant = grant_create(
        user_id=make_run.user.pk,
        kind=Grant.Kind.PURCHASED,
        amount=1_000,
        source="purchase:owed",
        effective_at=NOON - timedelta(days=1),
    )
    make_run(10_400)
    grant_claw_back(grant_id=grant.pk, target=1_000, key="refund:1", may_owe=True, now=NOON)
    assert "You owe 400 tokens" in words(member.get("/dashboard/"))


def test_every_page_shows_the_balance_and_opens_the_pockets(
    member: Client, make_run: Making
) -> None:
    make_run(3_180)
    for path in ("/dashboard/", "/usage/", "/billing/", f"/sites/{make_run.site.pk}/", "/help/"):
        html = member.get(path).content.decode()
        assert "<span data-balance-amount>6,820</span>" in html
        assert 'popovertarget="balance-menu"' in html
