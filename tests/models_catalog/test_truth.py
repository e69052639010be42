"""The catalogue held against the emulated providers' own lists, over HTTP."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import StaffAlert
from emulators.ai.testing import emulator
from models_catalog.models import AIModel, CatalogueFinding, Provider, Route
from models_catalog.selectors import Availability, availability, model_get, routes_of
from models_catalog.truth.services import Outcome, catalogue_compare

pytestmark = pytest.mark.django_db

TOKEN_USD = Decimal("0.00001")
OPUS = "anthropic/claude-3-opus"


@pytest.fixture(scope="module")
def server():
    with emulator() as running:
        yield running


@pytest.fixture
def lists(server, settings, catalogue):
    """The emulator's lists, reached as by a machine without keys."""
    server.reset()
    settings.AI_EMULATOR_URL = server.url
    settings.DEBUG = True
    return server


def compare() -> dict[str, Outcome]:
    return {one.provider.slug: one.outcome for one in catalogue_compare(token_usd=TOKEN_USD)}


def found(*kinds: str) -> list[tuple[str, str]]:
    rows = CatalogueFinding.objects.filter(resolved_at=None).order_by("kind", "provider_model_id")
    if kinds:
        rows = rows.filter(kind__in=kinds)
    return list(rows.values_list("kind", "provider_model_id"))


def everything() -> list[list[Any]]:
    tables = (Provider, AIModel, Route, CatalogueFinding)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def test_the_shipped_catalogue_agrees_but_for_models_it_could_have(lists):
    assert compare() == {
        "openrouter": Outcome.COMPARED,
        "qwen": Outcome.COMPARED,
        "openai": Outcome.SKIPPED,
        "anthropic": Outcome.SKIPPED,
    }
    assert found() == [
        ("candidate", "anthropic/claude-3.5-sonnet"),
        ("candidate", "openai/gpt-4o-mini"),
        ("candidate", "qwen-plus"),
        ("candidate", "qwen/qwen-2-72b-instruct"),
    ]
    assert not StaffAlert.objects.exists()
    assert not Route.objects.exclude(gone_since=None).exists()


def test_a_finding_opens_once_and_is_seen_again(lists):
    compare()
    first = list(CatalogueFinding.objects.order_by("pk").values("pk", "found_at", "seen_at"))
    compare()
    again = list(CatalogueFinding.objects.order_by("pk").values("pk", "found_at", "seen_at"))
    assert [(row["pk"], row["found_at"]) for row in first] == [
        (row["pk"], row["found_at"]) for row in again
    ]
    assert all(old["seen_at"] < new["seen_at"] for old, new in zip(first, again, strict=True))


def test_a_gone_model_is_out_with_reason_and_fallback_and_back_when_listed_again(lists):
    lists.listing("openrouter", without=[OPUS])
    compare()
    assert found("gone") == [("gone", OPUS)]
    assert availability(model_get("claude-3-opus")) == Availability(
        False, "OpenRouter no longer offers it; choose GPT-4 Turbo instead"
    )
    assert routes_of(model_get("claude-3-opus")) == []
    compare()
    [alert] = StaffAlert.objects.all()
    assert (alert.key, alert.times) == (f"catalogue-gone:openrouter:{OPUS}", 1)

    lists.listing("openrouter")
    compare()
    assert found("gone") == []
    settled = CatalogueFinding.objects.get(kind="gone")
    assert settled.resolution == "no longer so"
    assert availability(model_get("claude-3-opus")).available
    assert Route.objects.get(provider_model_id=OPUS).gone_since is None


@pytest.mark.parametrize(
    "facts",
    [
        {"id": "anthropic/claude-3-opus-20240229"},
        {"id": "anthropic/opus-classic", "canonical_slug": "x/y"},
        {"id": "elsewhere/opus", "name": "Something else", "canonical_slug": OPUS},
    ],
    ids=["both", "same name", "same canonical slug"],
)
def test_a_renamed_model_is_known_again(lists, facts):
    compare()
    lists.listing("openrouter", change={OPUS: facts})
    compare()
    assert found("gone", "renamed") == [("renamed", OPUS)]
    finding = CatalogueFinding.objects.get(kind="renamed")
    assert finding.detail["to"] == facts["id"]
    assert not availability(model_get("claude-3-opus")).available
    assert "It is now called" in StaffAlert.objects.get().detail
    # What it is called now is no candidate besides.
    assert ("candidate", facts["id"]) not in found()


def test_two_that_could_be_it_are_no_rename(lists):
    twins = [
        {"id": f"anthropic/opus-{number}", "name": "Anthropic: Claude 3 Opus"} for number in (1, 2)
    ]
    lists.listing("openrouter", without=[OPUS], add=twins)
    compare()
    assert found("gone", "renamed") == [("gone", OPUS)]


