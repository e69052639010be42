"""Many connections at once, on a real PostgreSQL.

As many real connections as the server allows, up to one for each of the 200 calls; every thread
starts its calls at the same barrier. LEDGER_RACE_SEEDS says how many rounds (20 in CI).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from billing.errors import HoldAlreadyReleased, HoldAlreadySettled, InsufficientTokens
from billing.models import DebtEntry, Grant, Hold, Movement
from billing.selectors import debt_of
from billing.services.batches import free_grants_premake, grants_expire
from billing.services.clawbacks import debts_collect, grant_claw_back, taken_of
from billing.services.grants import allowance_ensure, grant_create
from billing.services.holds import hold_create, hold_release, hold_settle, holds_expire
from billing.services.reconcile import reconcile
from tests.billing.racers import all_at_once, racers_started

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.skipif(
        connection.vendor != "postgresql",
        reason="races need connections that write at the same time: PostgreSQL, not SQLite",
    ),
    pytest.mark.django_db(transaction=True),
]
both_engines = pytest.mark.usefixtures("both_engines")
CALLS = 200
SEEDS = int(os.environ.get("LEDGER_RACE_SEEDS") or (20 if os.environ.get("CI") else 3))


@pytest.fixture
def rounds(both_engines: str) -> int:
    """How often a race is run; the ORM's way on PostgreSQL is for tests only and gets fewer."""
    return SEEDS if both_engines == "postgresql" else max(SEEDS // 5, 2)


def _most_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        allowed = int(cursor.fetchone()[0])
        cursor.execute("SELECT count(*) FROM pg_stat_activity")
        taken = int(cursor.fetchone()[0])
    return min(CALLS, allowed - taken - 5)


def _amount(hold: Callable[..., Hold], *arguments: Any, **facts: Any) -> int:
    return hold(*arguments, **facts).amount


def _pk(hold: Callable[..., Hold], *arguments: Any, **facts: Any) -> int:
    return hold(*arguments, **facts).pk


def _charged(taken: Hold, now: datetime) -> int:
    return hold_settle(hold_id=taken.pk, amount=100, now=now).charged


def test_of_200_holds_of_a_tenth_of_the_balance_exactly_ten_succeed(
    django_user_model, now, hold, settings, rounds
):
    """Round 0 is a user nobody has touched: all 200 calls find the month's grant missing. The
    others have the same 10,000 spread over two to five grants, so that holds take from several.
    """
    with racers_started(_most_connections()) as racers:
        for seed in range(rounds):
            user = django_user_model.objects.create_user(f"racer{seed}@example.com")
            if seed:
                settings.FREE_MONTHLY_TOKENS = _spread_10_000(user, random.Random(seed), now)
            calls = [
                partial(_amount, hold, user, 1_000, key=f"race:{seed}:{number}")
                for number in range(CALLS)
            ]
            assert racers.race(calls) == {"1000": 10, "InsufficientTokens": 190}
            grants = Grant.objects.filter(user=user)
            assert sum(grant.available for grant in grants) == 0
            assert sum(grant.held for grant in grants) == 10_000
            pinned = Movement.objects.filter(to_state="held", grant__user=user)
            assert sum(movement.amount for movement in pinned) == 10_000
            assert Hold.objects.filter(user=user, amount=1_000).count() == 10
    assert reconcile() == []


def _spread_10_000(user: User, chance: random.Random, now: datetime) -> int:
    """Grants of random kinds; what is left for the free month, tokens."""
    parts = chance.randint(2, 5)
    cuts = sorted(chance.sample(range(1, 10_000), parts - 1))
    free, *others = [high - low for low, high in pairwise([0, *cuts, 10_000])]
    for number, amount in enumerate(others):
        grant_create(
            user_id=user.pk,
            kind=chance.choice(["purchased", "adjustment", "premium_daily"]),
            amount=amount,
            source=f"race:{user.pk}:{number}",
            effective_at=now,
            expires_at=chance.choice([None, now + timedelta(days=1)]),
        )
    return free


def test_without_the_guard_the_same_race_sells_tokens_twice(user, now):
    """The control: read, decide, write back. Twenty holds of a tenth all succeed."""
    allowance_ensure(user_id=user.pk, now=now)
    all_have_read = Barrier(20)

    def unguarded(number: int) -> str:
        grant = Grant.objects.get(user=user)
        all_have_read.wait(timeout=60)
        if grant.available < 1_000:
            return "refused"
        grant.available -= 1_000
        grant.held += 1_000
        grant.save(update_fields=["available", "held"])
        return "taken"

    calls = [partial(unguarded, number) for number in range(20)]
    assert all_at_once(calls, 20) == {"taken": 20}
    assert Grant.objects.get(user=user).held < 20_000
    Grant.objects.update(available=10_000, held=0)


@both_engines
def test_the_same_hold_from_many_places_is_one_hold(user, hold, totals):
    """The second time it is for the last tokens: finding them gone is no refusal."""
    for key, amount in (("run:first", 6_000), ("run:last", 4_000)):
        calls = [partial(_pk, hold, user, amount, key=key)] * 50
        assert list(all_at_once(calls, 50).values()) == [50]
    assert totals(user) == [("free_monthly", 0, 10_000, 0, 0)]


@both_engines
def test_settle_and_release_at_once_resolve_a_hold_once(user, hold, totals, now):
    outcomes = set()
    for _ in range(10):
        taken = hold(user, 500)
        settle = [partial(_charged, taken, now)] * 8
        release = [partial(hold_release, hold_id=taken.pk, now=now)] * 8
        mixed: list[Callable[[], Any]] = [
            call for pair in zip(settle, release, strict=True) for call in pair
        ]
        results = all_at_once(mixed, 16)
        settled = results == {"100": 8, "HoldAlreadySettled": 8}
        released = results == {"None": 8, "HoldAlreadyReleased": 8}
        assert settled or released, results
        outcomes.add("settled" if settled else "released")
        assert Movement.objects.filter(hold=taken).count() == (3 if settled else 2)
    spent = sum(hold.settled_amount or 0 for hold in Hold.objects.all())
    assert totals(user) == [("free_monthly", 10_000 - spent, 0, spent, 0)]


@both_engines
def test_first_touches_and_batches_at_once_make_each_grant_once(django_user_model, now, hold):
    people = [django_user_model.objects.create_user(f"p{n}@example.com") for n in range(40)]
    calls: list[Callable[[], Any]] = []
    for person in people:
        calls += [partial(allowance_ensure, user_id=person.pk, now=now)] * 2
        calls.append(partial(_amount, hold, person, 10, key=f"run:{person.pk}"))
    random.Random(1).shuffle(calls)
    made: list[int] = []
    batches = [lambda: made.append(free_grants_premake(now=now, batch=7))] * 4
    assert all_at_once([*batches, *calls], 30) == {"None": 84, "10": 40}
    assert 0 <= sum(made) <= 40
    assert Grant.objects.count() == 40
    assert Movement.objects.filter(from_state="issued").count() == 40


def test_everything_at_once_never_deadlocks_and_balances(user, other_user, now, rounds):
    """Holds, settlements, releases, sweeps, claw-backs, debts and purchases of few keys, for two
    users, at a month's end."""
    with racers_started(24) as racers:
        for seed in range(rounds):
            calls = [_one_of_everything(seed, [user, other_user], now)] * 150
            assert racers.race(calls) == {"fine": 150}
            assert reconcile() == []
    assert set(Hold.objects.values_list("state", flat=True)) >= {"settled", "released"}
    assert set(DebtEntry.objects.values_list("kind", flat=True)) >= {"taken"}


def _one_of_everything(seed: int, people: list[User], now: datetime) -> Callable[[], str]:
    chance = random.Random(seed)
    month_end = now.replace(month=12, day=1, hour=0)
    for number in range(6):
        grant_create(
            user_id=people[number % 2].pk,
            kind="purchased",
            amount=chance.randint(1, 3_000),
            source=f"mixed:{seed}:{number}",
            effective_at=now,
            expires_at=chance.choice([None, month_end]),
        )

    def one() -> str:
        instant = month_end + timedelta(milliseconds=chance.randint(-2, 2))
        person = chance.choice(people)
        key = f"mixed:{seed}:{person.pk}:{chance.randint(1, 12)}"
        held = Hold.objects.filter(key=key).first()
        kind = chance.choice(
            ["hold", "hold", "settle", "release", "sweep", "claw", "claw", "buy", "collect"]
        )
        with suppress(InsufficientTokens, HoldAlreadyReleased, HoldAlreadySettled):
            if kind == "claw":
                grant = chance.choice(list(Grant.objects.filter(user=person, kind="purchased")))
                grant_claw_back(
                    grant_id=grant.pk,
                    target=chance.choice([0, grant.amount // 2, grant.amount]),
                    key=f"mixed:{seed}:{chance.randint(1, 10_000)}",
                    may_owe=True,
                    now=instant,
                )
            elif kind == "buy":
                grant_create(
                    user_id=person.pk,
                    kind="purchased",
                    amount=200,
                    source=f"bought:{seed}:{person.pk}:{chance.randint(1, 5)}",
                    effective_at=now,
                    now=instant,
                )
            elif kind == "collect":
                debts_collect(user_id=person.pk, now=instant)
            elif kind == "sweep":
                grants_expire(now=instant, limit=3)
                holds_expire(now=instant, limit=3)
            elif kind == "hold" or held is None:
                hold_create(
                    user_id=person.pk,
                    key=key,
                    at_least=chance.randint(1, 500),
                    at_most=chance.randint(500, 6_000),
                    expires_at=instant + timedelta(milliseconds=1),
                    now=instant,
                )
            elif kind == "settle":
                hold_settle(hold_id=held.pk, amount=chance.randint(0, held.amount), now=instant)
            else:
                hold_release(hold_id=held.pk, now=instant)
        return "fine"

    return one


@both_engines
def test_the_same_claw_back_and_purchase_from_many_places_happen_once(
    django_user_model, hold, purchase, now
):
    """While the hold that uses the tokens is settled: what is left in the end is the same whoever
    was first, 1,400 tokens without 1,000 taken back and 100 used."""
    for number in range(5):
        user = django_user_model.objects.create_user(f"buyer{number}@example.com")
        grant = purchase(user, 1_000, kind="adjustment", source=f"first:{number}")
        taken = hold(user, 1_000)
        claw = partial(
            grant_claw_back, grant_id=grant.pk, target=1_000, key="lost", may_owe=True, now=now
        )
        buy = partial(
            grant_create,
            user_id=user.pk,
            kind="purchased",
            amount=400,
            source=f"second:{number}",
            effective_at=now,
        )
        settle = partial(_charged, taken, now)
        calls = [_quietly(call) for call in (claw, buy, settle) for _ in range(8)]
        random.Random(number).shuffle(calls)
        assert all_at_once(calls, 24) == {"done": 24}
        debts_collect(user_id=user.pk, now=now)
        both = Grant.objects.filter(user=user, kind__in=["adjustment", "purchased"])
        assert both.count() == 2
        assert sum(each.available for each in both) == 300
        assert sum(each.voided for each in both) == 1_000
        assert (taken_of(grant_id=grant.pk), debt_of(user.pk)) == (1_000, 0)


def _quietly(call: Callable[[], Any]) -> Callable[[], str]:
    def done() -> str:
        call()
        return "done"

    return done
