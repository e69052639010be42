"""How a person pays on the emulated payment page, and what is looked for on ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.axe import findings

SHOTS = os.environ.get("SHOTS", "")


def pay(page: Any, card: str = "4242424242424242") -> None:
    """On the payment page: choose a way to pay, and do."""
    page.wait_for_selector("form.pay")
    page.check(f"input[name=card][value='{card}']")
    page.click("form.pay button")


def headline(page: Any) -> str:
    """What the order's page says first."""
    return str(page.locator(".order-card h2").inner_text()).strip()


def wait_for_headline(page: Any, words: str) -> None:
    page.wait_for_selector(f".order-card h2:has-text('{words}')", timeout=15_000)


def look(page: Any, name: str) -> None:
    """Accessible in both themes, and not wider than a phone. SHOTS=<folder> keeps pictures."""
    for theme, width in (("light", 1440), ("dark", 768), ("dark", 390), ("light", 390)):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.wait_for_selector(f"html[data-bs-theme={theme}]", state="attached")
        # What was done before may have scrolled: the header then covers a part of the page.
        page.evaluate("scrollTo(0, 0)")
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{theme}.png", full_page=True)
        if (theme, width) != ("dark", 768):
            wrong = findings(page)
            assert not wrong, f"{name} {theme} {width}: {wrong}"
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, f"{name} {width}"
    page.set_viewport_size({"width": 1280, "height": 800})
