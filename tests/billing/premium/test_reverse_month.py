"""Refunds and disputes of a month of premium: its period, and the tokens of its days."""

from datetime import UTC, date, datetime, timedelta

import pytest

from billing.entitlement import entitled_on
from billing.errors import InsufficientTokens
from billing.models import Grant, Payment
from billing.selectors import standing_of
from billing.services.batches import grants_expire
from billing.services.holds import hold_settle
from billing.services.reversals import months_beside_reverse, payment_reverse

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 10, 15, 0, tzinfo=UTC)
END = datetime(2026, 12, 10, 15, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def month(user, paid_month):
    return paid_month(user, START, END)


@pytest.fixture
def use(hold):
    """use(user, tokens, now): spend so many of whatever there is."""

    def spend(user, tokens, now):
        taken = hold(user, tokens, now=now, expires_at=now + timedelta(hours=1))
        hold_settle(hold_id=taken.pk, amount=tokens, now=now)

    return spend


def reverse(month, now, **facts) -> Payment:
    Payment.objects.filter(pk=month.payment_id).update(**facts)
    return payment_reverse(payment_id=month.payment_id, now=now)


def daily(user, day: date) -> tuple[int, int, int, int, int]:
    """Available, spent, expired, voided, owed of a day's premium tokens."""
    grant = Grant.objects.get(source=f"grant:premium:{user.pk}:{day:%Y-%m-%d}")
    return grant.available, grant.spent, grant.expired, grant.voided, grant.owed


def test_a_full_refund_ends_the_period_before_today(user, month):
    reverse(month, NOON, refunded_cents=1_000)
    month.refresh_from_db()
    assert (month.ends_at, month.cut_from) == (datetime(2026, 11, 15, tzinfo=UTC), END)
    assert entitled_on(user_id=user.pk, day=date(2026, 11, 14))
    assert not entitled_on(user_id=user.pk, day=date(2026, 11, 15))
    assert standing_of(user, NOON).subscription_status == "free"


def test_the_same_refund_tomorrow_changes_nothing(user, month):
    standing_of(user, NOON)
    assert reverse(month, NOON, refunded_cents=1_000).reversals == 1
    assert reverse(month, NOON + DAY, refunded_cents=1_000).reversals == 1
    month.refresh_from_db()
    assert month.ends_at == datetime(2026, 11, 15, tzinfo=UTC)


def test_a_refund_on_the_first_day_leaves_a_period_of_no_length(user, month):
    standing_of(user, START)
    reverse(month, START + timedelta(hours=2), refunded_cents=1_000)
    month.refresh_from_db()
    assert (month.starts_at, month.ends_at) == (START, START)
    assert not entitled_on(user_id=user.pk, day=START.date())
    assert daily(user, START.date()) == (0, 0, 0, 30_000, 0)


def test_what_was_used_of_every_day_is_owed_and_todays_rest_is_gone(user, month, use):
    use(user, 22_000, NOON - 2 * DAY)
    use(user, 30_000, NOON - DAY)
    use(user, 4_000, NOON)
    reverse(month, NOON, refunded_cents=1_000)
    # The free month paid for the first 10,000.
    assert daily(user, date(2026, 11, 13)) == (0, 12_000, 18_000, 0, 12_000)
    assert daily(user, date(2026, 11, 14)) == (0, 30_000, 0, 0, 30_000)
    assert daily(user, date(2026, 11, 15)) == (0, 4_000, 0, 26_000, 4_000)
    assert standing_of(user, NOON).debt == 46_000


def test_days_that_lapsed_unused_are_not_owed(user, month):
    standing_of(user, NOON - DAY)
    grants_expire(now=NOON)
    reverse(month, NOON, refunded_cents=1_000)
    assert daily(user, date(2026, 11, 14)) == (0, 0, 30_000, 0, 0)


def test_an_open_dispute_withholds_today_and_brings_no_new_day(user, month, use, hold):
    use(user, 35_000, NOON - DAY)
    use(user, 4_000, NOON)
    reverse(month, NOON, dispute="open", disputed_cents=1_000)
    assert daily(user, date(2026, 11, 14))[4] == 0
    assert daily(user, date(2026, 11, 15)) == (0, 4_000, 0, 26_000, 0)
    with pytest.raises(InsufficientTokens):
        hold(user, 1, now=NOON + DAY)
    assert not Grant.objects.filter(source__endswith="2026-11-16").exists()


def test_a_won_dispute_brings_the_period_and_the_rest_of_today_back(user, month, use):
    use(user, 14_000, NOON)
    reverse(month, NOON, dispute="open", disputed_cents=1_000)
    reverse(month, NOON + timedelta(hours=1), dispute="won")
    month.refresh_from_db()
    assert (month.ends_at, month.cut_from) == (END, None)
    assert daily(user, date(2026, 11, 15)) == (26_000, 4_000, 0, 0, 0)
    assert standing_of(user, NOON + DAY).available == 30_000


def test_what_was_withheld_on_a_day_gone_by_lapses_with_it(user, month):
    standing_of(user, NOON)
    reverse(month, NOON, dispute="open", disputed_cents=1_000)
    reverse(month, NOON + DAY, dispute="open", disputed_cents=1_000)
    assert daily(user, date(2026, 11, 15)) == (0, 0, 0, 30_000, 0)
    reverse(month, NOON + 2 * DAY, dispute="won")
    assert daily(user, date(2026, 11, 15)) == (0, 0, 30_000, 0, 0)
    assert standing_of(user, NOON + 2 * DAY).available == 40_000


def test_a_lost_dispute_after_an_open_one_makes_the_debt(user, month, use):
    use(user, 14_000, NOON)
    reverse(month, NOON, dispute="open", disputed_cents=1_000)
    reverse(month, NOON + DAY, dispute="lost")
    assert daily(user, date(2026, 11, 15)) == (0, 4_000, 0, 26_000, 4_000)


def test_part_of_a_month_refunded_leaves_its_tokens_alone(user, month, use):
    use(user, 14_000, NOON)
    assert reverse(month, NOON, refunded_cents=999).reversals == 0
    assert daily(user, date(2026, 11, 15)) == (26_000, 4_000, 0, 0, 0)
    assert standing_of(user, NOON + DAY).available == 30_000


def test_a_refund_after_a_won_dispute_ends_the_period(user, month, use):
    use(user, 14_000, NOON)
    for facts in ({"dispute": "open", "disputed_cents": 1_000}, {"dispute": "won"}):
        reverse(month, NOON, **facts)
    reverse(month, NOON, refunded_cents=1_000)
    assert daily(user, date(2026, 11, 15)) == (0, 4_000, 0, 26_000, 4_000)


def test_a_day_that_another_month_pays_for_is_left_alone(user, month, paid_month, use):
    renewal = paid_month(user, END, END + 31 * DAY)
    use(user, 14_000, END)
    use(user, 5_000, END + DAY)
    reverse(renewal, END + DAY, refunded_cents=1_000)
    # The 10th of December is the last day of the month before, too.
    assert daily(user, date(2026, 12, 10)) == (26_000, 4_000, 0, 0, 0)
    assert daily(user, date(2026, 12, 11)) == (0, 5_000, 0, 25_000, 5_000)


@pytest.mark.parametrize("first_to_go", ["older", "newer"])
def test_a_shared_day_is_taken_once_both_months_went_back(
    user, month, paid_month, use, first_to_go
):
    renewal = paid_month(user, END, END + 31 * DAY)
    use(user, 14_000, END)
    months = [month, renewal] if first_to_go == "older" else [renewal, month]
    for each in months:
        assert daily(user, END.date()) == (26_000, 4_000, 0, 0, 0)
        reverse(each, END + timedelta(hours=1), refunded_cents=1_000)
    assert daily(user, END.date()) == (0, 4_000, 0, 26_000, 4_000)
    assert standing_of(user, END + timedelta(hours=1)).debt == 4_000


def test_a_new_subscription_on_the_day_of_the_refund_gives_that_day_back_but_no_second_one(
    user, month, paid_month, use
):
    use(user, 14_000, NOON - DAY)
    use(user, 5_000, NOON)
    reverse(month, NOON, refunded_cents=1_000)
    assert daily(user, NOON.date()) == (0, 5_000, 0, 25_000, 5_000)
    again = paid_month(user, NOON + timedelta(hours=1), END + DAY, subscription_id="sub_2")
    later = NOON + timedelta(hours=2)
    for _ in range(2):
        months_beside_reverse(payment_id=again.payment_id, now=later)
    assert daily(user, NOON.date()) == (25_000, 5_000, 0, 0, 0)
    assert Grant.objects.filter(kind="premium_daily").count() == 2
    # Yesterday was the refunded month's alone. Premium tokens do not pay a debt.
    standing = standing_of(user, later + DAY)
    assert (standing.debt, standing.available) == (4_000, 30_000)


def test_a_paid_month_beside_kept_ones_moves_nothing(user, month, paid_month, use):
    use(user, 14_000, NOON)
    renewal = paid_month(user, END, END + 31 * DAY)
    months_beside_reverse(payment_id=renewal.payment_id, now=END)
    assert daily(user, NOON.date())[1] == 4_000
    assert not Payment.objects.exclude(reversals=0).exists()
