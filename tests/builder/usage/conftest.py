"""People who spent tokens at known instants, through the ledger's own services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client, override_settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.models import Grant, Hold
from billing.services.grants import grant_create
from billing.services.holds import hold_create, hold_release, hold_settle
from billing.services.reconcile import reconcile
from builder.models import Run, Site
from builder.services.sites import site_create
from builder.usage_range import DayRange
from tests.catalogue import catalogue_seed

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture(autouse=True)
def sites_apart(settings: Any) -> None:
    settings.SITES_DOMAIN = "sites.example"


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    """pytest-django's own, started while app and sites are apart."""
    with override_settings(SITES_DOMAIN="sites.example"):
        server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def ledger_balances(db: None) -> Iterator[None]:
    """What the tests add up is a ledger that is right."""
    yield
    assert reconcile() == []


@pytest.fixture
def catalogue(db: None) -> None:
    catalogue_seed()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", "correct horse 42")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com", "correct horse 42")


@pytest.fixture
def member(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def site(alice: User) -> Site:
    return site_create(owner=alice, name="Bakery on Main")


def days(first: str, last: str, zone: str = "UTC") -> DayRange:
    """days("2026-11-01", "2026-11-30", "Asia/Shanghai")"""
    begin, end = datetime.fromisoformat(first).date(), datetime.fromisoformat(last).date()
    return DayRange(begin, end, ZoneInfo(zone))


def purchase(user: User, tokens: int, at: datetime = NOON - timedelta(days=900)) -> Grant:
    return grant_create(
        user_id=user.pk,
        kind=Grant.Kind.PURCHASED,
        amount=tokens,
        source=f"purchase:usage{next(_numbers)}",
        effective_at=at,
    )


def spend(user: User, charged: int | None, at: datetime) -> Hold:
    """A hold of somebody's hand, charged at `at`; None gives it back."""
    number = next(_numbers)
    hold = hold_create(
        user_id=user.pk,
        key=f"usage:{number}",
        at_least=max(1, charged or 0),
        at_most=max(10, charged or 0),
        expires_at=at + timedelta(hours=1),
        now=at,
    )
    if charged is None:
        hold_release(hold_id=hold.pk, now=at)
    else:
        hold_settle(hold_id=hold.pk, amount=charged, now=at)
    hold.refresh_from_db()
    return hold


@dataclass
class Making:
    """Makes runs that ended, and were charged, at a given instant."""

    user: User
    site: Site

    def __call__(self, charged: int | None = 3_180, at: datetime = NOON, **facts: Any) -> Run:
        hold = spend(self.user, charged, at)
        return run_of(hold, facts.pop("site", self.site), **facts)

    def going(self, at: datetime = NOON, **facts: Any) -> Run:
        """A run that began at `at` and has not ended."""
        hold = hold_create(
            user_id=self.user.pk,
            key=f"usage:{next(_numbers)}",
            at_least=1,
            at_most=5_000,
            expires_at=at + timedelta(hours=1),
            now=at,
        )
        facts = {"state": Run.State.RUNNING, "charged": None, "finished_at": None, **facts}
        unknown = {"input_tokens": None, "output_tokens": None, "ceiling": 5_000}
        return run_of(hold, self.site, **unknown, **facts)


def run_of(hold: Hold, site: Site, **facts: Any) -> Run:
    """The run that a hold was for."""
    at = hold.resolved_at or hold.created_at
    charged = hold.settled_amount or 0
    standard: dict[str, Any] = {
        "owner_id": hold.user_id,
        "site": site,
        "hold": hold,
        "idempotency_key": str(hold.pk),
        "request_digest": "",
        "prompt": "Add the opening hours",
        "model_slug": "claude-3-haiku",
        "token_cost": 3,
        "billing_unit": "per_token",
        "input_weight": "0.200",
        "estimate_low": 1,
        "estimate_high": charged,
        "ceiling": max(10, charged),
        "max_output_tokens": 2_000,
        "state": Run.State.SUCCEEDED if charged else Run.State.FAILED,
        "dispatched_at": at,
        "finished_at": at,
        "input_tokens": 610,
        "output_tokens": 938,
        "charged": charged,
    }
    return Run.objects.create(**{**standard, **facts})


@pytest.fixture
def make_run(alice: User, site: Site) -> Making:
    """make_run(charged, at, model_slug=…): a finished run of alice's on her bakery."""
    return Making(alice, site)


@pytest.fixture
def sign_in(page: Any, live_server: Any, settings: Any) -> Callable[[User], None]:
    """Gives the browser the session of a person."""

    def sign(user: User) -> None:
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
        page.context.add_cookies([cookie])

    return sign
