"""Usage, receipts and the dashboard in Chromium: accessible, fitting, usable without a mouse."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from billing.models import Grant
from billing.services.grants import grant_create
from builder.models import Attempt, Run
from builder.services.sites import site_create
from builder.services.versions import version_create
from tests.axe import findings
from tests.builder.usage.conftest import Making, purchase, spend

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def as_in_development(settings: Any) -> None:
    settings.DEBUG = True
    settings.SITES_DOMAIN = f"localhost:{settings.PORT}"
    settings.AI_EMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def history(make_run: Making, catalogue: None) -> Run:
    """Some weeks of work on three sites, from three pockets; gives back the latest run."""
    chance = random.Random(7)
    now = timezone.now()
    begin = now - timedelta(days=25)
    user = make_run.user
    purchase(user, 120_000, begin - timedelta(days=1))
    grant_create(
        user_id=user.pk,
        kind=Grant.Kind.PREMIUM_DAILY,
        amount=90_000,
        source="grant:premium:history",
        effective_at=begin,
    )
    names = ("Tea house with a very long name that will not fit into a narrow column", "茶馆")
    sites = [make_run.site, *(site_create(owner=user, name=name) for name in names)]
    models = ("claude-3-haiku", "claude-3-opus", "qwen-turbo", "gpt-4", "gemini-pro-vision")
    for day in range(25):
        for _ in range(chance.randint(0, 3)):
            make_run(
                chance.choice([None, 800, 3_180, 7_940]),
                begin + timedelta(days=day, minutes=chance.randint(0, 500)),
                site=chance.choice(sites),
                model_slug=chance.choice(models),
                usage_estimated=chance.random() < 0.2,
            )
    spend(user, 500, now - timedelta(hours=2))
    version = version_create(
        site=make_run.site,
        files={"index.html": "<h1>Bread</h1>", "style.css": "h1 {}"},
        origin="run",
        changed_paths=["index.html", "style.css"],
    )
    run = make_run(
        4_200, now - timedelta(hours=1), version=version, model_used_slug="claude-3-haiku"
    )
    for number, (slug, outcome) in enumerate(
        [("gpt-4", "rate_limited"), ("claude-3-haiku", "succeeded")], start=1
    ):
        Attempt.objects.create(
            run=run,
            number=number,
            model_slug=slug,
            provider_slug="openrouter",
            provider_model_id="x",
            outcome=outcome,
            charged=4_200 if outcome == "succeeded" else 0,
            started_at=now,
        )
    make_run.going(now)
    return run


# Both themes and the narrowest and widest window; between them, whether the page fits.
LOOKS = (("light", 390), ("light", 768), ("light", 1440), ("dark", 1440), ("dark", 390))


def wrong_on(page: Any, width: int) -> list[str]:
    """axe's findings, and whether the page is wider than the window."""
    wrong = findings(page) if width != 768 else []
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*wrong, f"{wide} px too wide"] if wide > 0 else wrong


def look_over(page: Any, url: str, name: str, themes: str = "light dark") -> dict[str, list[str]]:
    """What is wrong, by theme and width. KEEP_PICTURES names a folder to keep what was seen in."""
    wrong = {}
    page.goto(url)
    for theme, width in LOOKS:
        if theme not in themes.split():
            continue
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.wait_for_selector(f"html[data-bs-theme={theme}]", state="attached")
        page.set_viewport_size({"width": width, "height": 900})
        if found := wrong_on(page, width):
            wrong[f"{name} {theme} {width}"] = found
        if folder := os.environ.get("KEEP_PICTURES"):
            page.screenshot(path=Path(folder) / f"{name}-{theme}-{width}.png", full_page=True)
    return wrong