def test_a_price_change_is_told_and_changes_nothing_by_itself(lists):
    price = {"pricing": {"prompt": "0.00002", "completion": "0.00008"}}
    lists.listing("openrouter", change={OPUS: price})
    compare()
    assert found("price") == [("price", OPUS)]
    detail = CatalogueFinding.objects.get(kind="price").detail
    assert (detail["before"], detail["prices"]) == (["15", "75"], ["20", "80"])
    route = Route.objects.get(provider_model_id=OPUS)
    assert [route.input_usd_per_million, route.output_usd_per_million] == [15, 75]


def test_a_price_that_nobody_set_is_taken(lists):
    routes = Route.objects.filter(provider_model_id=OPUS)
    routes.update(input_usd_per_million=None, output_usd_per_million=None, priced_at=None)
    compare()
    route = routes.get()
    assert [route.input_usd_per_million, route.output_usd_per_million] == [15, 75]
    assert found("price") == []


def test_a_price_that_depends_is_no_price(lists):
    for odd in ("-1", "much", "NaN", None, "1e99", True):
        lists.listing("openrouter", change={OPUS: {"pricing": {"prompt": odd, "completion": odd}}})
        compare()
        assert found("price") == []


def test_only_writers_of_makers_we_have_are_candidates_and_not_too_many(lists):
    text, picture = {"output_modalities": ["text"]}, {"output_modalities": ["image"]}
    rows = [
        {"id": "stranger/model", "name": "Stranger", "architecture": text},
        {"id": "google/painter", "name": "Painter", "architecture": picture},
        {"id": "google/embedding-1", "name": "Embedding"},
        {"id": "openai/gpt-4:free", "name": "GPT-4 (free)"},
        *({"id": f"google/new-{n:02}", "name": "New", "created": n + 1} for n in range(30)),
    ]
    hidden = ["anthropic/claude-3.5-sonnet", "openai/gpt-4o-mini", "qwen/qwen-2-72b-instruct"]
    lists.listing("openrouter", add=rows, without=hidden)
    compare()
    ids = [name for _kind, name in found("candidate") if name != "qwen-plus"]
    assert ids == [f"google/new-{n:02}" for n in range(10, 30)]


@pytest.mark.parametrize(
    ("listing", "outcome", "words"),
    [
        ({"status": 500}, Outcome.UNREADABLE, "status 500"),
        ({"status": 401}, Outcome.UNREADABLE, "status 401"),
        ({"text": ""}, Outcome.UNREADABLE, "not JSON"),
        ({"text": "<html>Bad gateway</html>"}, Outcome.UNREADABLE, "not JSON"),
        ({"text": "[" * 100_000}, Outcome.UNREADABLE, "not JSON"),
        ({"text": '{"data": {}}'}, Outcome.UNREADABLE, "no list of models"),
        ({"text": "[]"}, Outcome.UNREADABLE, "no list of models"),
        ({"text": '{"data": []}'}, Outcome.UNREADABLE, "empty"),
        ({"text": '{"data": [{"id": 7}, null, "x", {"id": "a\\u0000b"}]}'}, Outcome.UNREADABLE,
         "empty"),
        ({"text": '{"data": [{"id": "only/this"}]}'}, Outcome.DOUBTED, "lost 18 of our models"),
        ({"text": " " * 9_000_000}, Outcome.UNREADABLE, "larger than 8 MB"),
        ({"status": 302, "text": ""}, Outcome.UNREADABLE, "status 302"),
    ],
    ids=[
        *("500", "401", "nothing", "html", "deep", "object", "bare", "empty", "odd"),
        *("doubted", "huge", "redirect"),
    ],
)  # fmt: skip
def test_a_list_that_is_none_changes_nothing_and_staff_are_told(lists, listing, outcome, words):
    compare()
    before = everything()
    lists.listing("openrouter", **listing)
    [result] = [
        one for one in catalogue_compare(token_usd=TOKEN_USD) if one.provider.slug == "openrouter"
    ]
    assert result.outcome == outcome
    assert words in result.message
    compare()
    openrouter = Provider.objects.get(slug="openrouter")
    # Qwen's own list was read: its findings were seen again, and nothing else.
    CatalogueFinding.objects.exclude(provider=openrouter).update(seen_at=timezone.now())
    after = everything()
    assert after[:3] == before[:3]
    assert [row for row in after[3] if row["provider_id"] == openrouter.pk] == [
        row for row in before[3] if row["provider_id"] == openrouter.pk
    ]
    [alert] = StaffAlert.objects.all()
    assert (alert.key, alert.times) == ("catalogue-list:openrouter", 2)


