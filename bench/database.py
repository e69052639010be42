"""A private, durable PostgreSQL with our schema, and Django in this process set up for it."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import django

from script.testbed import servers

# What the figures were taken under; told beside them.
CONDITIONS = (
    "fsync, synchronous_commit and full_page_writes on, shared_buffers 1 GB,"
    " min_wal_size and max_wal_size 4 GB"
)
# 16 MB each: the log of a server that has been in use.
WAL_SEGMENTS = 256


@contextmanager
def ledger_database() -> Iterator[str]:
    """Starts, migrates, ends everything; yields the database's URL.

    What needs Django may be imported inside only. BENCH_DATABASE_URL names an empty database to
    use instead, for tests: what is measured there is not under our CONDITIONS.
    """
    folder = Path(tempfile.mkdtemp(prefix="sitewright-bench-"))
    if url := os.environ.get("BENCH_DATABASE_URL", ""):
        try:
            _set_up_django(url, folder)
            yield url
        finally:
            servers.remove(folder)
        return
    server = servers.start_postgres(folder, servers.DURABLE_OPTIONS)
    try:
        _set_up_django(server.url, folder)
        yield server.url
    finally:
        server.end()
        servers.remove(folder)


def _set_up_django(url: str, folder: Path) -> None:
    os.environ |= {
        "ENV_FILE": os.devnull,
        "DEBUG": "true",
        "DATABASE_URL": url,
        "STATE_DIR": str(folder / "var"),
        "LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    # DEBUG spared us the settings of a real site; it also keeps every query, which a real site
    # does not.
    settings.DEBUG = False
    logging.disable(logging.INFO)
    call_command("migrate", verbosity=0)
    connections_forget()


def wal_age() -> None:
    """Make the log's files once, as a server that has been in use has them, to be used again.

    Without them the first gigabytes are written twice, and whoever commits meanwhile waits.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        for _ in range(WAL_SEGMENTS):
            cursor.execute("SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()")
        # Each gives up what was needed since the one before.
        cursor.execute("CHECKPOINT")
        cursor.execute("CHECKPOINT")


def connections_forget() -> None:
    """Before a fork: no connection, and no pool with its threads, may be shared."""
    from django.db import connections
    from django.db.backends.postgresql.base import DatabaseWrapper

    connection = cast(DatabaseWrapper, connections["default"])
    connection.close()
    connection.close_pool()
