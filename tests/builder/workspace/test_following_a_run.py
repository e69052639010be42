"""A run seen from the browser: left and found again, stopped, failing, cut off, out of sight."""

from __future__ import annotations

import io
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from emulators.ai.testing import EmulatorClient
from tests.builder.workspace.conftest import Desk
from tests.stack import Stack

BAKERY = "A warm one-page site for Main Street Bakery: breads with prices and opening hours."
# About 10,000 characters are to come: half a minute and more, so that there is time to look.
SLOWLY = {"chunk_chars": 12, "chunks_per_second": 25}
FRONT = ".preview-frame:not(.is-waiting):not(.is-check)"


def start_slowly(desk: Desk, ai: EmulatorClient, site_id: str = "") -> str:
    """The id of a site whose run is under way and has begun a file."""
    ai.rule(SLOWLY)
    site_id = site_id or desk.site()
    desk.open(site_id)
    desk.send(BAKERY)
    desk.page.wait_for_selector("[data-run-files] li", timeout=60_000)
    return site_id


def tokens_so_far(page: Any) -> int:
    said = page.inner_text("[data-run-tokens]")
    found = re.match(r"([\d,]+) of at most", said)
    return int(found[1].replace(",", "")) if found else 0


def wait_for_growth(page: Any) -> None:
    """Until text has come that was not there yet."""
    page.wait_for_function(
        "before => document.querySelector('[data-code-view]').textContent.length > before + 200",
        arg=page.evaluate("document.querySelector('[data-code-view]').textContent.length"),
        polling=100,
        timeout=60_000,
    )


def painted_text(page: Any) -> str:
    """What stands in the front of the live preview; empty while nothing is painted."""
    element = page.query_selector(f"[data-live-frame]{FRONT.removeprefix('.preview-frame')}")
    outer = element.content_frame() if element else None
    inner = outer.query_selector("iframe.front") if outer else None
    frame = inner.content_frame() if inner else None
    return str(frame.inner_text("body")) if frame else ""


def run_of(desk: Desk, site_id: str) -> dict[str, Any]:
    run: dict[str, Any] = desk.user.get(f"/api/sites/{site_id}/runs").json()["runs"][0]
    return run


def test_a_reload_in_the_middle_picks_the_stream_up(desk: Desk, ai: EmulatorClient) -> None:
    site_id = start_slowly(desk, ai)
    wait_for_growth(desk.page)
    desk.page.reload()
    desk.page.wait_for_selector("[data-run-files] li")
    assert desk.page.is_visible("[data-stop]")
    assert not desk.page.is_visible("[data-send]")
    wait_for_growth(desk.page)
    desk.page.wait_for_selector(f"[data-live-frame]{FRONT.removeprefix('.preview-frame')}")
    desk.wait_ended()
    assert len(desk.page.query_selector_all(".turn")) == 1
    assert ai.calls() == 1
    assert run_of(desk, site_id)["version"] == 1


def test_a_second_tab_follows_and_may_stop(desk: Desk, ai: EmulatorClient) -> None:
    start_slowly(desk, ai)
    other = desk.page.context.new_page()
    other.goto(desk.page.url)
    other.wait_for_selector("[data-run-files] li")
    wait_for_growth(other)
    other.click("[data-stop]")
    for tab in (desk.page, other):
        tab.wait_for_selector(".turn[data-state=cancelled]", timeout=30_000)
        assert tab.is_visible("[data-send]")
    assert ai.calls() == 1


@pytest.mark.parametrize("way", ["button", "Escape"])
def test_stop_before_anything_is_whole_keeps_and_costs_nothing(
    desk: Desk, ai: EmulatorClient, way: str
) -> None:
    site_id = start_slowly(desk, ai)
    if way == "button":
        desk.page.click("[data-stop]")
    else:
        desk.page.keyboard.press("Escape")
    turn = desk.wait_ended("cancelled", seconds=30)
    assert "Stopped" in turn.inner_text()
    assert "Not charged" in turn.inner_text()
    assert turn.query_selector("[data-ask-again]") is not None
    assert run_of(desk, site_id)["receipt"]["charged"] == 0
    desk.page.wait_for_selector("[data-balance-amount]:text-is('10,000')")
    turn.query_selector("[data-ask-again]").click()
    assert desk.page.input_value("#prompt") == BAKERY


