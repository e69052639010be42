"""The main job at the browser: ask, watch it paint, keep the version."""

from __future__ import annotations

import hashlib
from typing import Any

import requests

from tests.builder.workspace.conftest import Desk

BAKERY = "A warm one-page site for Main Street Bakery: breads with prices and opening hours."


def frame_bytes(url: str) -> bytes:
    # Names below .localhost are loopback for browsers, not for every resolver.
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    port = host.partition(":")[2]
    got = requests.get(f"{scheme}://127.0.0.1:{port}/{path}", headers={"Host": host}, timeout=10)
    assert got.status_code == 200
    return got.content


def test_from_sign_up_to_the_first_paint_in_few_clicks(page: Any, stack: Any) -> None:
    page.goto(f"{stack.base_url}/accounts/signup/")
    page.fill("input[name=email]", "first-paint@example.com")
    page.fill("input[name=password1]", "correct-horse-battery-7")
    page.click("form[action*=signup] button:not([type=button])")  # 1
    page.wait_for_url("**/dashboard/")
    page.fill("#request", BAKERY)
    page.click("form[action='/sites/new/'] .btn-primary")  # 2
    page.wait_for_url("**/sites/*-*/")
    assert page.input_value("#prompt") == BAKERY
    page.wait_for_selector("[data-estimate]:has-text('never more than')")
    page.click("[data-send]")  # 3
    page.wait_for_selector(".preview-frame:not(.is-waiting):not(.is-check)", timeout=30_000)
    page.wait_for_selector(".turn[data-state=succeeded]", timeout=30_000)
    assert page.input_value("#prompt") == ""
    page.reload()
    assert page.input_value("#prompt") == ""


def test_a_run_ends_as_a_stored_version_shown_byte_for_byte(desk: Desk) -> None:
    site_id = desk.site()
    desk.open(site_id)
    desk.page.evaluate("window.unreloaded = true")
    desk.send(BAKERY)
    turn = desk.wait_ended()
    desk.page.wait_for_selector("[data-preview-status]:has-text('console 0')")
    frame = desk.stored_frame()
    assert "Main Street Bakery" in frame.inner_text("body")
    version = desk.user.get(f"/api/sites/{site_id}/versions/1").json()
    shown = hashlib.sha256(frame_bytes(frame.url)).hexdigest()
    stored = {file["path"]: file["sha256"] for file in version["files"]}
    assert shown == stored["index.html"]
    run = desk.user.get(f"/api/sites/{site_id}/runs").json()["runs"][0]
    assert f"{run['receipt']['charged']:,} tokens" in turn.inner_text()
    left = desk.user.get("/api/me").json()["user"]["availableTokens"]
    desk.page.wait_for_selector(f"[data-balance-amount]:has-text('{left:,}')")
    assert desk.page.evaluate("window.unreloaded")


def test_the_live_frame_paints_what_it_is_given_and_runs_none_of_it(desk: Desk) -> None:
    site_id = desk.site()
    desk.open(site_id)
    desk.page.evaluate(
        """async () => {
          const { config } = await import('/static/js/workspace/config.js');
          const frame = document.createElement('iframe');
          frame.id = 'probe-live';
          frame.setAttribute('sandbox', 'allow-scripts');
          window.told = [];
          const ready = new Promise((done) => addEventListener('message', (event) => {
            if (event.source !== frame.contentWindow) return;
            window.told.push(event.data);
            if (event.data.type === 'sitewright:ready') done();
          }));
          frame.src = config.liveFrameUrl;
          document.body.append(frame);
          await ready;
          window.paint = (files, complete = false) => frame.contentWindow.postMessage(
            {type: 'sitewright:paint', files, path: 'index.html', complete}, '*');
        }"""
    )
    live = desk.page.query_selector("#probe-live").content_frame()

    def painted(count: int) -> str:
        desk.page.wait_for_function(
            "n => window.told.filter((m) => m.type === 'sitewright:painted').length >= n",
            arg=count,
        )
        return str(live.query_selector("iframe.front").content_frame().inner_text("body"))

    page = (
        "<!doctype html><html><head><link rel=stylesheet href=style.css></head>"
        "<body onload='document.body.textContent=1'><h1>Brot</h1>"
        "<script>document.body.textContent = 'ran'</script>"
    )
    desk.page.evaluate("page => window.paint({'index.html': page})", page)
    assert painted(1) == "Brot"
    # Still inside <head>: nothing to see, so the last good paint stays.
    desk.page.evaluate("() => window.paint({'index.html': '<!doctype html><head><style>h1{'})")
    assert painted(2) == "Brot"
    desk.page.evaluate(
        "page => window.paint({'index.html': page + '<p>mehr', 'style.css': 'h1{color:red}'})", page
    )
    assert painted(3) == "Brot\n\nmehr"
    inner = live.query_selector("iframe.front").content_frame()
    colour = inner.eval_on_selector("h1", "element => getComputedStyle(element).color")
    assert colour == "rgb(255, 0, 0)"


