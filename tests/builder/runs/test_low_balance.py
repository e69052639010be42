"""A run that leaves little is followed by a notice; one that was not charged is not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import Notice
from billing.selectors import standing_of
from billing.services.holds import hold_create, hold_settle
from billing.services.notices import level_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_that_leaves_little_is_followed_by_a_notice(finish, ai, alice):
    now = timezone.now()
    spent = hold_create(
        user_id=alice.pk,
        key="before",
        at_least=2_500,
        at_most=2_500,
        expires_at=now + timedelta(hours=1),
    )
    hold_settle(hold_id=spent.pk, amount=2_500)
    run = finish()
    left = standing_of(alice, timezone.now()).available
    assert left == 7_500 - run.charged <= 2_000
    told = Notice.objects.values_list("user", "level", "period").get()
    assert told == (alice.pk, level_of(left=left, size=10_000), f"{timezone.now():%Y-%m}")


def test_a_run_that_was_not_charged_is_followed_by_none(finish, ai, alice):
    ai.rule({"empty": True})
    assert finish().charged == 0
    assert not Notice.objects.exists()
