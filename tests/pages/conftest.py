"""A person with sites and runs, and ways to look at pages as that person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.services.holds import hold_create, hold_settle
from builder.models import Run, Site
from builder.services.sites import site_create
from builder.services.versions import version_create
from models_catalog.models import AIModel
from tests.catalogue import catalogue_seed

PAGE = (
    "<!doctype html><html lang=en><title>Bakery</title>"
    "<h1>Main Street Bakery</h1><p>Bread from 7.</p>"
)


@pytest.fixture(autouse=True)
def sites_apart(settings: Any) -> None:
    """Outside DEBUG, as tests are, the app refuses to share a domain with generated sites."""
    settings.SITES_DOMAIN = "sites.example"


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    """pytest-django's own, started while app and sites are apart: it starts before `settings`."""
    with override_settings(SITES_DOMAIN="sites.example"):
        server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture
def catalogue(db: None) -> None:
    catalogue_seed()
    call_command("offers_seed", stdout=StringIO())


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("ana@example.com", "correct horse battery")


@pytest.fixture
def member(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


@pytest.fixture
def site(person: User) -> Site:
    made = site_create(owner=person, name="Bakery on Main")
    version_create(
        site=made,
        files={"index.html": PAGE},
        origin="run",
        parent=None,
        summary="First page",
        changed_paths=["index.html"],
    )
    return made


@pytest.fixture
def make_run(person: User, site: Site, catalogue: None) -> Callable[..., Run]:
    """Makes a finished run that was charged through the ledger: `make_run(charged=3_180)`."""
    model = AIModel.objects.get(slug="claude-3-haiku")

    def make(*, charged: int, prompt: str = "Add the opening hours") -> Run:
        number = Run.objects.count()
        now = timezone.now()
        hold = hold_create(
            user_id=person.pk,
            key=f"run:{number}",
            at_least=1,
            at_most=5_000,
            expires_at=now + timedelta(minutes=10),
        )
        hold_settle(hold_id=hold.pk, amount=charged)
        return Run.objects.create(
            owner=person,
            site=site,
            hold=hold,
            idempotency_key=str(number),
            request_digest="",
            prompt=prompt,
            model_slug=model.slug,
            token_cost=model.token_cost,
            billing_unit=model.billing_unit,
            input_weight=model.input_weight,
            estimate_low=1_000,
            estimate_high=4_000,
            ceiling=5_000,
            max_output_tokens=2_000,
            state=Run.State.SUCCEEDED,
            dispatched_at=now,
            finished_at=now,
            input_tokens=610,
            output_tokens=938,
            charged=charged,
        )

    return make


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
