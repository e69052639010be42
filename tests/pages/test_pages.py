"""Pages over Django's client: what they say, and what they refuse."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import User
from builder.models import Run, Site

PUBLIC = ("/", "/pricing/", "/models/", "/gallery/", "/help/", "/status/")
PRIVATE = ("/dashboard/", "/usage/", "/billing/", "/account/")


def text_of(html: str) -> str:
    """The words of a page, tags and line breaks aside."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize("path", PUBLIC)
def test_public_page_answers_visitors_and_an_empty_catalogue(client: Client, path, db) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert "main" in response.content.decode()


@pytest.mark.parametrize("path", PRIVATE)
def test_private_page_sends_visitors_to_log_in(client: Client, path, db) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("path", PUBLIC + PRIVATE)
def test_only_the_front_door_accepts_posts_without_a_form(member: Client, path) -> None:
    expected = {"/": 422, "/account/": 422}.get(path, 405)
    assert member.post(path).status_code == expected


def test_front_door_keeps_the_request_and_offers_it_after_sign_up(client: Client, db) -> None:
    kept = client.post("/", {"prompt": "  A site for a tea house  "})
    assert (kept.status_code, kept["Location"]) == (302, reverse("account_signup"))
    assert "A site for a tea house" in client.get(kept["Location"]).content.decode()
    client.post(kept["Location"], {"email": "li@example.com", "password1": "correct horse battery"})
    home = client.get("/dashboard/").content.decode()
    assert "Your request is ready to go" in home
    assert re.search(r"<textarea[^>]*>A site for a tea house</textarea>", home)


def test_request_is_dropped_once_a_site_was_made_from_it(member: Client) -> None:
    member.post("/", {"prompt": "A site for a tea house"})
    assert "ready to go" in member.get("/dashboard/").content.decode()
    member.post("/sites/new/", {"prompt": "A site for a tea house"})
    assert "ready to go" not in member.get("/dashboard/").content.decode()
    assert "pending_prompt" not in member.session


@pytest.mark.parametrize("prompt", ["", "   ", "\x00", "é" * 16_385])
def test_front_door_refuses_nothing_and_too_much(client: Client, prompt, db) -> None:
    response = client.post("/", {"prompt": prompt})
    assert response.status_code == 422
    assert "Nothing was charged" in response.content.decode()
    assert "pending_prompt" not in client.session


def test_front_door_leads_members_to_their_dashboard(member: Client) -> None:
    assert member.get("/")["Location"] == "/dashboard/"


def test_dashboard_shows_balance_sites_and_runs(
    member: Client, site: Site, make_run: Callable[..., Run]
) -> None:
    make_run(charged=3_180)
    words = text_of(member.get("/dashboard/").content.decode())
    assert "6,820 tokens" in words
    assert "Bakery on Main Version 1" in words
    assert "Add the opening hours Done" in words
    assert "3,180 tokens" in words


def test_usage_lists_what_each_request_cost(member: Client, make_run: Callable[..., Run]) -> None:
    make_run(charged=3_180)
    make_run(charged=0, prompt="Nothing came of it")
    words = text_of(member.get("/usage/").content.decode())
    assert "3,180 of this month’s 10,000 free tokens are used" in words
    assert re.search(r"Add the opening hours .* 610 938 3,180", words)
    assert re.search(r"Nothing came of it .* 610 938 0 ", words)


def test_usage_shows_nobody_elses_requests(client: Client, make_run: Callable[..., Run]) -> None:
    make_run(charged=3_180)
    client.force_login(User.objects.create_user("bo@example.com", "x"))
    assert "Add the opening hours" not in client.get("/usage/").content.decode()
    assert "Bakery on Main" not in client.get("/dashboard/").content.decode()


@pytest.mark.parametrize("number", ["0", "-1", "9999", "x", "1e9"])
def test_usage_answers_any_page_number(member: Client, make_run, number) -> None:
    make_run(charged=1)
    assert member.get("/usage/", {"page": number}).status_code == 200


def test_pricing_shows_every_offer_as_priced(client: Client, catalogue: None) -> None:
    words = text_of(client.get("/pricing/").content.decode())
    for row in (
        "$5 200,000 $2.50 24",
        "$10 450,000 $2.22 55",
        "$15 1,000,000 $1.50 123",
        "$20 2,000,000 $1.00 246",
    ):
        assert row in words
    assert "30,000 tokens every day: 900,000 in 30 days" in words
    # There is no Stripe key in tests.
    assert "Purchases are closed right now" in words


def test_pricing_counts_pages_on_the_model_picked(client: Client, catalogue: None) -> None:
    on_turbo = text_of(client.get("/pricing/", {"model": "qwen-turbo"}).content.decode())
    assert "2,700 tokens on Qwen Turbo" in on_turbo
    assert "$5 200,000 $2.50 74" in on_turbo
    unknown = text_of(client.get("/pricing/", {"model": "<script>"}).content.decode())
    assert "8,100 tokens on Claude 3 Haiku" in unknown


def test_models_page_lists_the_whole_catalogue_with_prices(client: Client, catalogue: None) -> None:
    words = text_of(client.get("/models/").content.decode())
    assert "19 models to choose from" in words
    assert "Claude 3 Opus reads images Most capable ×10" in words


@override_settings(AI_EMULATOR_URL="")
def test_models_without_a_key_say_so(client: Client, catalogue: None) -> None:
    assert "no key is set for OpenRouter" in client.get("/models/").content.decode()
    assert "Answers come from built-in samples" not in client.get("/models/").content.decode()


@override_settings(AI_EMULATOR_URL="http://127.0.0.1:9")
def test_banner_says_that_answers_are_samples(client: Client, catalogue: None) -> None:
    assert "Answers come from built-in samples" in client.get("/help/").content.decode()
    assert "answers from samples" in client.get("/status/").content.decode()


def test_language_switch_is_remembered(client: Client, db) -> None:
    response = client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/pricing/"})
    assert response["Location"] == "/pricing/"
    page = client.get("/pricing/").content.decode()
    assert '<html lang="zh-Hans"' in page
    assert "价格" in page
    client.post("/i18n/setlang/", {"language": "en", "next": "/pricing/"})
    assert '<html lang="en"' in client.get("/pricing/").content.decode()


@override_settings(DEBUG=False)
def test_missing_page_is_ours(client: Client, db) -> None:
    response = client.get("/no/such/page/")
    assert response.status_code == 404
    assert "There is nothing at this address." in response.content.decode()


@override_settings(DEBUG=False)
def test_form_without_a_token_is_refused_in_words(db) -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/", {"prompt": "A site"})
    assert response.status_code == 403
    assert "This form is too old" in response.content.decode()


@pytest.mark.parametrize("path", [*PUBLIC, "/accounts/login/", "/accounts/signup/"])
def test_pages_carry_no_inline_script_or_style(client: Client, path, catalogue) -> None:
    response = client.get(path)
    html = response.content.decode()
    assert "style=" not in html
    assert "<style" not in html
    scripts = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", html)
    assert [script for script in scripts if "application/json" not in script] == []
    # Directives come in any order.
    directives = response["Content-Security-Policy"].split(";")
    policy = {words[0]: words[1:] for words in map(str.split, directives)}
    assert policy["script-src"] == ["'self'"]
    assert policy["style-src"] == ["'self'"]
