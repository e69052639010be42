"""One database with every migration in it, which all the tests' databases are copies of.

Migrating takes 12 seconds of processor; a copy takes a fifth of one. `script/test` names the
template in TEST_DATABASE_TEMPLATE, on a server that is new each time, so that it is never stale.
Whichever worker needs a database first migrates its own as always, and leaves a copy as template.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

# Any number that all workers agree on.
TEMPLATE_LOCK = 9_310_442
_holding_the_lock: list[psycopg.Connection] = []


def template_name() -> str:
    """The template's name, or nothing where there is none: on SQLite, or a developer's server."""
    url = os.environ.get("DATABASE_URL", "")
    return os.environ.get("TEST_DATABASE_TEMPLATE", "") if url.startswith("postgres") else ""


def template_awaited() -> bool:
    """Whether the template is there. Where it is not, this worker has to make it, and any other
    that asks waits until it did."""
    server = _server()
    server.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
    question = "SELECT 1 FROM pg_database WHERE datname = %s"
    if server.execute(question, [template_name()]).fetchone():
        server.close()
        return True
    _holding_the_lock.append(server)
    return False


def template_make() -> None:
    """Leaves a copy of this worker's migrated database as the template others wait for."""
    migrated = connection.settings_dict["NAME"]
    ours = cast(DatabaseWrapper, connection)
    ours.close()
    # The pool's own connections, too: what is copied must be in use by nobody.
    ours.close_pool()
    with closing(_holding_the_lock.pop()) as server:
        server.execute(f'CREATE DATABASE "{template_name()}" TEMPLATE "{migrated}"')


def database_new(name: str, folder: Path) -> str:
    """The URL of a new database: migrated if there is a template, else empty; on SQLite a file."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        return str(folder / f"{name}.sqlite")
    source = f' TEMPLATE "{template_name()}"' if template_name() else ""
    with _server() as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}"{source}')
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _server() -> psycopg.Connection:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