def test_stop_after_a_whole_file_keeps_it_and_says_what_it_cost(
    desk: Desk, ai: EmulatorClient
) -> None:
    site_id = start_slowly(desk, ai)
    desk.page.wait_for_selector("[data-run-files] li.is-done", timeout=120_000)
    desk.page.click("[data-stop]")
    turn = desk.wait_ended("cancelled", seconds=30)
    run = run_of(desk, site_id)
    assert run["version"] == 1
    assert run["receipt"]["charged"] > 0
    assert f"{run['receipt']['charged']:,} tokens" in turn.inner_text()
    desk.page.wait_for_selector("[data-version-label]:text-is('v1')")
    left = 10_000 - run["receipt"]["charged"]
    desk.page.wait_for_selector(f"[data-balance-amount]:text-is('{left:,}')")


def is_blank(png: bytes) -> bool:
    """Whether a picture is of one colour all over."""
    with Image.open(io.BytesIO(png)) as picture:
        return len(picture.convert("RGB").getcolors(maxcolors=2**24) or []) == 1


def test_the_preview_is_never_blank_after_its_first_paint(desk: Desk, ai: EmulatorClient) -> None:
    # High enough for most of the page to show as it grows, however seldom a picture is taken.
    desk.page.set_viewport_size({"width": 1280, "height": 1600})
    start_slowly(desk, ai)
    desk.page.wait_for_selector(f"[data-live-frame]{FRONT.removeprefix('.preview-frame')}")
    box = desk.page.locator("[data-preview-frames]").bounding_box()
    # Within the border, whose round corners are not the preview's.
    clip = {
        "x": box["x"] + 8,
        "y": box["y"] + 8,
        "width": box["width"] - 16,
        "height": box["height"] - 16,
    }
    pictures: list[bytes] = []
    while desk.page.query_selector("[data-run-bar]"):
        pictures.append(desk.page.screenshot(clip=clip))
    # And over the change to the stored version.
    pictures += [desk.page.screenshot(clip=clip) for _ in range(10)]
    blank = [number for number, picture in enumerate(pictures) if is_blank(picture)]
    assert blank == [], f"of {len(pictures)} pictures"
    assert len(set(pictures)) > 3


def test_a_hidden_tab_still_paints(desk: Desk, ai: EmulatorClient) -> None:
    # Headless Chromium shows every tab: what a hidden one is denied is denied here by hand.
    desk.page.add_init_script(
        "Object.defineProperty(document, 'hidden', {get: () => true});"
        "Object.defineProperty(document, 'visibilityState', {get: () => 'hidden'});"
        "window.requestAnimationFrame = () => 0;"
    )
    start_slowly(desk, ai)
    desk.page.wait_for_selector(f"[data-live-frame]{FRONT.removeprefix('.preview-frame')}")
    first = painted_text(desk.page)
    wait_for_growth(desk.page)
    desk.page.wait_for_timeout(500)
    assert len(painted_text(desk.page)) > len(first) > 0


def test_a_run_that_fails_says_why_what_it_cost_and_what_next(
    desk: Desk, ai: EmulatorClient
) -> None:
    ai.rule({"status": 400, "message": "the sky has fallen"})
    site_id = desk.site({"index.html": "<!doctype html><h1>Brot</h1>"})
    desk.open(site_id)
    desk.page.click("[data-ask-toggle]")
    desk.page.click("[data-ask-toggle]")
    desk.send("Make the heading bigger")
    turn = desk.wait_ended("failed")
    said = turn.inner_text()
    run = run_of(desk, site_id)
    assert run["error"]["message"] in said
    assert "Not charged." in said
    assert "the sky has fallen" not in said
    assert desk.stored_frame().inner_text("h1") == "Brot"
    desk.page.wait_for_selector("[data-balance-amount]:text-is('10,000')")
    ai.clear_rules()
    turn.query_selector("[data-ask-again]").click()
    desk.page.keyboard.press("Control+Enter")
    desk.wait_ended()
    desk.page.wait_for_selector("[data-version-label]:text-is('v2')")


