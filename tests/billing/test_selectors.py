from datetime import UTC, datetime, timedelta

import pytest

from billing.models import Grant
from billing.selectors import Pocket, standing_of
from billing.services.holds import hold_settle

pytestmark = pytest.mark.django_db
NEXT_MONTH = datetime(2026, 12, 1, tzinfo=UTC)


def test_a_new_user_stands_at_a_full_free_month(user, now):
    standing = standing_of(user, now)
    assert (standing.available, standing.held) == (10_000, 0)
    assert standing.pockets == (Pocket("free_monthly", 10_000, 0, NEXT_MONTH),)
    assert (standing.subscription_status, standing.token_source) == ("free", "free_monthly")
    assert (standing.tokens_used_this_month, standing.monthly_limit) == (0, 10_000)
    assert (standing.next_reset, standing.daily) == (NEXT_MONTH, None)


def test_a_standing_is_one_query_once_the_month_is_made(user, now, django_assert_num_queries):
    standing_of(user, now)
    with django_assert_num_queries(1):
        standing_of(user, now)


def test_used_and_left_add_up_to_the_limit(user, hold, now):
    taken = hold(user, 4_000)
    hold_settle(hold_id=taken.pk, amount=1_500, now=now)
    standing = standing_of(user, now)
    assert (standing.available, standing.tokens_used_this_month) == (8_500, 1_500)


def test_what_is_held_is_not_available_and_not_used(user, hold, now):
    hold(user, 4_000)
    standing = standing_of(user, now)
    assert (standing.available, standing.held, standing.tokens_used_this_month) == (6_000, 4_000, 0)
    assert standing.pockets == (Pocket("free_monthly", 6_000, 4_000, NEXT_MONTH),)


def test_what_purchased_tokens_paid_is_not_of_the_month(user, hold, purchase, now):
    purchase(user, 5_000)
    taken = hold(user, 12_000)
    hold_settle(hold_id=taken.pk, amount=12_000, now=now)
    standing = standing_of(user, now)
    assert (standing.available, standing.tokens_used_this_month) == (3_000, 10_000)
    assert (standing.subscription_status, standing.token_source) == ("paid_tokens", "purchased")
    assert standing.pockets == (
        Pocket("free_monthly", 0, 0, NEXT_MONTH),
        Pocket("purchased", 3_000, 0, None),
    )


def test_purchased_tokens_that_are_only_held_still_make_a_paid_user(user, hold, purchase, now):
    purchase(user, 5_000)
    taken = hold(user, 15_000)
    assert standing_of(user, now).subscription_status == "paid_tokens"
    assert standing_of(user, now).token_source == "free_monthly"
    hold_settle(hold_id=taken.pk, amount=15_000, now=now)
    assert standing_of(user, now).subscription_status == "free"


def test_free_tokens_come_first_even_for_who_bought_some(user, purchase, now):
    purchase(user, 5_000)
    standing = standing_of(user, now)
    assert (standing.subscription_status, standing.token_source) == ("paid_tokens", "free_monthly")


def test_one_pocket_per_kind_with_its_soonest_end(user, purchase, now):
    soon, late = now + timedelta(days=2), now + timedelta(days=9)
    purchase(user, 5, expires_at=late)
    purchase(user, 7, expires_at=soon)
    purchase(user, 11)
    purchase(user, 13, expires_at=now)
    purchase(user, 17, effective_at=now + timedelta(seconds=1))
    standing = standing_of(user, now)
    assert standing.available == 10_023
    assert standing.pockets[1] == Pocket("purchased", 23, 0, soon)


def test_a_gift_is_a_pocket_but_never_the_named_source(user, hold, purchase, now):
    purchase(user, 100, kind=Grant.Kind.ADJUSTMENT)
    standing = standing_of(user, now)
    assert standing.pockets[0] == Pocket("adjustment", 100, 0, None)
    assert (standing.available, standing.token_source) == (10_100, "free_monthly")
    assert standing.subscription_status == "free"


def test_premium_has_its_day(user, hold, premium, now):
    premium(user)
    taken = hold(user, 12_000)
    hold_settle(hold_id=taken.pk, amount=11_000, now=now)
    standing = standing_of(user, now)
    assert standing.available == 29_000
    assert standing.subscription_status == "premium_monthly"
    assert standing.token_source == "premium_daily"
    assert standing.daily is not None
    assert (standing.daily.used, standing.daily.limit) == (1_000, 30_000)
    assert standing.daily.next_reset == datetime(2026, 11, 16, tzinfo=UTC)
    assert standing.next_reset == NEXT_MONTH


def test_others_tokens_are_others(user, other_user, hold, purchase, now):
    purchase(other_user, 500)
    hold(other_user, 100)
    standing = standing_of(user, now)
    assert (standing.available, standing.held, len(standing.pockets)) == (10_000, 0, 1)
