"""Reconcile finds any single row that is wrong, and nothing in a ledger that is right."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from billing.models import Grant, Hold, Movement
from billing.services.batches import grants_expire
from billing.services.clawbacks import grant_claw_back
from billing.services.holds import hold_release, hold_settle
from billing.services.reconcile import reconcile
from billing.tasks import ledger_reconcile

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger(user, other_user, hold, purchase, now):
    """A ledger with every kind of movement, for two users."""
    purchase(user, 5_000)
    taken = hold(user, 12_000, key="run:settled")
    hold_settle(hold_id=taken.pk, amount=11_000, now=now)
    hold_release(hold_id=hold(user, 50, key="run:released").pk, now=now)
    hold(user, 70, key="run:open")
    hold(other_user, 30, key="run:other")
    grants_expire(now=now.replace(month=12))
    return user


def _tamper(sql: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE billing_movement DISABLE TRIGGER billing_movement_keep")
        cursor.execute(sql, [])
        assert cursor.rowcount == 1


def test_a_right_ledger_has_no_difference(ledger):
    assert reconcile() == []
    out = StringIO()
    call_command("reconcile_ledger", stdout=out)
    assert out.getvalue().strip() == "3 grants, 4 holds and 13 movements agree"


BROKEN = {
    "a total": (
        "UPDATE billing_grant SET available = available - 1, spent = spent + 1"
        " WHERE kind = 'purchased'",
        {("available", 3_929, 3_930), ("spent", 1_001, 1_000)},
    ),
    "an amount": (
        "UPDATE billing_grant SET amount = amount + 1, available = available + 1"
        " WHERE kind = 'purchased'",
        {("amount", 5_001, 5_000), ("available", 3_931, 3_930)},
    ),
    "a hold": (
        "UPDATE billing_hold SET amount = amount + 5 WHERE key = 'run:open'",
        {("amount", 75, 70), ("still held", 75, 70)},
    ),
    "a settlement": (
        "UPDATE billing_hold SET settled_amount = 10999 WHERE key = 'run:settled'",
        {("settled_amount", 10_999, 11_000)},
    ),
    "a release that was none": (
        "UPDATE billing_hold SET state = 'released', resolved_at = created_at"
        " WHERE key = 'run:open'",
        {("still held", 0, 70)},
    ),
    "a movement's amount": (
        "UPDATE billing_movement SET amount = amount + 1 WHERE key LIKE 'return:run:released:%%'",
        {("available", 3_930, 3_931), ("held", 70, 69), ("still held", 0, -1)},
    ),
    "a movement's state": (
        "UPDATE billing_movement SET to_state = 'voided' WHERE key LIKE 'return:run:released:%%'",
        {("available", 3_930, 3_880), ("voided", 0, 50)},
    ),
    "a movement that is gone": (
        "DELETE FROM billing_movement WHERE key LIKE 'hold:run:other:%%'",
        {("available", 0, 30), ("held", 30, 0), ("amount", 30, 0), ("still held", 30, 0)},
    ),
    "a movement of another user": (
        "UPDATE billing_movement SET hold_id ="
        " (SELECT id FROM billing_hold WHERE key = 'run:open')"
        " WHERE key LIKE 'hold:run:other:%%'",
        {
            ("amount", 70, 100),
            ("still held", 70, 100),
            ("amount", 30, 0),
            ("still held", 30, 0),
            ("held for its own user", 0, 30),
        },
    ),
    "a movement without its hold": (
        "UPDATE billing_movement SET hold_id = NULL WHERE key LIKE 'hold:run:open:%%'",
        {("amount", 70, 0), ("still held", 70, 0), ("held for its own user", 0, 70)},
    ),
}


@pytest.mark.usefixtures("ledger", "ledger_left_broken")
@pytest.mark.parametrize("what", BROKEN)
def test_one_wrong_row_is_found_and_named(what):
    sql, expected = BROKEN[what]
    _tamper(sql)
    assert {(found.field, found.stored, found.counted) for found in reconcile()} == expected


@pytest.fixture
def debts(user, hold, purchase, now):
    """A ledger in which 100 tokens were taken back: 30 came back from a hold, 50 were bought."""
    owing = purchase(user, 100, kind="adjustment")
    taken = hold(user, 30)
    hold_settle(hold_id=hold(user, 70).pk, amount=70, now=now)
    grant_claw_back(grant_id=owing.pk, target=100, key="lost", may_owe=True, now=now)
    hold_release(hold_id=taken.pk, now=now)
    purchase(user, 50)
    return user


def test_debts_that_were_paid_make_no_difference(debts):
    assert reconcile() == []


BROKEN_DEBTS = {
    "what is owed": (
        "UPDATE billing_grant SET owed = owed - 5 WHERE kind = 'adjustment'",
        {("owed", 15, 20)},
    ),
    "an entry": (
        "UPDATE billing_debtentry SET amount = 99 WHERE kind = 'taken'",
        {("owed", 20, 19)},
    ),
    "a payment's key": (
        "UPDATE billing_debtentry SET key = 'debt:other' WHERE kind = 'paid'",
        {("tokens that paid it", 50, 0)},
    ),
    "a payment's amount": (
        "UPDATE billing_debtentry SET amount = -49 WHERE kind = 'paid'",
        {("owed", 20, 21), ("tokens that paid it", 49, 0)},
    ),
    "what came back": (
        "UPDATE billing_debtentry SET amount = -29 WHERE kind = 'returned'",
        {("owed", 20, 21), ("tokens that paid it", 29, 0)},
    ),
    "a movement that paid": (
        "UPDATE billing_movement SET to_state = 'expired' WHERE key LIKE 'debt:%%'",
        {("voided", 50, 0), ("expired", 0, 50), ("tokens that paid it", 50, 0)},
    ),
}


@pytest.mark.usefixtures("debts", "ledger_left_broken")
@pytest.mark.parametrize("what", BROKEN_DEBTS)
def test_one_wrong_row_of_debts_is_found_and_named(what):
    sql, expected = BROKEN_DEBTS[what]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE billing_debtentry DISABLE TRIGGER billing_debtentry_keep")
    _tamper(sql)
    assert {(found.field, found.stored, found.counted) for found in reconcile()} == expected
    rows = [found.row for found in reconcile() if found.field == "tokens that paid it"]
    assert all(row.startswith("debt entry ") for row in rows)


@pytest.mark.usefixtures("ledger", "ledger_left_broken")
def test_the_command_fails_and_prints_each_difference(user):
    _tamper(BROKEN["a hold"][0])
    out = StringIO()
    with pytest.raises(CommandError, match=r"2 difference\(s\)"):
        call_command("reconcile_ledger", stdout=out)
    held = Hold.objects.get(key="run:open")
    assert out.getvalue().splitlines() == [
        f"hold {held.pk} (run:open): amount says 75, its movements say 70",
        f"hold {held.pk} (run:open): still held says 75, its movements say 70",
    ]


@pytest.mark.usefixtures("ledger", "ledger_left_broken")
def test_the_nightly_task_reports_to_the_error_log(caplog):
    ledger_reconcile()
    assert caplog.records == []
    _tamper(BROKEN["a settlement"][0])
    ledger_reconcile()
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "settled_amount says 10999, its movements say 11000" in record.getMessage()


@pytest.mark.usefixtures("ledger")
@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the trigger is PostgreSQL's")
def test_postgresql_lets_nobody_edit_or_delete_a_movement():
    before = Movement.objects.count()
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        Movement.objects.filter(to_state="spent").update(amount=1)
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        Movement.objects.filter(to_state="spent").delete()
    assert Movement.objects.count() == before
    assert Grant.objects.count() == 3


@pytest.mark.usefixtures("ledger")
@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the triggers are PostgreSQL's")
def test_postgresql_keeps_the_grants_and_holds_that_movements_name():
    for model in (Grant, Hold):
        row = model.objects.first()
        assert row is not None
        with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
            model.objects.filter(pk=row.pk).update(id=row.pk + 1_000_000)
        # Past Django's own PROTECT, which asks for movements first.
        with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
            model.objects.filter(pk=row.pk)._raw_delete(using="default")
    last = Movement.objects.order_by("-pk").first()
    assert last is not None
    facts = {"from_state": "available", "to_state": "held", "amount": 1, "key": "stray"}
    for parents in ({"grant_id": 10**9}, {"grant_id": last.grant_id, "hold_id": 10**9}):
        with pytest.raises(IntegrityError, match="that exist"), transaction.atomic():
            Movement.objects.create(**facts, **parents)


@pytest.mark.usefixtures("ledger", "ledger_left_broken")
def test_a_movement_without_its_hold_is_named():
    _tamper(BROKEN["a movement without its hold"][0])
    stray = Movement.objects.get(hold=None, to_state="held")
    rows = [found.row for found in reconcile() if found.field == "held for its own user"]
    assert rows == [f"movement {stray.pk} ({stray.key})"]
