"""Runs are executed here in the test's own process, against the emulated providers over HTTP."""

from collections.abc import Callable, Iterator

import pytest
import redis

from accounts.models import User
from builder.models import Run, Site
from builder.routing.guard import guard_set
from builder.routing.stores import PREFIX
from builder.services import execution, runs
from builder.services.sites import site_create
from emulators.ai.testing import EmulatorClient, emulator
from tests.catalogue import catalogue_seed

PROMPT = "A calm site for a bakery called Flour & Salt, with opening hours and a menu"


@pytest.fixture(scope="session")
def ai_server() -> Iterator[EmulatorClient]:
    with emulator(pace=0) as client:
        yield client


@pytest.fixture
def ai(ai_server: EmulatorClient, settings) -> EmulatorClient:
    ai_server.reset()
    # What failed in another test is no reason not to ask in this one.
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(*client.keys(f"{PREFIX}*"), PREFIX)
    guard_set(None)
    settings.AI_EMULATOR_URL = ai_server.url
    return ai_server


@pytest.fixture
def rung(monkeypatch) -> list[str]:
    """Run ids that were rung at the broker; nothing picks them up by itself."""
    ids: list[str] = []

    def ring(args: list[str], **_options: object) -> None:
        ids.append(args[0])

    monkeypatch.setattr("builder.services.runs.run_execute.apply_async", ring)
    return ids


@pytest.fixture
def catalogue(transactional_db) -> None:
    catalogue_seed()


@pytest.fixture
def alice(transactional_db) -> User:
    return User.objects.create_user("alice@example.com", "correct horse 42")


@pytest.fixture
def bob(transactional_db) -> User:
    return User.objects.create_user("bob@example.com", "correct horse 42")


@pytest.fixture
def site(alice: User) -> Site:
    return site_create(owner=alice, name="Flour & Salt")


@pytest.fixture
def start(alice, site, ai, rung, catalogue) -> Callable[..., Run]:
    def start_run(prompt: str = PROMPT, *, model: str = "claude-3-haiku", **options) -> Run:
        return runs.run_start(
            user=alice, site=options.pop("site", site), prompt=prompt, model_slug=model, **options
        )

    return start_run


@pytest.fixture
def finish(start) -> Callable[..., Run]:
    """Start a run, do it, and give it back as the database has it."""

    def finish_run(prompt: str = PROMPT, **options) -> Run:
        run: Run = start(prompt, **options)
        execution.run_execute(run.pk)
        run.refresh_from_db()
        return run

    return finish_run
