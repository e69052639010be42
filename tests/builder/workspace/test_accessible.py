"""The pages below /sites/ for everybody: axe in every state, themes and widths; the keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest

from emulators.ai.testing import EmulatorClient
from tests.axe import findings
from tests.builder.workspace.conftest import Desk
from tests.pages.test_browser import sideways
from tests.stack import Stack

CHINESE = re.compile(r"[\u4e00-\u9fff]")
PAGE = "<!doctype html><html lang=en><title>Brot</title><h1>Brot</h1><p>Bread from 7.</p>"
LOOKS = (("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390))


def look_over(page: Any, state: str) -> dict[str, Any]:
    """What is wrong with the page as it stands, by theme and width; empty when nothing is."""
    wrong: dict[str, Any] = {}
    for theme, width in LOOKS:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.wait_for_selector(f"html[data-bs-theme={theme}]", state="attached")
        if found := findings(page):
            wrong[f"{state} {theme} {width}"] = found
        if sideways(page) > 0:
            wrong[f"{state} {width}"] = f"{sideways(page)} px too wide"
    return wrong


def test_an_empty_workspace_is_accessible(desk: Desk) -> None:
    desk.open(desk.site())
    desk.page.wait_for_selector("[data-first-ask]")
    assert look_over(desk.page, "empty") == {}
    desk.page.click("[data-models-open]")
    assert look_over(desk.page, "models") == {}


def test_a_running_workspace_is_accessible(desk: Desk, ai: EmulatorClient) -> None:
    ai.rule({"stall": {"after_chars": 2500, "seconds": 100}})
    desk.open(desk.site())
    desk.send("A bakery")
    desk.page.wait_for_selector("[data-run-files] li")
    desk.page.wait_for_selector("[data-live-frame]:not(.is-waiting)")
    assert look_over(desk.page, "running") == {}
    desk.page.click("[data-stop]")
    desk.wait_ended("cancelled")
    assert look_over(desk.page, "stopped") == {}


def test_a_finished_workspace_is_accessible(desk: Desk) -> None:
    site_id = desk.site({"index.html": PAGE})
    desk.open(site_id)
    desk.send("Make the heading bigger")
    desk.wait_ended()
    desk.page.wait_for_selector("[data-version-label]:text-is('v2')")
    assert look_over(desk.page, "done") == {}
    desk.page.set_viewport_size({"width": 1440, "height": 844})
    desk.page.click("[data-versions-open]")
    desk.page.wait_for_selector(".versions-list .version-row")
    assert findings(desk.page) == []
    desk.page.keyboard.press("Escape")
    desk.page.click("[data-tab=code]")
    desk.page.wait_for_selector(".code-files button")
    assert look_over(desk.page, "code") == {}
    for path in ("/sites/", f"/sites/{site_id}/versions/"):
        desk.page.goto(desk.stack.base_url + path)
        assert look_over(desk.page, path) == {}


def test_a_refused_and_a_failed_request_are_accessible(
    desk: Desk, ai: EmulatorClient, console_errors: list[str]
) -> None:
    desk.open(desk.site({"index.html": PAGE + "<p>word</p>" * 2500}))
    choose = """() => {
      const input = document.querySelector("input[name=model][value=claude-3-opus]");
      input.checked = true;
      input.dispatchEvent(new Event("change", {bubbles: true}));
    }"""
    desk.page.evaluate(choose)
    desk.send("Bigger")
    desk.page.wait_for_selector("[data-refusal]")
    assert look_over(desk.page, "402") == {}
    console_errors.clear()  # the 402 itself
    ai.rule({"status": 400})
    desk.open(desk.site())
    desk.send("A bakery")
    desk.wait_ended("failed")
    assert look_over(desk.page, "failed") == {}


def focused(page: Any) -> str:
    """The id or the first data attribute of what has the focus; `body` when it is lost."""
    said: str = page.evaluate(
        """() => {
          const element = document.activeElement;
          const data = [...element.attributes].find(({name}) => name.startsWith("data-"));
          return element.id || data?.name || element.name || element.localName;
        }"""
    )
    return said


def outlined(page: Any) -> bool:
    """Whether what has the focus, or the box it is in, shows it."""
    return bool(
        page.evaluate(
            """() => {
              const shows = (element) => {
                const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(element);
                return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
              };
              const element = document.activeElement;
              return shows(element) || shows(element.parentElement);
            }"""
        )
    )


def tab_to(page: Any, wanted: str) -> None:
    """Presses Tab until `wanted` has the focus; it must be seen on every stop of the way."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page) not in ("body", "html"):
            assert outlined(page), focused(page)
        if focused(page) == wanted:
            return
    raise AssertionError(f"{wanted} is not reached by Tab")