def test_a_follow_up_makes_version_2_and_version_1_can_be_restored(desk: Desk) -> None:
    site_id = desk.site({"index.html": "<!doctype html><h1>Brot</h1>"})
    desk.open(site_id)
    desk.edit(site_id, {"index.html": "<!doctype html><h1>Kuchen</h1>"})
    desk.page.click("[data-versions-open]")
    desk.page.click("[data-restore-version='1']")
    desk.page.wait_for_selector("[data-version-label]:has-text('v3')")
    desk.page.wait_for_function(
        "() => document.querySelectorAll('[data-stored-frame]').length === 1"
    )
    assert desk.stored_frame().inner_text("h1") == "Brot"
    numbers = [
        v["number"] for v in desk.user.get(f"/api/sites/{site_id}/versions").json()["versions"]
    ]
    assert numbers == [3, 2, 1]


def test_a_second_tab_and_a_reload_show_the_same_conversation(desk: Desk) -> None:
    site_id = desk.site()
    desk.open(site_id)
    desk.send(BAKERY)
    desk.page.wait_for_selector(".turn")
    other = desk.page.context.new_page()
    other.goto(desk.page.url)
    for tab in (desk.page, other):
        tab.wait_for_selector(".turn[data-state=succeeded]", timeout=60_000)
        assert len(tab.query_selector_all(".turn")) == 1
        tab.wait_for_selector("[data-version-label]:has-text('v1')")


def test_being_short_of_tokens_is_a_card_with_models_that_fit(
    desk: Desk, console_errors: list[str]
) -> None:
    site_id = desk.site({"index.html": "<h1>x</h1>" + "<p>word</p>" * 2500})
    desk.open(site_id)
    desk.page.evaluate(
        """() => { const input = document.querySelector("input[name=model][value=claude-3-opus]");
        input.checked = true; input.dispatchEvent(new Event("change", {bubbles: true})); }"""
    )
    desk.page.fill("#prompt", "Bigger")
    desk.page.wait_for_selector("[data-estimate]:has-text('more than you have')")
    desk.page.click("[data-send]")
    card = desk.page.wait_for_selector("[data-refusal]")
    assert "Not charged" in card.inner_text()
    assert card.query_selector("a[href='/pricing/']") is not None
    assert desk.page.input_value("#prompt") == "Bigger"
    card.query_selector(".notice-models button").click()
    assert desk.page.query_selector("[data-refusal]") is None
    assert desk.user.get("/api/me").json()["user"]["availableTokens"] == 10_000
    console_errors.clear()  # the 402 itself


def test_the_key_on_the_button_sends_from_anywhere_but_another_field(desk: Desk) -> None:
    desk.open(desk.site())
    desk.page.fill("#prompt", BAKERY)
    desk.page.click("[data-models-open]")
    desk.page.wait_for_selector("#models-menu:popover-open")
    desk.page.focus("#models-menu input[type=search]")
    desk.page.keyboard.press("Control+Enter")
    desk.page.keyboard.press("Escape")
    assert desk.page.query_selector(".turn") is None
    desk.page.evaluate("document.activeElement.blur()")
    desk.page.keyboard.press("Control+Enter")
    desk.wait_ended()
