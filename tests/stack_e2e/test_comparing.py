"""Staff have the catalogue compared, and watch the page until it is done."""

from __future__ import annotations

from typing import Any

from emulators.ai.testing import EmulatorClient
from tests.stack import PASSWORD, Stack

FINDINGS = "/admin/models_catalog/cataloguefinding/"


def test_the_button_has_a_worker_compare_and_the_page_follows(stack: Stack, page: Any) -> None:
    stack.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    stack.manage("createsuperuser", "--noinput", "--email", "compares@example.com")
    page.goto(f"{stack.base_url}/accounts/login/?next={FINDINGS}")
    page.fill("input[name=login]", "compares@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{FINDINGS}")
    ai = EmulatorClient(stack.emulator_url)
    try:
        # Long enough to be seen at it, whichever the machine.
        ai.listing("openrouter", seconds=8)
        page.click("button:has-text('Compare with the providers now')")
        page.wait_for_selector(".finding-comparison:has-text('Comparing… started')", timeout=60_000)
        # Nobody touches the page: it looks again by itself.
        page.wait_for_selector(".finding-comparison:has-text('Compared at')", timeout=60_000)
    finally:
        ai.reset()
        ai.close()
    told = page.inner_text(".finding-comparison")
    assert "OpenRouter: " in told
    assert "models listed" in told
    assert page.query_selector("meta[http-equiv=refresh]") is None
