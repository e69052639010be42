"""Real requests from sign-up to a painted preview that shows what was asked for."""

from __future__ import annotations

import io
import math
from fractions import Fraction
from typing import Any

import pytest
from PIL import Image

from tests.stack import Stack
from tests.stack_e2e.driving import follow, get_run, give_tokens, new_site, start_run, stored_texts
from tests.stack_e2e.real_requests import ALL, DATA, Wanted

pytestmark = pytest.mark.timeout(900)

READABLE = """() => {
  const words = [document.title, document.body.innerText];
  for (const field of document.querySelectorAll('[placeholder], [aria-label]')) {
    words.push(field.placeholder || '', field.getAttribute('aria-label') || '');
  }
  return words.join('\\n');
}"""
PAINTED = """() => {
  const of = (element) => getComputedStyle(element).backgroundColor;
  const seen = [...document.querySelectorAll('body *')].filter((e) => e.getClientRects().length);
  return {
    body: of(document.body),
    components: [...new Set(seen.map(of))],
    height: document.body.getBoundingClientRect().height,
  };
}"""
COUNT = """(selector) => [...document.querySelectorAll(selector)]
  .filter((element) => element.getClientRects().length).length"""


@pytest.fixture(scope="module")
def built(stack: Stack) -> dict[str, dict[str, Any]]:
    """All requests, each by a person of its own, all at once; the versions by name."""
    wanted = [one for one in ALL if DATA.exists() or not one.is_from_data]
    people = [stack.sign_up() for _ in wanted]
    # More than a month's free tokens: on the dearest models these would cut the answer short.
    give_tokens(stack, people)
    sites = [new_site(person, one.name) for person, one in zip(people, wanted, strict=True)]
    runs = [
        start_run(person, one.words(), model=one.model, site=site)
        for person, one, site in zip(people, wanted, sites, strict=True)
    ]
    told = [follow(person, run) for person, run in zip(people, runs, strict=True)]
    texts = stored_texts(stack, runs)
    found = {}
    for one, person, run, events in zip(wanted, people, runs, told, strict=True):
        assert events.text == texts[run["id"]]
        ended = get_run(person, run)
        version = person.get(f"/api/sites/{run['siteId']}/versions/1").json()
        found[one.name] = {"run": ended, "version": version, "receipt": events.receipt}
    return found


@pytest.mark.parametrize("wanted", ALL, ids=lambda wanted: wanted.name)
def test_a_real_request_becomes_a_site_that_shows_what_was_asked_for(
    built: dict[str, dict[str, Any]], page: Any, wanted: Wanted
):
    _skip_without_data(wanted)
    made = built[wanted.name]
    run, version = made["run"], made["version"]
    assert (run["state"], run["error"], run["version"]) == ("succeeded", None, 1)
    assert run["modelUsed"] == wanted.model
    assert made["receipt"] == run["receipt"]
    assert 0 < run["receipt"]["charged"] <= run["estimate"]["ceiling"]
    assert "index.html" in [file["path"] for file in version["files"]]
    page.goto(version["previewUrl"], wait_until="load")
    _is_painted(page, wanted)
    readable = page.evaluate(READABLE).casefold()
    missing = [words for words in wanted.shows if words.casefold() not in readable]
    assert missing == []


def test_all_models_answer_each_at_its_own_price(built: dict[str, dict[str, Any]], stack: Stack):
    if not DATA.exists():
        pytest.skip("the real requests (../shared/data) are not on this machine")
    listed = stack.sign_up().get("/api/models").json()["models"]
    models = {model["id"]: model for model in listed}
    answered = {made["run"]["modelUsed"]: made["run"] for made in built.values()}
    assert len(answered) == 19
    assert set(answered) == set(models)
    for slug, run in answered.items():
        cost, weight = models[slug]["tokenCost"], Fraction(str(models[slug]["inputWeight"]))
        usage, receipt = run["usage"], run["receipt"]
        due = math.ceil(cost * (usage["outputTokens"] + weight * usage["inputTokens"]))
        assert usage["estimated"] is False
        assert receipt["charged"] == due, slug
        assert sum(pocket["amount"] for pocket in receipt["pockets"]) == due
        paid = [(each["model"], each["charged"]) for each in receipt["attempts"]]
        assert paid == [(slug, due)]


@pytest.mark.parametrize(
    "wanted", [one for one in ALL if one.parts], ids=lambda wanted: wanted.name
)
def test_the_site_has_the_working_parts_that_were_asked_for(
    built: dict[str, dict[str, Any]], page: Any, wanted: Wanted
):
    _skip_without_data(wanted)
    page.goto(built[wanted.name]["version"]["previewUrl"], wait_until="load")
    counts = {selector: page.evaluate(COUNT, selector) for selector in wanted.parts}
    fewer = {part: count for part, count in counts.items() if count < wanted.parts[part]}
    assert fewer == {}


def _skip_without_data(wanted: Wanted) -> None:
    if wanted.is_from_data and not DATA.exists():
        pytest.skip("the real requests (../shared/data) are not on this machine")


def _is_painted(page: Any, wanted: Wanted) -> None:
    """Something is to be seen, in the colours asked for."""
    painted = page.evaluate(PAINTED)
    assert painted["height"] > 400
    assert painted["body"] == f"rgb{wanted.background}"
    assert f"rgb{wanted.component}" in painted["components"]
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    colours = picture.getcolors(maxcolors=picture.width * picture.height)
    assert colours is not None
    pixels = {colour: count for count, colour in colours}
    assert wanted.component in pixels
    # A blank page is one colour; text and its edges alone are dozens.
    assert len(pixels) > 24
    assert max(pixels.values()) < 0.99 * picture.width * picture.height
