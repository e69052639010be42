"""Brings database, seeds and static files up to date, in one Django start. Safe to repeat."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import CommandError, SystemCheckError
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from config.env import EnvironmentProblems
from script.supervisor.stripe_emulator import SYNC_STRIPE, wait_until_up
from script.supervisor.tell import WARNING

SEED_COMMANDS = ("catalogue_seed", "offers_seed", "beat_seed")
# Any number that all our processes agree on.
PREPARE_LOCK = 7_245_113


def main() -> None:
    try:
        django.setup()
        call_command("check")
        prepare()
        if SYNC_STRIPE in sys.argv:
            sync_emulated_stripe()
    except (EnvironmentProblems, SystemCheckError, CommandError) as problem:
        sys.exit(str(problem))
    except OperationalError as error:
        sys.exit(f"The database (DATABASE_URL) can not be used: {error}".strip())
    except DatabaseError as error:
        sys.exit(f"The database (DATABASE_URL) refused a migration or a seed: {error}".strip())


def prepare() -> None:
    with one_at_a_time():
        if migrations_wait():
            call_command("migrate", interactive=False, verbosity=1)
        for command in SEED_COMMANDS:
            if command in get_commands():
                call_command(command)
    if settings.DEBUG:
        # Static files come from the apps; WhiteNoise only wants the folder to exist.
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    else:
        call_command("collectstatic", interactive=False, verbosity=1)


def sync_emulated_stripe() -> None:
    """Catalogue and webhook endpoint of the emulated Stripe; a start never fails for them."""
    if not wait_until_up(settings.STRIPE_API_BASE):
        print(f"{WARNING}the emulated Stripe does not answer: nothing can be bought yet")
        return
    try:
        call_command("stripe_sync", register=True)
    except CommandError as error:
        print(f"{WARNING}the emulated Stripe was not brought up to date: {error}")


def migrations_wait() -> bool:
    """Asked first, because `migrate` with nothing to do still goes through every permission."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Several machines may start on one PostgreSQL at once: one migrates, the others wait."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [PREPARE_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [PREPARE_LOCK])


if __name__ == "__main__":
    main()
