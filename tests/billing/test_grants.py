from datetime import timedelta

import pytest
from django.conf import settings

from billing.errors import GrantConflict
from billing.models import Grant, Movement
from billing.services.batches import free_grants_premake, grants_expire
from billing.services.grants import allowance_ensure, grant_create

pytestmark = pytest.mark.django_db


def test_a_grant_is_issued_with_its_movement_and_priority(user, now):
    grant = grant_create(
        user_id=user.pk, kind="purchased", amount=200_000, source="purchase:cs_1", effective_at=now
    )
    assert (grant.amount, grant.available, grant.priority) == (200_000, 200_000, 20)
    assert (grant.effective_at, grant.expires_at, grant.spendable) == (now, None, True)
    movement = grant.movements.get()
    assert (movement.from_state, movement.to_state, movement.amount, movement.key) == (
        "issued",
        "available",
        200_000,
        "purchase:cs_1",
    )


def test_one_business_fact_is_one_grant(user, now):
    facts = {"user_id": user.pk, "kind": "purchased", "amount": 9, "source": "purchase:cs_1"}
    first = grant_create(**facts, effective_at=now)
    for later in (now, now + timedelta(days=3)):
        assert grant_create(**facts, effective_at=later).pk == first.pk
    assert (Grant.objects.count(), Movement.objects.count()) == (1, 1)
    assert Grant.objects.get().effective_at == now


@pytest.mark.parametrize("change", [{"amount": 10}, {"kind": "adjustment"}, {"user_id": None}])
def test_one_business_fact_with_other_facts_is_refused(user, other_user, now, change):
    facts = {"user_id": user.pk, "kind": "purchased", "amount": 9, "source": "purchase:cs_1"}
    grant_create(**facts, effective_at=now)
    if "user_id" in change:
        change = {"user_id": other_user.pk}
    with pytest.raises(
        GrantConflict, match=r"^purchase:cs_1 is already a grant, with other facts$"
    ):
        grant_create(**{**facts, **change}, effective_at=now)
    assert (Grant.objects.get().amount, Movement.objects.count()) == (9, 1)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"amount": 0}, "a grant needs at least one token"),
        ({"amount": -5}, "a grant needs at least one token"),
        ({"expires_in": 0}, "a grant can not lapse before it takes effect"),
    ],
)
def test_a_grant_of_nothing_or_of_no_time_is_refused(user, now, facts, says):
    expires_at = now if "expires_in" in facts else None
    with pytest.raises(ValueError, match=f"^{says}$"):
        grant_create(
            user_id=user.pk,
            kind="purchased",
            amount=facts.get("amount", 1),
            source="s",
            effective_at=now,
            expires_at=expires_at,
        )
    assert not Grant.objects.exists()


def test_the_allowance_is_made_once_a_month(user, now):
    for _ in range(3):
        allowance_ensure(user_id=user.pk, now=now)
    grant = Grant.objects.get()
    assert grant.source == f"grant:free:{user.pk}:2026-11"
    assert (grant.amount, grant.priority) == (settings.FREE_MONTHLY_TOKENS, 10)
    assert grant.effective_at == now.replace(day=1, hour=0)
    assert grant.expires_at == now.replace(month=12, day=1, hour=0)
    assert Movement.objects.get().key == grant.source


def test_who_is_entitled_has_the_day_as_well(user, premium, now):
    premium(user, ends_at=now.replace(day=16, hour=0))
    for hours in (0, 3, 14):
        allowance_ensure(user_id=user.pk, now=now + timedelta(hours=hours))
    premium = Grant.objects.get(kind="premium_daily")
    assert premium.source == f"grant:premium:{user.pk}:2026-11-15"
    assert (premium.amount, premium.priority) == (30_000, 30)
    assert premium.effective_at == now.replace(hour=0)
    assert premium.expires_at == now.replace(day=16, hour=0)
    assert Grant.objects.count() == 2


def test_premaking_is_what_first_touch_makes(user, other_user, now):
    allowance_ensure(user_id=user.pk, now=now)
    assert free_grants_premake(now=now + timedelta(hours=1)) == 1
    made, first = Grant.objects.get(user=other_user), Grant.objects.get(user=user)
    assert made.source == f"grant:free:{other_user.pk}:2026-11"
    for name in ("kind", "priority", "effective_at", "expires_at", "amount", "available", "held"):
        assert getattr(made, name) == getattr(first, name)
    assert made.movements.get().key == made.source
    for person in (user, other_user):
        allowance_ensure(user_id=person.pk, now=now)
    assert (Grant.objects.count(), Movement.objects.count()) == (2, 2)


def test_premaking_twice_or_late_makes_nothing_more(user, hold, totals, now):
    hold(user, 100)
    for _ in range(2):
        assert free_grants_premake(now=now) == 0
    assert totals(user) == [("free_monthly", 9_900, 100, 0, 0)]


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 8, 100])
def test_premaking_reaches_everyone_whatever_the_batch(django_user_model, now, batch):
    people = [django_user_model.objects.create_user(f"p{n}@example.com") for n in range(7)]
    django_user_model.objects.filter(pk=people[3].pk).update(is_active=False)
    allowance_ensure(user_id=people[5].pk, now=now)
    assert free_grants_premake(now=now, batch=batch) == 5
    owners = set(Grant.objects.values_list("user_id", flat=True))
    assert owners == {person.pk for person in people} - {people[3].pk}
    assert Movement.objects.count() == 6


def test_premaking_without_users_is_nothing(now):
    assert free_grants_premake(now=now) == 0


def test_expiry_takes_what_is_available_at_the_instant_and_no_earlier(user, hold, totals, now):
    hold(user, 4_000)
    month_end = now.replace(month=12, day=1, hour=0)
    assert grants_expire(now=month_end - timedelta(microseconds=1)) == 0
    assert totals(user) == [("free_monthly", 6_000, 4_000, 0, 0)]
    assert grants_expire(now=month_end) == 1
    assert totals(user) == [("free_monthly", 0, 4_000, 0, 6_000)]
    assert grants_expire(now=month_end) == 0
    grant = Grant.objects.get()
    movement = grant.movements.get(to_state="expired")
    assert (movement.amount, movement.key) == (6_000, f"expire:{grant.pk}")
    assert (movement.from_state, movement.created_at) == ("available", month_end)


def test_expiry_works_in_batches_soonest_first_and_spares_what_never_lapses(
    user, purchase, totals, now
):
    purchase(user, 9)
    for days in (3, 1, 2):
        purchase(user, days, expires_at=now + timedelta(days=days))
    later = now + timedelta(days=9)
    assert grants_expire(now=later, limit=2) == 2
    expired = Grant.objects.filter(expired__gt=0).order_by("pk").values_list("amount", flat=True)
    assert list(expired) == [1, 2]
    assert grants_expire(now=later, limit=2) == 1
    assert grants_expire(now=later, limit=2) == 0
    assert ("purchased", 9, 0, 0, 0) in totals(user)
