"""Pages that try to get out of the preview. Each one says what it got; it must have got nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from script.testbed.tools import chromium
from tests.builder.workspace.conftest import Desk
from tests.conftest import CHROMIUM_ARGUMENTS

# `tell(x)` shows what an attempt came to; a thrown error is what a stopped attempt looks like.
PAGE = """<!doctype html><title>hostile</title><p id="result">waiting</p><script>
const APP = {app};
const tell = (text) => {{ document.getElementById("result").textContent = text; }};
const attempt = async () => {{ {script} }};
attempt().then((got) => tell("got: " + got), (error) => tell("stopped: " + error.name));
</script>"""

READS = {
    "a cookie it sets": "document.cookie = 'a=1'; return document.cookie;",
    "the cookies": "return document.cookie;",
    "local storage": "localStorage.setItem('a', '1'); return localStorage.getItem('a');",
    "session storage": "return sessionStorage.length;",
    "a database": "return await new Promise((yes, no) => { const r = indexedDB.open('a');"
    " r.onsuccess = () => yes('open'); r.onerror = () => no(r.error); });",
    "caches": "return await caches.open('a');",
    "a service worker": "return await navigator.serviceWorker.register('/sw.js');",
    "the page around it": "return parent.document.title;",
    "the top page": "return top.document.body.innerHTML;",
    "its own frame element": "return window.frameElement.outerHTML;",
    "a sibling frame": "return parent.frames[1].document.title;",
    "the top page's address": "return top.location.href;",
    "the API with the person's cookies": "const r = await fetch(APP + '/api/me',"
    " {credentials: 'include'}); return r.status + await r.text();",
    "the API without reading": "await fetch(APP + '/api/sites', {method: 'POST', mode: 'no-cors',"
    " credentials: 'include', body: '{}'}); return 'sent';",
    "the API by XHR": "const x = new XMLHttpRequest(); x.withCredentials = true;"
    " x.open('GET', APP + '/api/me', false); x.send(); return x.responseText;",
    "another host": "return (await fetch('https://evil.example/')).status;",
    "a worker of the app": "return new Promise((yes, no) => { const w = new Worker(APP +"
    " '/static/js/theme.js'); w.onerror = no; setTimeout(() => yes('ran'), 500); });",
    "where the person is": "return await new Promise((yes, no) =>"
    " navigator.geolocation.getCurrentPosition(yes, (e) => no(new DOMException('', 'x'))));",
    "the camera": "return await navigator.mediaDevices.getUserMedia({video: true});",
    "the clipboard": "return await navigator.clipboard.readText();",
}


def open_hostile(desk: Desk, script: str, **more: str) -> tuple[str, Any]:
    markup = PAGE.format(app=json.dumps(desk.stack.base_url), script=script)
    site_id = desk.site({"index.html": markup, "sw.js": "self.onfetch = () => {}", **more})
    desk.open(site_id)
    return site_id, desk.stored_frame()


@pytest.mark.parametrize("what", READS)
def test_a_page_does_not_get(desk: Desk, quiet: Callable[[], None], what: str) -> None:
    _, frame = open_hostile(desk, READS[what])
    frame.wait_for_selector("#result:not(:text('waiting'))")
    assert frame.inner_text("#result").startswith(("stopped: ", "got: undefined", "got: null"))
    quiet()


NAVIGATIONS = {
    "top.location": "top.location = APP + '/pricing/'; return 1;",
    "top.location.replace": "top.location.replace('about:blank'); return 1;",
    "parent.location": "parent.location.href = APP + '/pricing/'; return 1;",
    "a link to _top": "const a = document.createElement('a'); a.href = APP + '/pricing/';"
    " a.target = '_top'; document.body.append(a); a.click(); return 1;",
    "a form to _top": "const f = document.createElement('form'); f.action = APP +"
    " '/accounts/logout/'; f.method = 'post'; f.target = '_top'; document.body.append(f);"
    " f.submit(); return 1;",
    "a form in place": "const f = document.createElement('form'); f.action = APP + '/sites/new/';"
    " f.method = 'post'; document.body.append(f); f.submit(); return 1;",
    "window.close": "top.close(); parent.close(); return 1;",
    "history": "for (let i = 0; i < 5; i++) history.back(); return 1;",
}


@pytest.mark.parametrize("how", NAVIGATIONS)
def test_a_page_does_not_move_the_app_by(desk: Desk, quiet: Callable[[], None], how: str) -> None:
    site_id, _ = open_hostile(desk, NAVIGATIONS[how])
    desk.page.wait_for_timeout(500)
    if how != "history":
        assert desk.page.url == f"{desk.stack.base_url}/sites/{site_id}/"
        desk.page.click("[data-tab=code]")
        assert desk.page.is_visible("[data-code-view]")
    assert desk.user.get("/api/me").status_code == 200
    assert len(desk.user.get("/api/sites").json()["sites"]) == 1
    quiet()


@pytest.mark.parametrize(
    "script",
    [
        "location = APP + '/dashboard/'; return 1;",
        "document.body.innerHTML = '<iframe src=\"' + APP + '/dashboard/\"></iframe>'; return 1;",
        'document.head.innerHTML = \'<meta http-equiv="refresh" content="0;url=\' + APP +'
        " '/dashboard/\">'; return 1;",
    ],
)
def test_the_app_does_not_show_inside_a_page(
    desk: Desk, quiet: Callable[[], None], script: str
) -> None:
    open_hostile(desk, script)
    desk.page.wait_for_timeout(700)
    for frame in desk.page.frames[1:]:
        assert "Log out" not in frame.content()
        assert "balance-chip" not in frame.content()
    quiet()


def test_a_window_that_a_page_opens_is_as_sandboxed(desk: Desk, quiet: Callable[[], None]) -> None:
    # Only the frame that is seen may open windows: the one that checks may not.
    script = "if (location.host[0] === 'v') window.open(APP + '/dashboard/'); return 1;"
    with desk.page.context.expect_page() as opened:
        open_hostile(desk, script)
    window = opened.value
    window.wait_for_load_state("load")
    assert window.evaluate("window.origin") == "null"
    with pytest.raises(Exception, match="SecurityError"):
        window.evaluate("document.cookie")
    quiet()


def test_no_session_cookie_goes_to_a_sites_host(desk: Desk) -> None:
    sent: list[dict[str, str]] = []
    desk.page.on(
        "request",
        lambda request: sent.append(request.all_headers()) if "//v" in request.url else None,
    )
    desk.open(desk.site({"index.html": "<h1>Brot</h1>"}))
    desk.stored_frame()
    assert len(sent) >= 1
    assert not any("cookie" in headers for headers in sent)


def test_a_storm_of_messages_and_forged_ones_change_nothing(
    desk: Desk, quiet: Callable[[], None]
) -> None:
    forged = (
        "for (let i = 0; i < 3000; i++) { parent.postMessage({type: 'sitewright:check', count: 99,"
        " errors: ['forged'], links: ['/forged'], empty: true, height: 1}, '*');"
        " parent.postMessage({type: 'sitewright:painted', empty: false}, '*');"
        " parent.postMessage({type: 'stop'}, '*'); } return 1;"
    )
    open_hostile(desk, f"if (location.host[0] === 'v') {{ {forged} }} return 1;")
    desk.page.wait_for_selector("[data-preview-status]:has-text('console 0')")
    assert "forged" not in desk.page.inner_text("[data-preview-status]")
    desk.page.click("[data-tab=code]", timeout=2000)
    quiet()


# What desktop Chrome does by default and the headless shell leaves out to save memory.
ISOLATION = ["--site-per-process", "--enable-features=IsolateSandboxedIframes"]


def test_an_endless_loop_leaves_the_app_usable(
    desk: Desk, browser: Any, quiet: Callable[[], None]
) -> None:
    loop = "<!doctype html><p>x</p><script>setTimeout(() => {for (;;);}, 300)</script>"
    site_id = desk.site({"index.html": loop})
    isolated = browser.browser_type.launch(
        executable_path=chromium(), args=[*CHROMIUM_ARGUMENTS, *ISOLATION]
    )
    context = isolated.new_context(storage_state=desk.page.context.storage_state())
    page = context.new_page()
    page.goto(f"{desk.stack.base_url}/sites/{site_id}/", wait_until="commit")
    page.wait_for_selector("[data-check-frame]", state="attached")
    page.wait_for_timeout(1500)
    page.click("[data-tab=code]", timeout=10_000)
    assert page.is_visible("[data-code-view]")
    page.fill("#prompt", "still here", timeout=10_000)
    isolated.close()
    quiet()


def test_a_name_with_markup_stays_text(desk: Desk) -> None:
    site_id = desk.site({"index.html": "<h1>x</h1>"})
    name = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
    desk.user.patch(f"/api/sites/{site_id}", json={"name": name})
    desk.open(site_id)
    assert desk.page.input_value("#site-name") == name
    desk.page.goto(f"{desk.stack.base_url}/sites/")
    assert desk.page.inner_text(".site-card h3") == name


def test_errors_of_a_page_are_shown_as_text(desk: Desk, quiet: Callable[[], None]) -> None:
    desk.open(
        desk.site(
            {"index.html": "<h1>x</h1><script>console.error('<b>bold</b>'); missing();</script>"}
        )
    )
    line = desk.page.wait_for_selector("[data-preview-status]:has-text('console 2')")
    assert "<b>bold</b>" in line.inner_text()
    assert line.query_selector("b") is None
    quiet()
