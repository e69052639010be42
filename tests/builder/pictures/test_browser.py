"""Pictures in the browser: attached by file, paste and drop, sent, and seen in the preview."""

from __future__ import annotations

import base64
import time
from typing import Any

from emulators.ai.testing import EmulatorClient
from tests.builder.pictures.samples import logo, photo
from tests.builder.workspace.conftest import Desk, ai, desk
from tests.builder.workspace.test_accessible import look_over

__all__ = ["ai", "desk"]

# As a browser gives what was pasted or dropped.
HAND_OVER = """([selector, kind, name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], name, { type: "image/png" }));
  const options = { bubbles: true, cancelable: true };
  const target = document.querySelector(selector);
  if (kind === "paste") {
    target.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: held }));
  } else {
    for (const name of ["dragenter", "dragover", "drop"]) {
      target.dispatchEvent(new DragEvent(name, { ...options, dataTransfer: held }));
    }
  }
}"""


def hand_over(page: Any, kind: str, name: str, data: bytes) -> None:
    page.evaluate(HAND_OVER, ["#prompt", kind, name, base64.b64encode(data).decode()])


def attached(page: Any, count: int) -> Any:
    """The thumbnails once `count` of them have arrived."""
    page.wait_for_function(
        "count => document.querySelectorAll('.tray-item[data-picture]').length === count", arg=count
    )
    return page.query_selector_all(".tray-item")


def painted_width(page: Any) -> int:
    """The natural width of the first picture in the front of the live preview; 0 while none is."""
    element = page.query_selector("[data-live-frame]")
    outer = element.content_frame() if element else None
    inner = outer.query_selector("iframe.front") if outer else None
    frame = inner.content_frame() if inner else None
    return int(frame.evaluate("document.querySelector('img')?.naturalWidth ?? 0")) if frame else 0


def test_a_picture_goes_from_the_composer_to_the_page(
    desk: Desk, ai: EmulatorClient, console_errors: list[str]
):
    page, site_id = desk.page, desk.site()
    desk.open(site_id)
    page.click("[data-models-open]")
    page.click("label:has(input[value=gpt-4])")
    page.set_input_files(
        "[data-attach]", {"name": "Shop.jpg", "mimeType": "image/jpeg", "buffer": photo(400, 300)}
    )
    hand_over(page, "paste", "image.png", logo("red"))
    hand_over(page, "drop", "logo.png", logo("blue"))
    attached(page, 3)
    # Only models that see can be chosen, and the one that was can not.
    assert page.inner_text("[data-model-name]") != "GPT-4"
    assert "GPT-4 can not see pictures" in page.inner_text("[data-model-switched]")
    assert page.is_disabled("input[value=gpt-4]")
    assert page.is_enabled("input[value=claude-3-haiku]")
    # Taken away by keyboard: the focus goes to the next one.
    page.focus(".tray-item:nth-child(2) [data-tray-remove]")
    page.keyboard.press("Enter")
    assert len(attached(page, 2)) == 2
    assert page.evaluate("document.activeElement.closest('li').dataset.name") == "logo.png"
    # What is no picture is refused in words, and the others stay.
    svg = {"name": "a.svg", "mimeType": "image/png", "buffer": b"<svg/>"}
    page.set_input_files("[data-attach]", svg)
    page.wait_for_selector("[data-tray-error]:not([hidden])")
    assert "SVG files are not taken" in page.inner_text("[data-tray-error]")
    # The refused upload is in the browser's own log too.
    console_errors[:] = [line for line in console_errors if "415" not in line]
    assert look_over(page, "attached") == {}
    page.set_viewport_size({"width": 1280, "height": 800})
    # A reload keeps them.
    page.reload()
    attached(page, 2)
    page.click("[data-models-open]")
    page.click("label:has(input[value=claude-3-haiku])")
    # So slowly that there is time to look at what is painted meanwhile.
    ai.rule({"chunk_chars": 40, "chunks_per_second": 40})
    desk.send("A warm one-page site for a corner shop")
    page.wait_for_selector(".turn-pictures img")
    until = time.monotonic() + 60
    while painted_width(page) != 400 and time.monotonic() < until:
        page.wait_for_timeout(100)
    assert painted_width(page) == 400
    assert page.is_visible("[data-stop]")
    assert page.is_hidden("[data-tray]")
    assert page.is_enabled("input[value=gpt-4]")
    desk.wait_ended()
    assert look_over(page, "sent") == {}
    page.set_viewport_size({"width": 1280, "height": 800})
    frame = desk.stored_frame()
    frame.wait_for_selector("img[src='images/shop.jpg']")
    natural = frame.evaluate(
        "Promise.all([...document.querySelectorAll('img')].map((image) => image.decode()"
        ".then(() => [image.getAttribute('src'), image.naturalWidth])))"
    )
    assert natural == [["images/shop.jpg", 400], ["images/logo.png", 120]]
    page.click("[data-tab=code]")
    page.click("[data-path='images/shop.jpg']")
    page.wait_for_function("() => document.querySelector('.code-picture')?.naturalWidth === 400")
    run = desk.user.get(f"/api/sites/{site_id}/runs").json()["runs"][0]
    assert [image["name"] for image in run["images"]] == ["shop.jpg", "logo.png"]


def test_the_first_request_takes_its_pictures_along(desk: Desk):
    page = desk.page
    page.goto(f"{desk.stack.base_url}/sites/")
    page.set_input_files(
        "[data-attach]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    )
    page.evaluate("document.querySelector('textarea').id = 'prompt'")
    hand_over(page, "drop", "logo.png", logo("blue"))
    page.wait_for_selector(".tray-item:nth-child(2)")
    page.fill("#prompt", "A bakery")
    page.click("form[data-attach-form] button[type=submit]")
    page.wait_for_selector("[data-composer]")
    attached(page, 2)
    assert page.input_value("#prompt") == "A bakery"
