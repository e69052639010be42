"""`GET /api/usage` and the files: the page's numbers, in the contract's form."""

from __future__ import annotations

import csv
import io
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from builder.models import Site
from builder.services.sites import site_create
from tests.builder.usage.conftest import NOON, Making, purchase, spend

pytestmark = pytest.mark.usefixtures("at_noon", "catalogue")


@pytest.fixture
def at_noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def usage(client: Client, **query: str) -> dict[str, Any]:
    answer = client.get("/api/usage", query)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = json.loads(answer.content)
    return body


def lines_of(answer: Any) -> list[dict[str, str]]:
    """The rows of a CSV answer by their columns' names."""
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    text = b"".join(answer).decode()
    return list(csv.DictReader(io.StringIO(text), strict=True))


def test_the_whole_answer(member: Client, make_run: Making) -> None:
    purchase(make_run.user, 50_000)
    make_run(11_000, NOON - timedelta(days=2), model_used_slug="qwen-turbo")
    make_run(100)
    make_run(None)
    sums = {"runs": 2, "inputTokens": 610, "outputTokens": 938}
    assert usage(member, **{"from": "2026-11-01", "to": "2026-11-22", "group": "day,model"}) == {
        "from": "2026-11-01",
        "to": "2026-11-22",
        "timeZone": "UTC",
        "group": ["day", "model"],
        "total": {
            "charged": 11_100,
            "pockets": [
                {"kind": "free_monthly", "amount": 10_000},
                {"kind": "purchased", "amount": 1_100},
            ],
            "runs": 3,
            "inputTokens": 1_220,
            "outputTokens": 1_876,
        },
        "rows": [
            {
                "day": "2026-11-20",
                "model": "qwen-turbo",
                "charged": 11_000,
                "pockets": [
                    {"kind": "free_monthly", "amount": 10_000},
                    {"kind": "purchased", "amount": 1_000},
                ],
                **sums,
                "runs": 1,
            },
            {
                "day": "2026-11-22",
                "model": "claude-3-haiku",
                "charged": 100,
                "pockets": [{"kind": "purchased", "amount": 100}],
                **sums,
            },
        ],
    }


def test_nothing_said_is_this_month_by_day(member: Client, make_run: Making) -> None:
    make_run(100)
    for query in ({}, {"from": "", "to": "", "group": ""}):
        body = usage(member, **query)
        assert (body["from"], body["to"], body["group"]) == ("2026-11-01", "2026-11-22", ["day"])
        assert [(row["day"], row["charged"]) for row in body["rows"]] == [("2026-11-22", 100)]
        assert "model" not in body["rows"][0]


def test_groups_have_their_own_keys_and_what_no_run_made_is_null(
    member: Client, make_run: Making, site: Site
) -> None:
    make_run(100)
    spend(make_run.user, 40, NOON)
    by_site = usage(member, group="site")["rows"]
    assert [(row["siteId"], row["siteName"], row["charged"]) for row in by_site] == [
        (str(site.pk), "Bakery on Main", 100),
        (None, None, 40),
    ]
    assert [(row["model"], row["charged"]) for row in usage(member, group="model")["rows"]] == [
        ("claude-3-haiku", 100),
        (None, 40),
    ]
    whole = usage(member, group="site,day,model")["rows"][0]
    assert {"siteId", "siteName", "day", "model"} <= whole.keys()


def test_filters_and_the_persons_zone(member: Client, make_run: Making) -> None:
    other = site_create(owner=make_run.user, name="Tea house")
    make_run(100, NOON.replace(day=21, hour=11))
    make_run(30, site=other, model_used_slug="qwen-turbo")
    assert usage(member, site=str(other.pk))["total"]["charged"] == 30
    assert usage(member, model="claude-3-haiku")["total"]["charged"] == 100
    assert usage(member, model="claude-3-opus")["rows"] == []
    make_run.user.time_zone = "Pacific/Kiritimati"
    make_run.user.save()
    body = usage(member)
    assert body["timeZone"] == "Pacific/Kiritimati"
    assert [row["day"] for row in body["rows"]] == ["2026-11-22", "2026-11-23"]
    assert usage(member, **{"from": "2026-11-22", "to": "2026-11-22"})["total"]["charged"] == 100