def test_from_sign_up_to_stop_with_the_keyboard_alone(
    page: Any, stack: Stack, ai: EmulatorClient
) -> None:
    ai.rule({"stall": {"after_chars": 2500, "seconds": 100}})
    page.goto(f"{stack.base_url}/accounts/signup/")
    tab_to(page, "id_email")
    page.keyboard.type("keys-alone@example.com")
    tab_to(page, "id_password1")
    page.keyboard.type("correct-horse-battery-7")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/")
    tab_to(page, "request")
    page.keyboard.type("A site for a bakery")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/sites/*-*/")
    tab_to(page, "prompt")
    tab_to(page, "data-models-open")
    page.keyboard.press("Enter")
    page.wait_for_selector("#models-menu:popover-open")
    page.keyboard.type("turbo")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-model-name]:has-text('Turbo')")
    assert focused(page) == "data-models-open"
    tab_to(page, "data-send")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-run-files] li")
    # Not on Stop: a second Enter would press it.
    assert focused(page) == "prompt"
    tab_to(page, "data-stop")
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn[data-state=cancelled]")
    assert focused(page) == "prompt"


def test_the_conversation_folds_and_that_is_remembered(desk: Desk) -> None:
    site_id = desk.site({"index.html": PAGE})
    desk.open(site_id)
    toggle = desk.page.locator("[data-ask-toggle]")
    assert toggle.get_attribute("aria-expanded") == "true"
    toggle.click()
    assert not desk.page.is_visible("#prompt")
    assert focused(desk.page) == "data-ask-toggle"
    desk.page.reload()
    assert toggle.get_attribute("aria-expanded") == "false"
    assert not desk.page.is_visible("#prompt")
    toggle.click()
    assert desk.page.is_visible("#prompt")
    desk.page.reload()
    assert desk.page.is_visible("#prompt")


@pytest.mark.parametrize("width", [1440, 390])
def test_a_chinese_workspace_speaks_chinese(desk: Desk, ai: EmulatorClient, width: int) -> None:
    """Every sentence that is seen has Chinese in it, but for names, paths, amounts and keys."""
    desk.page.set_viewport_size({"width": width, "height": 844})
    url = desk.stack.base_url
    desk.page.context.add_cookies(
        [{"name": "django_language", "value": "zh-hans", "url": url}],
    )
    site_id = desk.site()
    desk.open(site_id)
    ai.rule({"status": 400})
    desk.send("做一个面包房网站")
    desk.wait_ended("failed")
    ai.clear_rules()
    desk.send("做一个面包房网站")
    desk.page.wait_for_selector(".turn[data-state=succeeded]", state="attached", timeout=60_000)
    desk.page.wait_for_selector("[data-estimate]:has-text('价格')", state="attached")
    texts: list[str] = desk.page.evaluate(
        """() => {
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const found = [];
          while (walker.nextNode()) {
            const {parentElement: parent, textContent} = walker.currentNode;
            if (parent.closest("script, style, pre, kbd, .model-name, [data-name-form]")) continue;
            if (parent.closest(".brand, [lang]") !== document.documentElement) continue;
            if (textContent.trim()) found.push(textContent.trim());
          }
          for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
            for (const name of ["aria-label", "title", "placeholder"]) {
              if (element.getAttribute(name)) found.push(element.getAttribute(name));
            }
          }
          return found;
        }"""
    )
    english = [text for text in texts if re.search(r"[a-z]{3}", text) and not CHINESE.search(text)]
    names = re.compile(
        r"^(Sitewright|English|Site \d+|[\w./-]+\.(html|css|js)|Claude 3 Haiku.*|\S+@\S+)$"
    )
    assert [text for text in english if not names.match(text)] == []
