"""A clock that stands still until told, and breakers over both kinds of store."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pytest

from builder.routing.breaker import Breaker
from builder.routing.stores import Failure, LocalStore, RedisStore, Store


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["redis", "local"])
def store(request, redis_client) -> Store:
    return RedisStore(redis_client) if request.param == "redis" else LocalStore()


@pytest.fixture
def breaker(store: Store, clock: Clock) -> Breaker:
    return Breaker(store, clock=clock, ticks=clock)


def failure(name: str, *, code: str = "server_error", group: str = "", least: int = 1, token=""):
    return Failure(name, code, group, least, uuid.uuid4().hex, token)
