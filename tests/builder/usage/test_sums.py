"""The sums are the ledger's own, to the token, whatever the history, the zone and the range."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from billing.models import Grant, Movement
from builder.models import Run, Site
from builder.selectors.receipts import receipts_of, receipts_shown, receipts_streamed
from builder.selectors.usage import (
    DAY,
    GROUPS,
    MODEL,
    SITE,
    UsageScope,
    pocket_rows,
    regrouped,
    run_rows,
    usage_rows,
    usage_total,
)
from builder.services.sites import site_create
from builder.usage_range import DayRange
from tests.builder.usage.conftest import NOON, Making, days, purchase, run_of, spend

_people = count(1)
ZONES = (
    *("UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("Europe/Paris", "Africa/Cairo", "Atlantic/Azores", "America/New_York"),
)
MODELS = ("claude-3-haiku", "qwen-turbo", "left-the-catalogue")


def sums(rows: Any, *names: str) -> dict[Any, int]:
    """{keys: tokens} of rows."""
    keys = {"site": "site_id"}
    return {
        tuple(getattr(row, keys.get(name, name)) for name in names): row.charged for row in rows
    }


def ledger_sums(scope: UsageScope) -> Counter[tuple[Any, ...]]:
    """(day, model, site, kind) → tokens, added up here from the Movement rows themselves."""
    found: Counter[tuple[Any, ...]] = Counter()
    for movement in Movement.objects.filter(
        to_state=Movement.State.SPENT, hold__user_id=scope.user_id
    ).select_related("hold", "grant"):
        local = movement.created_at.astimezone(scope.days.zone).date()
        run = Run.objects.filter(hold=movement.hold).first()
        model = (run.model_used_slug or run.model_slug) if run else None
        site = run.site_id if run else None
        wanted = (not scope.model or model == scope.model) and (
            not scope.site_id or site == scope.site_id
        )
        if scope.days.first <= local <= scope.days.last and wanted:
            found[local, model, site, movement.grant.kind] += movement.amount
    return found


# Minutes after 24 October 2026, 00:00 UTC: two clock changes and the end of a month are in it.
BEGIN = datetime(2026, 10, 24, tzinfo=UTC)
WORK = st.fixed_dictionaries(
    {
        "minute": st.integers(0, 14 * 24 * 60),
        "charged": st.one_of(st.none(), st.integers(0, 6_000)),
        "model": st.sampled_from(MODELS),
        "answered": st.sampled_from(("", *MODELS)),
        "site": st.integers(0, 2),  # 2: no run
    }
)


@given(
    work=st.lists(WORK, max_size=10),
    zone=st.sampled_from(ZONES),
    first=st.integers(0, 14),
    length=st.integers(0, 14),
    narrowed=st.sampled_from(("", MODEL, SITE)),
)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_sum_is_the_ledgers(
    db: None, work: list[dict[str, Any]], zone: str, first: int, length: int, narrowed: str
) -> None:
    user = User.objects.create_user(f"person{next(_people)}@example.com")
    sites = [site_create(owner=user, name=name) for name in ("One", "Two")]
    purchase(user, 20_000)
    for one in sorted(work, key=lambda one: one["minute"]):
        hold = spend(user, one["charged"], BEGIN + timedelta(minutes=one["minute"]))
        if one["site"] < 2:
            run_of(
                hold,
                sites[one["site"]],
                model_slug=one["model"],
                model_used_slug=one["answered"],
            )
    begin = date(2026, 10, 23) + timedelta(days=first)
    scope = UsageScope(
        user.pk,
        DayRange(begin, begin + timedelta(days=length), ZoneInfo(zone)),
        model=MODELS[0] if narrowed == MODEL else "",
        site_id=sites[0].pk if narrowed == SITE else None,
    )
    expected = ledger_sums(scope)
    for by in ((DAY,), (MODEL,), (SITE,), (DAY, MODEL), (SITE, DAY), GROUPS):
        wanted: Counter[tuple[Any, ...]] = Counter()
        for key, tokens in expected.items():
            wanted[tuple(key[GROUPS.index(name)] for name in by)] += tokens
        for rows in (usage_rows(scope, by), pocket_rows(scope, by), run_rows(scope, by)):
            charged = {key: tokens for key, tokens in sums(rows, *by).items() if tokens}
            assert charged == dict(wanted)
        kinds: Counter[str] = Counter()
        for row in usage_rows(scope, by):
            assert sum(row.pockets.values()) == row.charged
            kinds.update(row.pockets)
        by_kind: Counter[str] = Counter()
        for (_day, _model, _site, kind), tokens in expected.items():
            by_kind[kind] += tokens
        assert kinds == by_kind
    both = usage_rows(scope, (MODEL, SITE))
    assert sums(regrouped(both, SITE), "site") == sums(usage_rows(scope, (SITE,)), "site")
    total = sum(expected.values())
    assert usage_total(both).charged == total
    shown = receipts_shown(receipts_of(scope))
    assert sum(receipt.charged or 0 for receipt in shown) == total
    assert [part for receipt in shown for part in receipt.pockets if part.amount < 1] == []
    assert sum(part.amount for receipt in shown for part in receipt.pockets) == total


def test_all_that_was_ever_spent_is_in_a_range_of_all_days(make_run: Making) -> None:
    purchase(make_run.user, 50_000)
    for number in range(30):
        make_run(1_000 + number, NOON - timedelta(days=number * 10))
    spend(make_run.user, 77, NOON)
    scope = UsageScope(make_run.user.pk, days("2026-01-01", "2026-12-31"))
    spent = sum(Grant.objects.filter(user=make_run.user).values_list("spent", flat=True))
    assert spent == 77 + sum(range(1_000, 1_030))
    assert usage_total(usage_rows(scope, (DAY,))).charged == spent
    assert sum(receipt.charged or 0 for receipt in receipts_streamed(scope)) == spent


@pytest.mark.parametrize(
    ("zone", "by_day"),
    [
        ("Pacific/Kiritimati", {"2026-11-30": 20, "2026-12-01": 800}),
        ("UTC", {"2026-11-30": 820}),
        ("Etc/GMT+12", {"2026-11-29": 320, "2026-11-30": 500}),
    ],
)
def test_tokens_belong_to_the_day_of_the_persons_zone(
    make_run: Making, zone: str, by_day: dict[str, int]
) -> None:
    make_run(20, datetime(2026, 11, 30, 9, 59, 59, 999_999, tzinfo=UTC))
    make_run(300, datetime(2026, 11, 30, 11, 59, 59, 999_999, tzinfo=UTC))
    make_run(500, datetime(2026, 11, 30, 12, 0, tzinfo=UTC))
    month = UsageScope(make_run.user.pk, days("2026-11-01", "2026-12-31", zone))
    found = sums(usage_rows(month, (DAY,)), "day")
    assert {day.isoformat(): tokens for (day,), tokens in found.items()} == by_day
    for day in ("2026-11-29", "2026-11-30", "2026-12-01"):
        alone = UsageScope(make_run.user.pk, days(day, day, zone))
        assert usage_total(usage_rows(alone, (DAY,))).charged == by_day.get(day, 0)
        assert sum(one.charged or 0 for one in receipts_streamed(alone)) == by_day.get(day, 0)


def test_a_night_that_is_lived_twice_is_counted_once(make_run: Making) -> None:
    """In Paris on 25 October 2026 it is 02:30 at 00:30 and at 01:30 UTC."""
    for hour in (0, 1):
        make_run(100, datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
    make_run(10, datetime(2026, 10, 24, 22, 0, tzinfo=UTC))  # 00:00 of the 25th
    make_run(1, datetime(2026, 10, 24, 21, 59, 59, 999_999, tzinfo=UTC))  # still the 24th
    make_run(1_000, datetime(2026, 10, 25, 22, 59, 59, 999_999, tzinfo=UTC))
    make_run(5, datetime(2026, 10, 25, 23, 0, tzinfo=UTC))  # the 26th
    scope = UsageScope(make_run.user.pk, days("2026-10-24", "2026-10-26", "Europe/Paris"))
    assert sums(usage_rows(scope, (DAY,)), "day") == {
        (date(2026, 10, 24),): 1,
        (date(2026, 10, 25),): 1_210,
        (date(2026, 10, 26),): 5,
    }


def test_one_charge_over_two_pockets_is_split_in_spending_order(make_run: Making) -> None:
    purchase(make_run.user, 5_000)
    make_run(11_500)
    row = usage_rows(UsageScope(make_run.user.pk, days("2026-11-22", "2026-11-22")), (DAY,))[0]
    assert list(row.pockets.items()) == [("free_monthly", 10_000), ("purchased", 1_500)]
    assert (row.charged, row.runs, row.input_tokens, row.output_tokens) == (11_500, 1, 610, 938)


def test_runs_that_cost_nothing_are_counted_and_their_tokens_are_not(make_run: Making) -> None:
    make_run(200)
    make_run(None)
    make_run(0)
    row = usage_rows(UsageScope(make_run.user.pk, days("2026-11-22", "2026-11-22")), (DAY,))[0]
    assert (row.charged, row.runs, row.input_tokens, row.output_tokens) == (200, 3, 610, 938)


def test_the_model_that_answered_is_the_one_that_counts(make_run: Making) -> None:
    make_run(200, model_slug="claude-3-opus", model_used_slug="qwen-turbo")
    make_run(100, model_slug="claude-3-opus")
    spend(make_run.user, 7, NOON)
    scope = UsageScope(make_run.user.pk, days("2026-11-22", "2026-11-22"))
    assert sums(usage_rows(scope, (MODEL,)), "model") == {
        ("qwen-turbo",): 200,
        ("claude-3-opus",): 100,
        (None,): 7,
    }


def test_a_run_that_is_still_going_is_listed_and_not_summed(make_run: Making) -> None:
    run = make_run.going()
    done = make_run(200, NOON - timedelta(minutes=5))
    scope = UsageScope(make_run.user.pk, days("2026-11-22", "2026-11-22"))
    shown = receipts_shown(receipts_of(scope))
    assert [(receipt.run, receipt.charged) for receipt in shown] == [(run, None), (done, 200)]
    assert [(row.charged, row.runs) for row in usage_rows(scope, (DAY,))] == [(200, 1)]


def test_what_others_used_never_counts(make_run: Making, bob: User) -> None:
    bobs = Making(bob, site_create(owner=bob, name="Bob's"))
    bobs(900)
    make_run(200)
    for by in GROUPS:
        mine = usage_rows(UsageScope(make_run.user.pk, days("2026-11-01", "2026-11-30")), (by,))
        assert [row.charged for row in mine] == [200]
    on_his = UsageScope(make_run.user.pk, days("2026-11-01", "2026-11-30"), site_id=bobs.site.pk)
    assert usage_rows(on_his, (DAY,)) == []
    assert list(receipts_of(on_his)) == []


def test_receipts_are_streamed_whole_in_pieces(
    make_run: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.selectors.receipts.RECEIPTS_A_PIECE", 3)
    made = [make_run(10 + number, NOON + timedelta(seconds=number)) for number in range(8)]
    scope = UsageScope(make_run.user.pk, days("2026-11-22", "2026-11-22"))
    streamed = list(receipts_streamed(scope))
    assert [receipt.run for receipt in streamed] == made[::-1]
    assert [receipt.charged for receipt in streamed] == list(range(17, 9, -1))


def test_a_deleted_sites_usage_stays(make_run: Making, site: Site) -> None:
    make_run(200)
    Site.objects.filter(pk=site.pk).update(deleted_at=NOON)
    scope = UsageScope(make_run.user.pk, days("2026-11-22", "2026-11-22"), site_id=site.pk)
    assert usage_total(usage_rows(scope, (SITE,))).charged == 200
