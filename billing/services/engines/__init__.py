"""Two ways to do the same two things: take tokens into a hold, and resolve a hold.

`portable` speaks through the ORM and runs on every database. `postgresql` calls two functions
that live in the database (see the migrations), one round trip each. They give the same results
and write the same rows; the same tests run against both.
"""

from __future__ import annotations

from typing import Protocol

from django.db import connection

from billing.services.engines import portable, postgresql
from billing.services.engines.types import ResolveRequest, Take, TakeRequest


class Engine(Protocol):
    def take(self, request: TakeRequest) -> Take: ...

    def resolve(self, request: ResolveRequest) -> list[tuple[str, int]] | None: ...


def engine() -> Engine:
    """The fastest one that the database in use can carry."""
    return postgresql if connection.vendor == "postgresql" else portable
