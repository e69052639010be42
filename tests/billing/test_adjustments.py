"""What staff do to tokens: with a reason, on record, once."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from billing.errors import (
    AdjustmentConflict,
    AdjustmentRefused,
    HoldAlreadyReleased,
    HoldAlreadySettled,
)
from billing.models import DebtEntry, Grant, Hold, Movement, StaffAction
from billing.selectors import debt_of
from billing.services.adjustments import (
    KEY_MAX,
    TOKENS_MAX,
    debt_write_off,
    hold_void,
    tokens_claw_back,
    tokens_grant,
)
from billing.services.holds import hold_release, hold_settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("both_engines")]


@pytest.fixture
def staff(django_user_model):
    return django_user_model.objects.create_user("staff@example.com", is_staff=True)


@pytest.fixture
def act(staff, now):
    """act(verb, **facts): the verb by staff, for a reason, at `now`."""

    def call(verb, **facts):
        return verb(**{"staff": staff, "reason": "A reason.", "now": now, **facts})

    return call


def test_a_gift_is_a_grant_and_a_record(user, staff, act, now):
    action = act(
        tokens_grant,
        user_id=user.pk,
        tokens=500,
        key="form:1",
        reason=" The export failed. ",
        expires_at=now + timedelta(days=1),
    )
    grant = Grant.objects.get()
    assert (grant.kind, grant.amount, grant.available) == ("adjustment", 500, 500)
    assert (grant.source, grant.effective_at) == ("adjustment:form:1", now)
    assert grant.expires_at == now + timedelta(days=1)
    assert (action.staff, action.user, action.verb) == (staff, user, "grant")
    assert (action.tokens, action.subject, action.key) == (500, "adjustment:form:1", "form:1")
    assert action.reason == "The export failed."


def test_a_gift_without_an_end_stays_and_may_be_the_largest(user, act):
    act(tokens_grant, user_id=user.pk, tokens=TOKENS_MAX, key="k" * KEY_MAX)
    grant = Grant.objects.get()
    assert (grant.expires_at, grant.amount) == (None, 1_000_000_000)


def test_without_a_time_it_is_now(user, staff, hold):
    tokens_grant(staff=staff, user_id=user.pk, tokens=5, reason="Gift.", key="form:1")
    today = timezone.now()
    taken = hold(user, 1, now=today, expires_at=today + timedelta(hours=1))
    grant = Grant.objects.get(kind="adjustment")
    tokens_claw_back(staff=staff, grant_id=grant.pk, tokens=5, reason="Back.", key="form:2")
    debt_write_off(staff=staff, grant_id=grant.pk, tokens=1, reason="Fine.", key="form:3")
    hold_void(staff=staff, hold_id=taken.pk, reason="Stuck.", key="form:4")
    grant.refresh_from_db()
    assert (grant.voided, grant.available, grant.owed) == (4, 1, 0)
    assert StaffAction.objects.count() == 4


def test_the_same_gift_again_is_the_same_gift(user, act):
    first = act(tokens_grant, user_id=user.pk, tokens=500, key="form:1")
    again = act(tokens_grant, user_id=user.pk, tokens=500, key="form:1", reason="Other words.")
    assert (again, again.reason) == (first, "A reason.")
    assert (Grant.objects.count(), StaffAction.objects.count()) == (1, 1)


def test_a_gift_pays_what_is_owed(user, act, purchase, hold, now):
    owing = purchase(user, 100, kind=Grant.Kind.ADJUSTMENT)
    hold_settle(hold_id=hold(user, 100).pk, amount=100, now=now)
    act(tokens_claw_back, grant_id=owing.pk, tokens=100, key="form:1")
    assert debt_of(user.pk) == 100
    act(tokens_grant, user_id=user.pk, tokens=130, key="form:2")
    assert debt_of(user.pk) == 0
    assert Grant.objects.get(source="adjustment:form:2").available == 30


def test_taking_back_adds_to_what_was_taken(user, act, purchase):
    grant = purchase(user, 1_000)
    for number in (1, 2):
        for _ in range(2):
            action = act(tokens_claw_back, grant_id=grant.pk, tokens=300, key=f"form:{number}")
    grant.refresh_from_db()
    assert (grant.available, grant.voided) == (400, 600)
    assert (action.verb, action.tokens, action.subject) == ("claw_back", 300, grant.source)
    assert action.user == user
    keys = Movement.objects.filter(to_state="voided").values_list("key", flat=True)
    assert list(keys) == [f"void:staff:form:{number}:{grant.pk}" for number in (1, 2)]


def test_more_than_there_is_can_not_be_taken_back(user, act, purchase):
    grant = purchase(user, 1_000)
    act(tokens_claw_back, grant_id=grant.pk, tokens=400, key="form:1")
    with pytest.raises(
        AdjustmentRefused, match=r"^This grant has only 600 tokens that can be taken back\.$"
    ):
        act(tokens_claw_back, grant_id=grant.pk, tokens=601, key="form:2")
    grant.refresh_from_db()
    assert (grant.available, StaffAction.objects.count()) == (600, 1)


def test_a_hold_is_voided(user, act, hold, totals):
    taken = hold(user, 300)
    for _ in range(2):
        action = act(hold_void, hold_id=taken.pk, key="form:1")
    assert totals(user) == [("free_monthly", 10_000, 0, 0, 0)]
    assert (action.verb, action.tokens, action.subject) == ("void_hold", 300, taken.key)
    assert Hold.objects.get().state == "released"
    assert StaffAction.objects.get().user == user


@pytest.mark.parametrize(
    ("end", "error", "says"),
    [
        (
            "settle",
            HoldAlreadySettled,
            "This had already been charged, so it can not be given back.",
        ),
        ("release", HoldAlreadyReleased, "These tokens had already been given back."),
    ],
)
def test_a_resolved_hold_can_not_be_voided(user, act, hold, now, end, error, says):
    taken = hold(user, 300)
    if end == "settle":
        hold_settle(hold_id=taken.pk, amount=1, now=now)
    else:
        hold_release(hold_id=taken.pk, now=now)
    with pytest.raises(error) as refused:
        act(hold_void, hold_id=taken.pk, key="form:1")
    assert refused.value.message == says
    assert not StaffAction.objects.exists()


def test_a_debt_is_written_off(user, act, purchase, hold, now):
    grant = purchase(user, 100, kind=Grant.Kind.ADJUSTMENT)
    hold_settle(hold_id=hold(user, 100).pk, amount=100, now=now)
    act(tokens_claw_back, grant_id=grant.pk, tokens=80, key="form:1")
    with pytest.raises(AdjustmentRefused, match=r"^Only 80 tokens are owed for this grant\.$"):
        act(debt_write_off, grant_id=grant.pk, tokens=81, key="form:2")
    for _ in range(2):
        action = act(debt_write_off, grant_id=grant.pk, tokens=80, key="form:3")
    assert debt_of(user.pk) == 0
    assert (action.verb, action.tokens, action.user) == ("forgive", 80, user)
    assert action.subject == grant.source
    assert DebtEntry.objects.get(kind="forgiven").key == f"forgive:staff:form:3:{grant.pk}"


def test_a_key_is_for_one_action(user, other_user, act, purchase):
    act(tokens_grant, user_id=user.pk, tokens=5, key="form:1")
    grant = purchase(user, 100)
    for verb, facts in [
        (tokens_grant, {"user_id": user.pk, "tokens": 6}),
        (tokens_grant, {"user_id": other_user.pk, "tokens": 5}),
        (tokens_claw_back, {"grant_id": grant.pk, "tokens": 5}),
    ]:
        with pytest.raises(
            AdjustmentConflict, match=r"^This was already used for another action\.$"
        ):
            act(verb, key="form:1", **facts)
    act(tokens_claw_back, grant_id=grant.pk, tokens=5, key="form:2")
    given = Grant.objects.get(kind="adjustment")
    with pytest.raises(AdjustmentConflict):
        act(tokens_claw_back, grant_id=given.pk, tokens=5, key="form:2")
    assert StaffAction.objects.count() == 2


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"reason": " \n"}, "Say why: the reason is kept with the action."),
        ({"tokens": 0}, "A number of tokens from 1 to 1,000,000,000 is needed."),
        ({"tokens": TOKENS_MAX + 1}, "A number of tokens from 1 to 1,000,000,000 is needed."),
    ],
)
def test_a_gift_that_makes_no_sense_is_refused(user, act, facts, says):
    with pytest.raises(AdjustmentRefused) as refused:
        act(tokens_grant, **{"user_id": user.pk, "tokens": 5, "key": "form:1", **facts})
    assert refused.value.message == says
    assert not StaffAction.objects.exists()
    assert not Grant.objects.exists()


def test_a_gift_that_is_over_is_refused_but_not_when_asked_again(user, act, now):
    facts = {"user_id": user.pk, "tokens": 5, "key": "form:1", "expires_at": now}
    with pytest.raises(AdjustmentRefused, match=r"^These tokens would have lapsed already\.$"):
        act(tokens_grant, **facts)
    assert not StaffAction.objects.exists()
    first = act(tokens_grant, **facts, now=now - timedelta(seconds=1))
    assert act(tokens_grant, **facts) == first


@pytest.mark.parametrize("key", ["", "k" * (KEY_MAX + 1)])
def test_a_key_that_is_no_key_is_a_mistake(user, act, key):
    with pytest.raises(ValueError, match=r"^a key has 1 to 180 characters$"):
        act(tokens_grant, user_id=user.pk, tokens=5, key=key)


@pytest.mark.parametrize("facts", [{"is_staff": False}, {"is_staff": True, "is_active": False}])
def test_only_staff_may(user, act, django_user_model, facts):
    somebody = django_user_model.objects.create_user("somebody@example.com", **facts)
    with pytest.raises(AdjustmentRefused, match=r"^Only staff may do this\.$"):
        act(tokens_grant, staff=somebody, user_id=user.pk, tokens=5, key="form:1")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a trigger of PostgreSQL's")
@pytest.mark.parametrize("model", [StaffAction, DebtEntry])
def test_what_was_written_can_not_be_changed(user, act, purchase, hold, now, model):
    grant = purchase(user, 100, kind=Grant.Kind.ADJUSTMENT)
    hold_settle(hold_id=hold(user, 100).pk, amount=100, now=now)
    act(tokens_claw_back, grant_id=grant.pk, tokens=80, key="form:1")
    row = model.objects.get()
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        row.delete()
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        model.objects.update(key="other")
