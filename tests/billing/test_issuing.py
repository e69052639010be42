"""A grant is issued once, with its movement, to a user who is there: the database sees to it."""

from threading import Thread

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from billing.models import Grant, Movement
from billing.services.batches import free_grants_premake
from billing.services.grants import allowance_ensure
from tests.billing.racers import own_connection

pytestmark = pytest.mark.django_db
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own")


def _grant(user_id, now, source="by hand"):
    return Grant(
        user_id=user_id,
        kind="purchased",
        priority=20,
        source=source,
        effective_at=now,
        amount=7,
        available=7,
        created_at=now,
    )


def _issue(grant, key):
    facts = {"from_state": "issued", "to_state": "available", "amount": 7}
    return Movement.objects.create(grant=grant, key=key, **facts)


@pytest.mark.parametrize("key", ["purchase:1", "another key"])
def test_nobody_issues_a_grant_a_second_time(user, purchase, key):
    grant = purchase(user, 7, source="purchase:1")
    with pytest.raises(IntegrityError), transaction.atomic():
        _issue(grant, key)
    assert grant.movements.get().key == "purchase:1"


def test_a_step_happens_once_under_its_key(user, purchase):
    grant = purchase(user, 7)
    facts = {"from_state": "available", "to_state": "voided", "amount": 1, "key": "void:twice"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Movement.objects.bulk_create(Movement(grant=grant, **facts) for _ in range(2))
    assert grant.movements.count() == 1


@on_postgresql
@pytest.mark.postgresql
@pytest.mark.usefixtures("ledger_left_broken")
def test_the_database_issues_every_grant_that_an_insert_makes(user, other_user, now):
    made = Grant.objects.bulk_create(
        [_grant(user.pk, now, "first"), _grant(other_user.pk, now, "second")]
    )
    rows = Movement.objects.order_by("pk").values()
    issue = {"hold_id": None, "from_state": "issued", "to_state": "available", "amount": 7}
    assert [{**row, "id": 0} for row in rows] == [
        {"id": 0, "grant_id": grant.pk, "key": grant.source, "created_at": now, **issue}
        for grant in made
    ]


@on_postgresql
@pytest.mark.postgresql
def test_a_grant_of_nobody_is_refused_and_leaves_no_movement(user, now):
    with pytest.raises(IntegrityError, match="a user that exists"), transaction.atomic():
        Grant.objects.bulk_create([_grant(user.pk, now), _grant(10**9, now, "nobody's")])
    assert (Grant.objects.count(), Movement.objects.count()) == (0, 0)


@on_postgresql
@pytest.mark.postgresql
def test_a_grant_keeps_its_user_and_the_user_its_number(user, other_user, purchase):
    grant = purchase(user, 7)
    with pytest.raises(IntegrityError, match="stays its user's"), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(user=other_user)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        User.objects.filter(pk=user.pk).update(id=user.pk + 1_000_000)
    # Past Django's own PROTECT.
    with pytest.raises(IntegrityError, match="can not be deleted"), transaction.atomic():
        User.objects.filter(pk__in=[user.pk, other_user.pk])._raw_delete(using="default")
    assert User.objects.filter(pk__in=[user.pk, other_user.pk]).count() == 2
    other_user.delete()
    assert not User.objects.filter(pk=other_user.pk).exists()


def _beside(work):
    """`work` on a connection of its own; afterwards `errors` has what it raised."""
    errors = []

    def run():
        with own_connection():
            try:
                work()
            except IntegrityError as error:
                errors.append(str(error))

    thread = Thread(target=run)
    thread.start()
    thread.join(timeout=0.5)
    assert thread.is_alive(), "it should wait for us"
    return thread, errors


@on_postgresql
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_deletes_a_user_waits_for_the_grants_being_made(user, now):
    with transaction.atomic():
        allowance_ensure(user_id=user.pk, now=now)
        deletion, errors = _beside(
            lambda: User.objects.filter(pk=user.pk)._raw_delete(using="default")
        )
    deletion.join(timeout=30)
    assert len(errors) == 1
    assert "can not be deleted" in errors[0]
    assert Grant.objects.get().user == user


@on_postgresql
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_makes_a_grant_waits_for_the_user_being_deleted(user, now):
    user_id = user.pk
    with transaction.atomic():
        user.delete()
        making, errors = _beside(lambda: allowance_ensure(user_id=user_id, now=now))
    making.join(timeout=30)
    assert len(errors) == 1
    assert "a user that exists" in errors[0]
    assert not Grant.objects.exists()


@on_postgresql
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_batch_makes_the_others_where_a_grant_appears_under_its_hands(user, other_user, now):
    made = []
    with transaction.atomic():
        # Not to be seen when the batch looks, there when it inserts.
        allowance_ensure(user_id=user.pk, now=now)
        batch, errors = _beside(lambda: made.append(free_grants_premake(now=now)))
    batch.join(timeout=30)
    assert (errors, made) == ([], [1])
    assert set(Grant.objects.values_list("user_id", flat=True)) == {user.pk, other_user.pk}
    assert Movement.objects.count() == 2
