"""Pages in Chromium: accessible in both themes, no sideways scroll, usable from the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings

from accounts.models import User
from builder.models import Run, Site
from tests.axe import findings

pytestmark = pytest.mark.browser
PUBLIC = (
    "/",
    "/pricing/",
    "/models/",
    "/gallery/",
    "/help/",
    "/status/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
)
PRIVATE = (
    "/dashboard/",
    "/usage/",
    "/billing/",
    "/account/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/sessions/",
    "/accounts/logout/",
)


@pytest.fixture(autouse=True)
def as_in_development(settings: Any) -> None:
    """The samples' banner is part of what is looked at; sites are below localhost."""
    settings.DEBUG = True
    settings.SITES_DOMAIN = f"localhost:{settings.PORT}"
    settings.AI_EMULATOR_URL = "http://127.0.0.1:9"


def sideways(page: Any) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def look_over(page: Any, url: str, paths: tuple[str, ...]) -> dict[str, Any]:
    """Everything that is wrong, by page, theme and width; empty when nothing is."""
    wrong: dict[str, Any] = {}
    for path in paths:
        page.goto(url + path)
        for theme, width in (("light", 1440), ("dark", 390)):
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.wait_for_selector(f"html[data-bs-theme={theme}]", state="attached")
            if found := findings(page):
                wrong[f"{path} {theme}"] = found
        for width in (320, 390, 768, 1024, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            if sideways(page) > 0:
                wrong[f"{path} {width}"] = f"{sideways(page)} px too wide"
    return wrong


def test_public_pages_are_accessible_and_fit(page: Any, live_server: Any, catalogue: None) -> None:
    assert look_over(page, live_server.url, PUBLIC) == {}


def test_private_pages_are_accessible_and_fit(
    page: Any,
    live_server: Any,
    person: User,
    sign_in: Callable[[User], None],
    make_run: Callable[..., Run],
    console_errors: list[str],
) -> None:
    make_run(charged=3_180)
    sign_in(person)
    assert look_over(page, live_server.url, PRIVATE) == {}
    # The miniature on the dashboard is on a port that these tests do not serve.
    console_errors[:] = [error for error in console_errors if "ERR_CONNECTION" not in error]


def test_pages_in_chinese_are_accessible_and_fit(
    page: Any, live_server: Any, catalogue: None
) -> None:
    cookie = {"name": "django_language", "value": "zh-hans", "url": live_server.url}
    page.context.add_cookies([cookie])
    assert look_over(page, live_server.url, ("/", "/pricing/", "/models/", "/help/")) == {}
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"


def test_components_are_accessible_in_every_state(page: Any, live_server: Any, db: None) -> None:
    with override_settings(ROOT_URLCONF="tests.pages.urls"):
        assert look_over(page, live_server.url, ("/_components/",)) == {}


def test_first_tab_skips_to_the_content(page: Any, live_server: Any, db: None) -> None:
    page.goto(live_server.url + "/help/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_menu_works_from_the_keyboard(
    page: Any, live_server: Any, person: User, sign_in: Callable[[User], None]
) -> None:
    sign_in(person)
    page.goto(live_server.url + "/help/")
    opener = page.get_by_role("button", name="Your account")
    opener.focus()
    page.keyboard.press("Enter")
    assert page.locator("#account-menu").is_visible()
    assert opener.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    assert page.locator("#account-menu").is_hidden()
    assert page.evaluate("document.activeElement.getAttribute('popovertarget')") == "account-menu"


def test_balance_opens_and_names_the_pocket(
    page: Any, live_server: Any, person: User, sign_in: Callable[[User], None]
) -> None:
    sign_in(person)
    page.goto(live_server.url + "/help/")
    page.get_by_role("button", name="10,000").click()
    menu = page.locator("#balance-menu")
    assert menu.is_visible()
    assert "Free this month" in menu.inner_text()


def test_theme_choice_is_remembered(page: Any, live_server: Any, db: None) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(live_server.url + "/help/")
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    page.goto(live_server.url + "/pricing/")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    page.get_by_role("button", name="Menu").click()
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="As the system").click()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "light"


def test_language_switch_works_in_the_menu(page: Any, live_server: Any, db: None) -> None:
    page.goto(live_server.url + "/pricing/")
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="中文").click()
    page.wait_for_selector("html[lang=zh-Hans]", state="attached")
    assert page.url == live_server.url + "/pricing/"


def test_from_the_front_door_to_a_workspace_in_three_clicks(
    page: Any, live_server: Any, catalogue: None, console_errors: list[str]
) -> None:
    page.goto(live_server.url)
    page.get_by_label("What should the site be?").fill("A site for a tea house")
    page.get_by_role("button", name="Start building").click()
    page.get_by_label("Email").fill("li@example.com")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/dashboard/")
    assert page.get_by_label("What should the site be?").input_value() == "A site for a tea house"
    page.get_by_role("button", name="Open the workspace").click()
    page.wait_for_url("**/sites/*-*/")
    assert Site.objects.get().owner.email == "li@example.com"
    assert page.locator("textarea[name=prompt]").input_value() == "A site for a tea house"
    # The workspace's live frame is on a port that these tests do not serve.
    console_errors[:] = [error for error in console_errors if "ERR_CONNECTION" not in error]
