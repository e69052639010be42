"""Fixtures for everybody: the database, Redis, the running stack, a browser."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection

from script.supervisor.ports import any_free_port
from script.testbed.tools import chromium
from tests import flush, template
from tests.stack import Stack, start_stack

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The browser is no more allowed to the outside than Python is.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, "
    "EXCLUDE 127.0.0.1",
]
# Redis databases: 0 for a run without workers, 1… for workers, from here on for their stacks.
FIRST_STACK_DATABASE = 32


# What takes a minute and more begins first: at the end, one worker would be left with it alone.
LONGEST = (
    "tests/billing/test_machine.py",
    "tests/billing/stripe/test_permutations.py",
    "tests/billing/premium/test_machine.py",
    "tests/billing/stripe/test_kill_points.py",
    "tests/builder/usage/test_browser.py",
    "tests/billing/pages/",
    "tests/billing/test_race.py",
    "tests/config/test_supervisor",
    "tests/config/test_running_copies.py",
    "tests/bench/",
)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Tests of the stack share one worker, so that the stack is started once; the longest first.

    Marked before xdist looks at the marks, sorted after all others have: xdist hands out groups
    first, the larger ones before the smaller, then single tests in order.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "stack" in fixtures:
            item.add_marker(pytest.mark.xdist_group("stack"))
        if "page" in fixtures or "browser" in fixtures:
            item.add_marker(pytest.mark.browser)
    yield
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """What is imported by now stays: the collector need not go through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("postgresql") and connection.vendor != "postgresql":
        pytest.skip("needs a real PostgreSQL: run script/test, or set DATABASE_URL")
    if item.get_closest_marker("real_model") and os.environ.get("REAL_MODEL") != "1":
        pytest.skip("opt-in: REAL_MODEL=1 runs a real tiny model")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """The database begins as a copy of the template, if there is one."""
    flush.install()
    if template.template_name() and template.template_awaited():
        connection.settings_dict["TEST"]["TEMPLATE"] = template.template_name()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """The database, migrated; the first one becomes the template of the others."""
    if template.template_name() and not connection.settings_dict["TEST"].get("TEMPLATE"):
        template.template_make()


@pytest.fixture(scope="session")
def database_new(django_db_setup: None) -> Callable[[str, Path], str]:
    """Makes databases for other processes. A fixture, as they are copies of the template, which
    the first worker that sets its own database up leaves."""
    return template.database_new


@pytest.fixture
def redis_url() -> str:
    """This worker's own Redis database."""
    return str(settings.REDIS_URL)


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of this worker's Redis database, which is empty before and after."""
    client = redis.Redis.from_url(redis_url)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory, database_new: Callable[[str, Path], str]
) -> Iterator[Stack]:
    """The whole product, running: supervisor, web, workers, beat, emulator without delays.

    On PostgreSQL when the tests are, in a database of its own; the supervisor seeds it, and
    migrates it where there is no template.
    """
    state_dir = tmp_path_factory.mktemp("stack")
    base, _, number = settings.REDIS_URL.rpartition("/")
    running = start_stack(
        port=any_free_port(),
        state_dir=state_dir,
        DATABASE_URL=database_new(f"stack_{number}", state_dir),
        REDIS_URL=f"{base}/{FIRST_STACK_DATABASE + int(number)}",
    )
    yield running
    code = running.end()
    logs = Path(os.environ.get("KEEP_STACK_LOGS", ""))
    if logs.name:
        shutil.copytree(state_dir / "logs", logs, dirs_exist_ok=True)
    assert code == 0, "".join(running.stderr)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium, driven by Playwright.

    For one module: while Playwright is on, its event loop counts as running in this thread, and
    `asyncio.run` of any other test would be refused.
    """
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: browser tests are left out")
    from playwright.sync_api import sync_playwright

    # Playwright's loop lives in this thread; Django would refuse the ORM beside it.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        running = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def console_errors() -> list[str]:
    """What the page logged as an error. The test fails if any is left: clear what is meant."""
    return []


@pytest.fixture
def page(browser: Any, console_errors: list[str]) -> Iterator[Any]:
    """A fresh browser context and page, 1280 × 800."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    opened.on(
        "console",
        lambda message: console_errors.append(message.text) if message.type == "error" else None,
    )
    opened.on("pageerror", lambda error: console_errors.append(str(error)))
    yield opened
    context.close()
    assert console_errors == []
