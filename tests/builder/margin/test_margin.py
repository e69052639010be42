"""Margins add up from real runs, and a price change never touches a run already quoted."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.models import StaffAlert, User
from billing.models import Grant
from billing.services.clawbacks import debt_forgive, debts_collect, grant_claw_back
from billing.services.grants import grant_create
from builder import tasks
from builder.margin_page import bar_parts, margin_page
from builder.models import Attempt
from builder.selectors.margin import MarginRow, margin_rows, margin_total, summed_by
from builder.selectors.taken_back import taken_back_rows, taken_back_total
from builder.services import execution
from builder.usage_range import DayRange
from models_catalog.models import AIModel, CatalogueFinding, Route
from models_catalog.templatetags.catalogue import usd
from models_catalog.truth.actions import finding_act

pytestmark = pytest.mark.django_db(transaction=True)

UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
def staff(client, catalogue):
    call_command("offers_seed", stdout=io.StringIO())
    client.force_login(User.objects.create_superuser("staff@example.com", "a long password"))
    return client


def buy(user: User, tokens: int) -> None:
    grant_create(
        user_id=user.pk,
        kind=Grant.Kind.PURCHASED,
        amount=tokens,
        source=f"test:{user.pk}",
        effective_at=datetime.now(UTC),
    )


def today() -> DayRange:
    day = datetime.now(UTC).date()
    # Both days, should midnight pass within the test.
    return DayRange(day - timedelta(days=1), day + timedelta(days=1), UTC_ZONE)


def test_free_tokens_earn_nothing_and_bought_ones_the_cheapest_price(staff, alice, finish):
    buy(alice, 500_000)
    runs = [finish(model="claude-3-opus"), finish(model="claude-3-haiku")]
    rows = {row.model: row for row in margin_rows(today())}
    assert set(rows) == {"claude-3-opus", "claude-3-haiku"}
    for run in runs:
        row, [attempt] = rows[run.model_slug], run.attempts.all()
        paid = sum(
            move.amount
            for move in run.hold.movements.filter(to_state="spent", grant__kind="purchased")
        )
        assert (row.attempts, row.sold, row.cost_usd) == (1, run.charged, attempt.cost_usd)
        assert row.free == run.charged - paid
        assert row.revenue_usd == paid * Decimal("0.00001")
    total = margin_total(rows.values())
    assert total.free == 10_000, "the free month goes first"
    assert total.revenue_usd == (total.sold - 10_000) * Decimal("0.00001")
    assert total.margin_usd == total.revenue_usd - total.cost_usd


def test_what_failed_or_was_not_charged_costs_all_the_same(staff, alice, finish, ai):
    ai.rule({"reply_as": "prose"}, times=1)
    run = finish(model="claude-3-haiku")
    assert run.charged == 0
    [row] = margin_rows(today())
    assert [row.sold, row.revenue_usd, row.unknown] == [0, 0, 0]
    assert row.cost_usd == run.attempts.get().cost_usd > 0
    assert row.margin_usd < 0


def test_a_cost_nobody_knows_is_numbered_and_not_guessed(staff, finish):
    Route.objects.update(input_usd_per_million=None, output_usd_per_million=None)
    finish(model="qwen-turbo")
    [row] = margin_rows(today())
    assert [row.unknown, row.cost_usd, row.estimated] == [1, 0, 0]


def test_sums_by_day_and_by_model_are_the_same_sums():
    days = [datetime(2026, 11, number, tzinfo=UTC).date() for number in (1, 2)]
    rows = [
        MarginRow(day, model, attempts=n, sold=10 * n, revenue_usd=Decimal(n), cost_usd=Decimal(1))
        for n, (day, model) in enumerate(((d, m) for d in days for m in ("a", "b")), start=1)
    ]
    by_day, by_model = summed_by(rows, "day"), summed_by(rows, "model")
    assert [row.attempts for row in by_day] == [3, 7]
    assert [row.attempts for row in by_model] == [4, 6]
    assert margin_total(by_day) == margin_total(by_model) == margin_total(rows)


def test_a_bar_is_as_high_as_the_larger_of_revenue_and_cost():
    gain = MarginRow(revenue_usd=Decimal(5), cost_usd=Decimal(2))
    loss = MarginRow(revenue_usd=Decimal(1), cost_usd=Decimal("3.5"))
    assert bar_parts(gain) == {"cost": 2_000_000, "margin": 3_000_000, "loss": 0}
    assert bar_parts(loss) == {"cost": 1_000_000, "margin": 0, "loss": 2_500_000}
    days = DayRange(datetime(2026, 11, 1).date(), datetime(2026, 11, 3).date(), UTC_ZONE)  # noqa: DTZ001
    page = margin_page(days, [])
    assert (len(page.chart.bars), page.total, page.top) == (3, MarginRow(), Decimal("0.00001"))


def test_the_page_and_the_file_say_the_same(staff, alice, finish):
    buy(alice, 500_000)
    run = finish(model="claude-3-haiku")
    page = staff.get(reverse("staff-margin"))
    assert page.status_code == 200
    text = page.content.decode()
    assert "Claude 3 Haiku" in text
    assert f"{run.charged:,}" in text
    assert "$10.00 a million" in text
    answer = staff.get(reverse("staff-margin-csv"))
    [line] = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
    assert (line["Model"], int(line["Tokens sold"])) == ("claude-3-haiku", run.charged)
    assert Decimal(line["Cost USD"]) == run.attempts.get().cost_usd


def claw_back(grant: Grant, target: int, fact: str) -> None:
    grant_claw_back(grant_id=grant.pk, target=target, key=fact, may_owe=True, now=datetime.now(UTC))


def test_what_was_taken_back_after_use_is_told_beside_the_margin(staff, alice, finish):
    buy(alice, 100_000)
    run = finish(model="claude-3-opus")
    bought = Grant.objects.get(kind=Grant.Kind.PURCHASED)
    used = bought.spent
    assert 0 < used < run.charged
    # What was left is voided and was never sold; what was used is lost revenue.
    claw_back(bought, 100_000, "refund:re_1")
    [lost] = taken_back_rows(today())
    each = Decimal("0.00001")
    assert (lost.tokens, lost.repaid, lost.usd) == (used, 0, used * each)
    [row] = margin_rows(today())
    assert row.revenue_usd == used * each, "sold is sold"
    text = " ".join(staff.get(reverse("staff-margin")).content.decode().split())
    assert f"took back {used:,} tokens that had been used already; 0 later tokens paid" in text
    assert f'Margin without it</dt><dd class="margin-loss">{usd(-row.cost_usd)}</dd>' in text
    answer = staff.get(reverse("staff-margin-csv"))
    [_model, line] = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
    assert (line["Model"], Decimal(line["Revenue USD"])) == ("taken back after use", -used * each)
    assert Decimal(line["Margin USD"]) == -used * each


def test_a_debt_that_bought_tokens_pay_is_revenue_again_and_given_ones_are_not(
    staff, alice, bob, finish
):
    buy(alice, 100_000)
    finish(model="claude-3-opus")
    bought = Grant.objects.get(kind=Grant.Kind.PURCHASED)
    used = bought.spent
    claw_back(bought, 100_000, "refund:re_1")
    for kind, amount in ((Grant.Kind.ADJUSTMENT, 300), (Grant.Kind.PURCHASED, 500)):
        grant_create(
            user_id=alice.pk,
            kind=kind,
            amount=amount,
            source=f"test:pays:{kind}",
            effective_at=datetime.now(UTC),
        )
        debts_collect(user_id=alice.pk, now=datetime.now(UTC))
    lost = taken_back_total(taken_back_rows(today()))
    assert (lost.tokens, lost.repaid) == (used, 800)
    assert lost.usd == (used - 500) * Decimal("0.00001")
    # The bank decides for us: what was taken is given back, and who paid gets theirs back.
    claw_back(bought, 0, "dispute:won")
    lost = taken_back_total(taken_back_rows(today()))
    assert (lost.tokens, lost.repaid, lost.usd) == (0, 0, Decimal(0))


def test_a_forgiven_debt_stays_lost(staff, alice, finish):
    buy(alice, 100_000)
    finish(model="claude-3-opus")
    bought = Grant.objects.get(kind=Grant.Kind.PURCHASED)
    claw_back(bought, 100_000, "refund:re_1")
    debt_forgive(grant_id=bought.pk, amount=bought.spent, key="kind", now=datetime.now(UTC))
    [lost] = taken_back_rows(today())
    assert lost.usd == bought.spent * Decimal("0.00001")


def test_a_range_without_calls_and_a_wrong_one_are_told(staff):
    empty = staff.get(reverse("staff-margin"), {"from": "2026-01-01", "to": "2026-01-02"})
    assert "No provider was called in these days." in empty.content.decode()
    for asked in ({"from": "soon"}, {"from": "2026-02-01", "to": "2026-01-01"}):
        assert staff.get(reverse("staff-margin"), asked).status_code == 422
        assert staff.get(reverse("staff-margin-csv"), asked).status_code == 422


def test_only_staff_who_may_see_runs_see_margins(client, alice, catalogue):
    client.force_login(alice)
    assert client.get(reverse("staff-margin")).status_code == 302
    alice.is_staff = True
    alice.save()
    for name in ("staff-margin", "staff-margin-csv"):
        assert client.get(reverse(name)).status_code == 403


def test_a_price_change_never_touches_a_run_already_quoted(staff, start, ai):
    run = start(model="claude-3-haiku")
    quoted = (run.token_cost, run.input_weight, run.ceiling, run.estimate_low, run.estimate_high)
    haiku = "anthropic/claude-3-haiku"
    dear = {"pricing": {"prompt": "0.0001", "completion": "0.0005"}}
    ai.listing("openrouter", change={haiku: dear})
    assert tasks.catalogue_check()["openrouter"] == "compared"
    price = CatalogueFinding.objects.get(kind="price", provider_model_id=haiku)
    finding_act(finding_id=price.pk, verb="take-price")
    tasks.catalogue_check()
    short = CatalogueFinding.objects.get(kind="below_cost", provider_model_id=haiku)
    finding_act(finding_id=short.pk, verb="raise-price")
    assert AIModel.objects.get(slug="claude-3-haiku").token_cost == 50

    assert execution.run_execute(run.pk)
    run.refresh_from_db()
    kept = (run.token_cost, run.input_weight, run.ceiling, run.estimate_low, run.estimate_high)
    assert kept == quoted
    tokens = run.output_tokens * 5 + run.input_tokens
    assert run.charged == -(-3 * tokens // 5)
    # It is no alarm: nothing is gone.
    assert not StaffAlert.objects.exists()


def test_the_day_is_that_of_the_call_in_utc(staff, finish):
    run = finish(model="claude-3-haiku")
    late = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
    Attempt.objects.filter(run=run).update(started_at=late)
    day = late.date()
    assert [row.day for row in margin_rows(DayRange(day, day, UTC_ZONE))] == [day]
    after = day + timedelta(days=1)
    assert margin_rows(DayRange(after, after, UTC_ZONE)) == []