def test_a_model_that_left_the_catalogue_can_still_be_asked_for(
    member: Client, make_run: Making
) -> None:
    make_run(100, model_slug="gone-model")
    assert usage(member, model="gone-model")["total"]["charged"] == 100


BAD = [
    ({"from": "yesterday"}, "invalid_range"),
    ({"from": "2026-13-01"}, "invalid_range"),
    ({"to": "20261101"}, "invalid_range"),
    ({"from": "2026-11-22", "to": "2026-11-21"}, "invalid_range"),
    ({"from": "2026-01-01", "to": "2027-01-02"}, "invalid_range"),
    ({"from": "0001-01-01"}, "invalid_range"),
    ({"to": "9999-12-31"}, "invalid_range"),
    ({"from": "\x00"}, "invalid_range"),
    ({"group": "hour"}, "invalid_group"),
    ({"group": "day,day"}, "invalid_group"),
    ({"group": "day,"}, "invalid_group"),
    ({"group": " day"}, "invalid_group"),
    ({"group": "Day"}, "invalid_group"),
    ({"group": "day\x00"}, "invalid_group"),
    ({"model": "gpt-9"}, "unknown_model"),
    ({"model": "\x00"}, "unknown_model"),
    ({"model": "x" * 5000}, "unknown_model"),
    ({"frm": "2026-11-01"}, "invalid_parameter"),
    ({"page": "1"}, "invalid_parameter"),
    ({"from": ["2026-11-01", "2026-11-02"]}, "invalid_parameter"),
]


@pytest.mark.parametrize("path", ["/api/usage", "/api/usage.csv"])
@pytest.mark.parametrize(("query", "code"), BAD)
def test_what_can_not_be_is_a_422_that_names_it(
    member: Client, make_run: Making, path: str, query: dict[str, Any], code: str
) -> None:
    make_run(100)
    answer = member.get(path, query)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert (body["status"], body["code"]) == (422, code)
    assert {"type", "title", "detail"} <= body.keys()
    assert [error["field"] for error in body["errors"]] == list(query)[:1]
    assert all(error["message"] for error in body["errors"])


@pytest.mark.parametrize("path", ["/api/usage", "/api/usage.csv"])
def test_somebody_elses_site_does_not_exist(
    client: Client, make_run: Making, bob: User, path: str
) -> None:
    make_run(100)
    assert client.get(path).status_code == 401
    client.force_login(bob)
    for site_id in (str(make_run.site.pk), str(uuid.UUID(int=9)), "x"):
        answer = client.get(path, {"site": site_id})
        assert (answer.status_code, json.loads(answer.content)["code"]) == (404, "not_found")
    assert usage(client)["total"]["charged"] == 0
    assert usage(client, group="site")["rows"] == []
    unknown = client.get(path, {"model": "claude-3-haiku"})
    assert unknown.status_code == 200


def test_what_others_used_does_not_make_a_model_known(
    client: Client, make_run: Making, bob: User
) -> None:
    make_run(100, model_slug="gone-model")
    client.force_login(bob)
    assert client.get("/api/usage", {"model": "gone-model"}).status_code == 422


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_read_only(member: Client, method: str) -> None:
    assert getattr(member, method)("/api/usage").status_code == 405