def test_half_of_the_models_may_go_but_not_more(lists):
    ids = list(
        Route.objects.filter(provider__slug="openrouter").values_list(
            "provider_model_id", flat=True
        )
    )
    assert len(ids) == 18
    lists.listing("openrouter", without=ids[:10])
    assert compare()["openrouter"] == Outcome.DOUBTED
    lists.listing("openrouter", without=ids[:9])
    assert compare()["openrouter"] == Outcome.COMPARED
    assert len(found("gone")) == 9
    # Of the nine that are left four may go next.
    lists.listing("openrouter", without=ids[:14])
    assert compare()["openrouter"] == Outcome.DOUBTED
    lists.listing("openrouter", without=ids[:13])
    assert compare()["openrouter"] == Outcome.COMPARED


def test_an_unreachable_provider_is_told_without_its_key_and_the_other_is_compared(
    lists, settings, caplog
):
    settings.PROVIDER_KEYS = {**settings.PROVIDER_KEYS, "OPENROUTER_API_KEY": "canary-key"}
    settings.PROVIDER_BASE_URLS = {
        **settings.PROVIDER_BASE_URLS,
        "OPENROUTER_BASE_URL": "http://127.0.0.1:9/api/v1",
    }
    assert compare() | {"openai": "", "anthropic": ""} == {
        "openrouter": Outcome.UNREADABLE,
        "qwen": Outcome.COMPARED,
        "openai": "",
        "anthropic": "",
    }
    assert "could not be reached" in StaffAlert.objects.get().subject
    assert "canary" not in caplog.text + str(list(StaffAlert.objects.values()))


def test_the_proxy_is_used_where_it_is_set_and_its_login_is_never_told(lists, settings, caplog):
    settings.PROVIDER_KEYS = {**settings.PROVIDER_KEYS, "OPENROUTER_API_KEY": "k"}
    settings.PROVIDER_BASE_URLS = {
        **settings.PROVIDER_BASE_URLS,
        "OPENROUTER_BASE_URL": lists.base_url("openrouter"),
    }
    settings.PROXY_HOST, settings.PROXY_PORT = "127.0.0.1", 9
    settings.PROXY_USER, settings.PROXY_PASSWORD = "canary-user", "canary-password"
    outcomes = compare()
    assert outcomes["openrouter"] == Outcome.UNREADABLE
    assert outcomes["qwen"] == Outcome.COMPARED, "it is reached directly"
    assert "proxy" in StaffAlert.objects.get().subject
    assert "canary" not in caplog.text + str(list(StaffAlert.objects.values()))


def test_a_proxy_of_the_environment_is_not_ours(lists, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert compare()["openrouter"] == Outcome.COMPARED


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_comparing_twice_at_once_opens_each_finding_once(lists):
    lists.listing("openrouter", without=[OPUS])
    failures: list[BaseException] = []

    def run() -> None:
        try:
            compare()
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(found("gone")) == CatalogueFinding.objects.filter(kind="gone").count() == 1
    assert StaffAlert.objects.get().times == 1


def test_a_model_sold_below_cost_is_found_and_settled_by_a_dearer_price(lists):
    routes = Route.objects.filter(provider_model_id=OPUS)
    routes.update(output_usd_per_million=Decimal("100.0001"))
    compare()
    assert found("below_cost") == [("below_cost", OPUS)]
    detail = CatalogueFinding.objects.get(kind="below_cost").detail
    assert (detail["earned"], detail["least_token_cost"]) == (["20", "100"], 11)
    AIModel.objects.filter(slug="claude-3-opus").update(token_cost=11)
    compare()
    assert found("below_cost") == []
    routes.update(input_usd_per_million=Decimal("22.01"))
    compare()
    assert (
        CatalogueFinding.objects.get(kind="below_cost", resolved_at=None).detail["least_token_cost"]
        == 12
    )


def test_direct_apis_are_compared_as_well_once_they_are_on(lists):
    Provider.objects.filter(enabled=False).update(enabled=True, disabled_reason="")
    lists.listing("anthropic", without=["claude-3-opus-20240229"])
    lists.listing("openai", change={"gpt-4": {"id": "gpt-4-0613"}})
    assert set(compare().values()) == {Outcome.COMPARED}
    assert found("gone", "renamed", "price") == [
        ("gone", "claude-3-opus-20240229"),
        ("gone", "gpt-4"),
    ]
    # Both go on through OpenRouter.
    assert all(availability(model_get(slug)).available for slug in ("claude-3-opus", "gpt-4"))


def test_a_list_of_several_pages_is_read_to_its_end_at_the_same_host_only(lists, settings):
    compare()
    row = '{"id": "anthropic/claude-3-opus"}'
    for following in ("http://elsewhere.invalid/models", "/openrouter/api/v1/models?page=2"):
        body = f'{{"data": [{row}], "links": {{"next": "{following}"}}}}'
        lists.listing("openrouter", text=body)
        results = {one.provider.slug: one for one in catalogue_compare(token_usd=TOKEN_USD)}
        expected = Outcome.DOUBTED if "elsewhere" in following else Outcome.UNREADABLE
        assert results["openrouter"].outcome == expected
    assert "more than 10 pages" in results["openrouter"].message