def test_every_page_is_accessible_and_fits(
    page: Any,
    live_server: Any,
    alice: User,
    history: Run,
    sign_in: Callable[[User], None],
    console_errors: list[str],
) -> None:
    sign_in(alice)
    url = live_server.url
    whole = f"from={timezone.now().date() - timedelta(days=29)}"
    assert look_over(page, f"{url}/usage/?{whole}", "usage") == {}
    assert look_over(page, f"{url}/usage/?from=2026-01-01&to=2026-12-01", "usage-weeks") == {}
    assert look_over(page, f"{url}/usage/?from=2030-01-01&to=2029-01-01", "usage-bad") == {}
    assert look_over(page, f"{url}/usage/?from=2020-01-01&to=2020-01-31", "usage-none") == {}
    assert look_over(page, f"{url}/usage/{history.pk}/", "receipt") == {}
    assert look_over(page, f"{url}/dashboard/", "dashboard") == {}
    # The miniatures are on a port that these tests do not serve; a refusal is one on purpose.
    console_errors[:] = [
        error for error in console_errors if "ERR_CONNECTION" not in error and "422" not in error
    ]


def test_pages_in_chinese_fit_too(
    page: Any,
    live_server: Any,
    alice: User,
    history: Run,
    sign_in: Callable[[User], None],
    console_errors: list[str],
) -> None:
    alice.language = "zh-hans"
    alice.time_zone = "Asia/Shanghai"
    alice.save()
    sign_in(alice)
    url = live_server.url
    assert look_over(page, f"{url}/usage/", "usage-zh", "light") == {}
    assert look_over(page, f"{url}/usage/{history.pk}/", "receipt-zh", "light") == {}
    assert look_over(page, f"{url}/dashboard/", "dashboard-zh", "light") == {}
    console_errors[:] = [error for error in console_errors if "ERR_CONNECTION" not in error]


def test_a_new_persons_pages(
    page: Any,
    live_server: Any,
    alice: User,
    catalogue: None,
    sign_in: Callable[[User], None],
) -> None:
    sign_in(alice)
    assert look_over(page, f"{live_server.url}/usage/", "usage-empty") == {}
    assert look_over(page, f"{live_server.url}/dashboard/", "dashboard-empty") == {}


def test_a_range_and_a_model_are_chosen_with_the_keyboard(
    page: Any, live_server: Any, alice: User, history: Run, sign_in: Callable[[User], None]
) -> None:
    sign_in(alice)
    page.goto(f"{live_server.url}/usage/")
    page.get_by_role("link", name="Last 30 days").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/usage/?from=*")
    assert page.get_by_role("link", name="Last 30 days").get_attribute("aria-current") == "true"
    total = page.locator(".usage-overview .big-number .num").inner_text()
    page.get_by_label("Model", exact=True).select_option(label="Claude 3 Haiku")
    page.get_by_label("Model", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**model=claude-3-haiku**")
    assert page.locator(".usage-overview .big-number .num").inner_text() != total
    fold = page.locator(".usage-figures summary")
    fold.focus()
    page.keyboard.press("Enter")
    assert page.locator(".usage-figures table").is_visible()


def test_from_the_list_to_a_receipt_to_what_it_made(
    page: Any, live_server: Any, alice: User, history: Run, sign_in: Callable[[User], None]
) -> None:
    sign_in(alice)
    # The run is an hour old: of another month, if this one has just begun.
    begin = timezone.now().date() - timedelta(days=29)
    page.goto(f"{live_server.url}/usage/?site={history.site_id}&from={begin}")
    page.locator(f"a[href='/usage/{history.pk}/']").click()
    assert page.locator("h1").inner_text() == "Receipt"
    link = page.get_by_role("link", name="Version 1 of Bakery on Main")
    assert link.get_attribute("href") == f"/sites/{history.site_id}/?version=1"


def test_the_receipts_are_saved_as_a_file(
    page: Any, live_server: Any, alice: User, history: Run, sign_in: Callable[[User], None]
) -> None:
    sign_in(alice)
    page.goto(f"{live_server.url}/usage/")
    for name in ("Receipts as CSV", "Sums as CSV"):
        with page.expect_download() as saving:
            page.get_by_role("link", name=name).click()
        assert saving.value.suggested_filename.endswith(".csv")
        assert saving.value.failure() is None


def test_the_balance_opens_the_pockets_on_every_page(
    page: Any, live_server: Any, alice: User, history: Run, sign_in: Callable[[User], None]
) -> None:
    sign_in(alice)
    for path in ("/usage/", f"/usage/{history.pk}/", "/help/"):
        page.goto(live_server.url + path)
        page.locator("[data-balance-chip]").click()
        assert "Purchased" in page.locator("#balance-menu").inner_text()