def test_the_file_has_the_same_numbers(member: Client, make_run: Making) -> None:
    purchase(make_run.user, 50_000)
    make_run(11_000, NOON - timedelta(days=2), model_used_slug="qwen-turbo")
    spend(make_run.user, 40, NOON)
    lines = lines_of(member.get("/api/usage.csv", {"group": "day,model,site"}))
    rows = usage(member, group="day,model,site")["rows"]
    assert [(line["Day"], line["Model"], line["Site"]) for line in lines] == [
        (row["day"], row["model"] or "", row["siteId"] or "") for row in rows
    ]
    assert [int(line["Tokens charged"]) for line in lines] == [row["charged"] for row in rows]
    assert lines[0] == {
        "Day": "2026-11-20",
        "Model": "qwen-turbo",
        "Site": str(make_run.site.pk),
        "Site name": "Bakery on Main",
        "Tokens charged": "11000",
        "Free monthly": "10000",
        "Purchased": "1000",
        "Premium daily": "0",
        "Adjustment": "0",
        "Runs": "1",
        "Input tokens": "610",
        "Output tokens": "938",
    }


def test_the_header_is_english_in_every_language(member: Client, make_run: Making) -> None:
    make_run.user.language = "zh-hans"
    make_run.user.save()
    make_run(100)
    assert list(lines_of(member.get("/api/usage.csv"))[0])[:2] == ["Day", "Tokens charged"]
    assert list(lines_of(member.get("/usage/receipts.csv"))[0])[:2] == ["Time", "Run"]


def test_an_empty_file_has_its_header(member: Client) -> None:
    answer = member.get("/api/usage.csv")
    assert b"".join(answer).startswith(b"Day,Tokens charged,Free monthly,")


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", '=HYPERLINK("x","y")']


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_run_by_a_spreadsheet(member: Client, make_run: Making, text: str) -> None:
    Site.objects.filter(pk=make_run.site.pk).update(name=text)
    make_run.site.refresh_from_db()
    make_run(100, prompt=f'{text}",\r\n"=2')
    usage_line = lines_of(member.get("/api/usage.csv", {"group": "site"}))[0]
    receipt_line = lines_of(member.get("/usage/receipts.csv"))[0]
    assert usage_line["Site name"] == f"'{text}"
    assert receipt_line["Site"] == f"'{text}"
    assert receipt_line["Request"] == f'\'{text}",\r\n"=2'
    assert usage_line["Tokens charged"] == receipt_line["Tokens charged"] == "100"


def test_receipts_as_a_file(member: Client, make_run: Making) -> None:
    make_run.user.time_zone = "Europe/Paris"
    make_run.user.save()
    purchase(make_run.user, 50_000)
    run = make_run(11_000, model_slug="claude-3-opus", model_used_slug="claude-3-haiku")
    spend(make_run.user, 40, NOON - timedelta(hours=1))
    make_run.going(NOON - timedelta(hours=2))
    first, other, going = lines_of(member.get("/usage/receipts.csv"))
    assert first == {
        "Time": "2026-11-22T13:00:00+01:00",
        "Run": str(run.pk),
        "Site": "Bakery on Main",
        "Request": "Add the opening hours",
        "Model asked": "claude-3-opus",
        "Model used": "claude-3-haiku",
        "State": "succeeded",
        "Version": "",
        "Input tokens": "610",
        "Output tokens": "938",
        "Estimated": "no",
        "Tokens charged": "11000",
        "Free monthly": "10000",
        "Purchased": "1000",
        "Premium daily": "0",
        "Adjustment": "0",
    }
    assert (other["Run"], other["Tokens charged"], other["Purchased"]) == ("", "40", "40")
    assert (going["State"], going["Tokens charged"]) == ("running", "")


def test_the_sums_of_page_answer_and_files_are_one_number(member: Client, make_run: Making) -> None:
    purchase(make_run.user, 100_000)
    for number in range(35):
        make_run(1_000 + number, NOON - timedelta(hours=number))
    spend(make_run.user, 9, NOON)
    total = 9 + sum(range(1_000, 1_035))
    assert usage(member)["total"]["charged"] == total
    for path in ("/api/usage.csv", "/usage/receipts.csv"):
        assert sum(int(line["Tokens charged"]) for line in lines_of(member.get(path))) == total
    assert f'<span class="num">{total:,}</span>' in member.get("/usage/").content.decode()