def test_the_chip_says_what_a_run_holds(desk: Desk, ai: EmulatorClient) -> None:
    site_id = start_slowly(desk, ai)
    held = run_of(desk, site_id)["estimate"]["ceiling"]
    desk.page.wait_for_selector(f".balance-held:has-text('{held:,} held')")
    desk.page.click("[data-balance-chip]")
    menu = desk.page.inner_text("#balance-menu")
    assert f"{held:,} tokens are held by runs in progress" in menu
    desk.page.keyboard.press("Escape")
    desk.page.wait_for_selector("[data-stop]")
    desk.page.click("[data-stop]")
    desk.wait_ended("cancelled")
    desk.page.wait_for_selector(".balance-held", state="detached")


def test_a_long_wait_in_the_queue_is_explained(desk: Desk, ai: EmulatorClient) -> None:
    # Behind the stream, the run goes on: it must not be over before the page asks for it.
    ai.rule(SLOWLY)
    site_id = desk.site()
    desk.open(site_id)
    # A stream that never gets past the queue, and a clock that runs fast.
    desk.page.route(
        "**/events?after=*",
        lambda route: route.fulfill(
            content_type="text/event-stream",
            body='event: status\ndata: {"state": "queued", "model": "claude-3-haiku", '
            '"seconds": 0, "outputTokens": 0, "ceiling": 6000}\n\n',
        ),
    )
    desk.page.clock.install()
    desk.send(BAKERY)
    desk.page.wait_for_selector("[data-run-note]", state="attached")
    desk.page.evaluate(
        """() => {
          window.notes = [];
          const note = document.querySelector('[data-run-note]');
          new MutationObserver(() => window.notes.push(note.textContent))
            .observe(note, {childList: true, characterData: true});
        }"""
    )
    desk.page.clock.run_for(30_000)
    desk.page.wait_for_function(
        "() => window.notes.some((note) => note?.startsWith('All workers are busy'))"
    )
    stopped = desk.user.post(f"/api/runs/{run_of(desk, site_id)['id']}/cancel")
    assert stopped.status_code == 202, stopped.text


def web_process(stack: Stack) -> int:
    children = Path(f"/proc/{stack.process.pid}/task/{stack.process.pid}/children").read_text()
    for child in children.split():
        if b"script.supervisor.web" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise AssertionError("the stack has no web process")


def test_a_run_survives_the_web_server_and_says_so(
    desk: Desk, ai: EmulatorClient, stack: Stack, console_errors: list[str]
) -> None:
    site_id = start_slowly(desk, ai)
    os.kill(web_process(stack), signal.SIGKILL)
    desk.page.wait_for_selector("[data-run-note]:has-text('The connection was lost')")
    desk.page.wait_for_selector("[data-run-note]", state="hidden", timeout=60_000)
    wait_for_growth(desk.page)
    desk.wait_ended()
    desk.page.wait_for_selector("[data-version-label]:text-is('v1')")
    assert run_of(desk, site_id)["state"] == "succeeded"
    assert ai.calls() == 1
    console_errors[:] = [error for error in console_errors if "ERR_" not in error]


def test_a_farewell_is_answered_by_coming_back(
    desk: Desk, ai: EmulatorClient, stack: Stack, console_errors: list[str]
) -> None:
    site_id = start_slowly(desk, ai)
    os.kill(web_process(stack), signal.SIGTERM)
    wait_for_growth(desk.page)
    desk.wait_ended()
    assert run_of(desk, site_id)["state"] == "succeeded"
    assert ai.calls() == 1
    console_errors[:] = [error for error in console_errors if "ERR_" not in error]
