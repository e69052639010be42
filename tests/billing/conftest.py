"""Fixtures of the ledger's tests. Whatever a test does, the ledger must balance after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from billing.models import Grant, Hold, PremiumPeriod
from billing.services import holds
from billing.services.engines import portable, postgresql
from billing.services.grants import grant_create
from billing.services.holds import hold_create
from billing.services.reconcile import reconcile

NOW = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture
def now() -> datetime:
    """The middle of a month: 15 November 2026, noon UTC."""
    return NOW


# On PostgreSQL everything runs twice: through the ORM and through the database's functions.
ENGINES = {"portable": portable, "postgresql": postgresql}
if connection.vendor != "postgresql":
    del ENGINES["postgresql"]


@pytest.fixture(params=ENGINES)
def both_engines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the engine that the test runs on."""
    monkeypatch.setattr(holds, "engine", lambda: ENGINES[request.param])
    return str(request.param)


@pytest.fixture(autouse=True)
def ledger_balances(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test with a database: totals are what the movements say."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None:
        yield
        return
    request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
    yield
    if "ledger_left_broken" not in request.fixturenames:
        assert reconcile() == []


@pytest.fixture
def ledger_left_broken() -> None:
    """For tests that break the ledger on purpose."""


@pytest.fixture
def user() -> User:
    return User.objects.create_user(f"person{next(_numbers)}@example.com")


@pytest.fixture
def other_user() -> User:
    return User.objects.create_user(f"other{next(_numbers)}@example.com")


@pytest.fixture
def purchase(now: datetime) -> Callable[..., Grant]:
    """purchase(user, tokens): tokens that never lapse, effective a day before `now`."""

    def make(user: User, amount: int, **facts: Any) -> Grant:
        defaults = {
            "kind": Grant.Kind.PURCHASED,
            "source": f"purchase:session{next(_numbers)}",
            "effective_at": now - timedelta(days=1),
        }
        return grant_create(user_id=user.pk, amount=amount, **{**defaults, **facts})

    return make


@pytest.fixture
def premium(now: datetime) -> Callable[..., PremiumPeriod]:
    """premium(user): a period with 30,000 tokens a day, from a day before `now` for 30 days."""

    def make(user: User, **facts: Any) -> PremiumPeriod:
        defaults = {
            "kind": PremiumPeriod.Kind.GRACE,
            "subscription_id": "sub_1",
            "source": f"grace:{next(_numbers)}",
            "starts_at": now - timedelta(days=1),
            "ends_at": now + timedelta(days=29),
            "tokens_per_day": 30_000,
        }
        return PremiumPeriod.objects.create(user=user, **{**defaults, **facts})

    return make


@pytest.fixture
def hold(now: datetime) -> Callable[..., Hold]:
    """hold(user, at_least, at_most=at_least): a hold for an hour, taken at `now`."""

    def make(user: User, at_least: int, at_most: int | None = None, **facts: Any) -> Hold:
        defaults = {"key": f"run:{next(_numbers)}", "expires_at": NOW + timedelta(hours=1)}
        bounds = {"at_least": at_least, "at_most": at_most or at_least}
        return hold_create(user_id=user.pk, **{**bounds, **defaults, "now": now, **facts})

    return make


@pytest.fixture
def totals() -> Callable[[User], list[tuple[str, int, int, int, int]]]:
    """totals(user): (kind, available, held, spent, expired) of each grant, in spending order."""

    def read(user: User) -> list[tuple[str, int, int, int, int]]:
        grants = Grant.objects.filter(user=user).in_spending_order()
        return [(g.kind, g.available, g.held, g.spent, g.expired) for g in grants]

    return read
