"""Batches write, row by row, what first touches would have written."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction

from billing.models import Grant, Movement, Offer, PremiumPeriod
from billing.services.batches import free_grants_premake, grants_expire
from billing.services.grants import allowance_ensure
from billing.services.premium_batch import premium_grants_premake

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(django_user_model):
    return [django_user_model.objects.create_user(f"p{n}@example.com") for n in range(9)]


@pytest.fixture
def subscribers(people, now):
    for number, person in enumerate(people[:4]):
        for part in range(2):
            PremiumPeriod.objects.create(
                user=person,
                kind="grace",
                subscription_id=f"sub_{number}",
                source=f"grace:{number}:{part}",
                starts_at=now - timedelta(days=1),
                ends_at=now + timedelta(days=1),
                tokens_per_day=30_000 + 1_000 * number + part,
            )
    return people[:4]


def _rows():
    """Every column of every grant and movement, but for their numbers."""
    grants = Grant.objects.order_by("source").values()
    movements = Movement.objects.order_by("key").values()
    sources = dict(Grant.objects.values_list("pk", "source"))
    return (
        [{name: value for name, value in row.items() if name != "id"} for row in grants],
        [
            {**row, "id": None, "grant_id": sources[row["grant_id"]], "hold_id": row["hold_id"]}
            for row in movements
        ],
    )


@pytest.mark.usefixtures("subscribers")
@pytest.mark.parametrize("batch", [1, 2, 4, 100])
def test_batches_write_every_column_as_first_touches_do(people, now, batch):
    with transaction.atomic():
        free_grants_premake(now=now, batch=batch)
        premium_grants_premake(now=now, batch=batch)
        batched = _rows()
        transaction.set_rollback(True)
    for person in people:
        allowance_ensure(user_id=person.pk, now=now)
    assert (len(batched[0]), len(batched[1])) == (13, 13)
    assert _rows() == batched


def test_the_free_month_is_what_the_offer_says(people, now):
    call_command("offers_seed")
    Offer.objects.filter(kind=Offer.Kind.FREE).update(tokens=12_345)
    free_grants_premake(now=now)
    assert set(Grant.objects.values_list("amount", flat=True)) == {12_345}


@pytest.mark.parametrize(("batch", "parts"), [(1, 2), (2, 2), (4, 3), (100, 2)])
def test_parts_share_the_work_and_leave_nobody_out(people, now, batch, parts):
    made = [
        free_grants_premake(now=now, batch=batch, part=part, parts=parts) for part in range(parts)
    ]
    assert sum(made) == 9
    if batch == 1:
        assert made == [5, 4]
    assert set(Grant.objects.values_list("user_id", flat=True)) == {one.pk for one in people}


def test_expiring_batch_by_batch_moves_each_grant_once(people, now):
    free_grants_premake(now=now)
    later = now + timedelta(days=40)
    assert [grants_expire(now=later, limit=4) for _ in range(4)] == [4, 4, 1, 0]
    assert set(Grant.objects.values_list("available", "expired")) == {(0, 10_000)}
    keys = set(Movement.objects.filter(to_state="expired").values_list("key", "amount"))
    assert keys == {(f"expire:{pk}", 10_000) for pk in Grant.objects.values_list("pk", flat=True)}
