"""The box that lets another model answer, at the browser: what is said, who answers, who pays."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.ai.testing import EmulatorClient
from tests.builder.workspace.conftest import Desk

BAKERY = "A warm one-page site for Main Street Bakery: breads with prices and opening hours."
# A short answer, so that the price of a dear model is well within a free month.
PAGE = "index.html\n```html\n<!doctype html><h1>Main Street Bakery</h1>\n```\n"
ASKED, ASKED_ID = "claude-3-sonnet", "anthropic/claude-3-sonnet"
OTHER_ID = "google/gemini-pro-vision"
BOX = "input[name=allow_fallback]"
MOVING = "Claude 3 Sonnet did not answer, trying Gemini Pro Vision…"


@pytest.fixture
def sonnet_is_down(desk: Desk, ai: EmulatorClient) -> str:
    """A site that is open in the workspace with the dear model chosen, whose provider fails."""
    ai.rule({"status": 503}, model=ASKED_ID)
    site_id = desk.site()
    desk.open(site_id)
    desk.page.click("[data-models-open]")
    desk.page.click(f".models-row:has(input[value={ASKED}])")
    desk.page.wait_for_selector("[data-model-name]:has-text('Claude 3 Sonnet')")
    return site_id


def run_of(desk: Desk, site_id: str) -> dict[str, Any]:
    run: dict[str, Any] = desk.user.get(f"/api/sites/{site_id}/runs").json()["runs"][0]
    return run


def words(page: Any, selector: str = "main") -> str:
    return " ".join(page.inner_text(selector).split())


def test_with_the_box_ticked_another_model_answers_at_its_price_and_says_so(
    desk: Desk, ai: EmulatorClient, sonnet_is_down: str
) -> None:
    # Its first word comes late enough that the line between the two is seen.
    ai.rule({"first_token_seconds": 6, "reply": PAGE}, model=OTHER_ID)
    desk.page.check(BOX)
    desk.send(BAKERY)
    desk.page.wait_for_selector(f"[data-run-note]:visible:has-text('{MOVING}')", timeout=30_000)
    turn = desk.wait_ended()
    run = run_of(desk, sonnet_is_down)
    assert (run["model"], run["modelUsed"]) == (ASKED, "gemini-pro-vision")
    attempts = [(one["model"], one["outcome"]) for one in run["receipt"]["attempts"]]
    assert attempts == [(ASKED, "unavailable"), ("gemini-pro-vision", "succeeded")]
    # ×5 and a fifth of it for what was read, rounded up once; not the ×6 that were quoted.
    usage = run["usage"]
    charged = 5 * usage["outputTokens"] + usage["inputTokens"]
    assert run["receipt"]["charged"] == charged > 0
    said = " ".join(turn.text_content().split())
    assert "Answered by Gemini Pro Vision, because Claude 3 Sonnet did not answer." in said
    assert "You paid the lower of the two prices: ×5 instead of ×6." in said
    assert MOVING not in said
    assert f"{charged:,} tokens" in said
    assert "Model Gemini Pro Vision · ×5 Model asked for Claude 3 Sonnet · ×6" in said

    turn.query_selector("summary").click()
    turn.query_selector(".receipt-more a").click()
    desk.page.wait_for_url(f"**/usage/{run['id']}/")
    full = words(desk.page)
    assert "Model asked for Claude 3 Sonnet Model that answered Gemini Pro Vision" in full
    assert "Claude 3 Sonnet OpenRouter The provider was not available 0" in full
    assert f"Gemini Pro Vision OpenRouter Answered {charged:,}" in full
    assert "×5 instead of ×6" in full
    # The leave that was given is kept for the next request of this site.
    desk.open(sonnet_is_down)
    assert desk.page.is_checked(BOX)


def test_without_it_the_run_fails_and_costs_nothing(
    desk: Desk, ai: EmulatorClient, sonnet_is_down: str
) -> None:
    before = desk.user.get("/api/me").json()["user"]["availableTokens"]
    assert not desk.page.is_checked(BOX)
    desk.send(BAKERY)
    turn = desk.wait_ended("failed")
    run = run_of(desk, sonnet_is_down)
    assert (run["modelUsed"], run["error"]["code"], run["receipt"]["charged"]) == (
        None,
        "unavailable",
        0,
    )
    assert [one["model"] for one in run["receipt"]["attempts"]] == [ASKED]
    assert ai.calls() == 1
    assert "Not charged" in turn.text_content()
    assert desk.user.get("/api/me").json()["user"]["availableTokens"] == before
