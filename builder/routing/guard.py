"""Who may be asked right now, of providers and of their ways to a model.

A run asks `permit` before a call and tells what came of it. Two breakers stand before each call:
the provider's, and that of the provider's way to the model.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from typing import Final

import redis
from django.conf import settings

from builder.routing.breaker import Breaker, State
from builder.routing.policy import NETWORK_CODES, ROUTE_CODES
from builder.routing.stores import Change, Failure, RedisStore
from builder.routing.waits import Waits
from builder.services.outages import outage_began, outages_ended
from models_catalog.selectors import RouteTarget

# A provider is out when more than one of its models is; one alone is that model's matter.
MODELS_LEAST: Final = 2
# What a provider may ask for with Retry-After; longer is up to the breaker.
REST_MOST_SECONDS: Final = 60.0
REDIS_TIMEOUT_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for one call. `watched`: a breaker was open, so the answer decides about it.
    token: of the probe, "" where it is none."""

    target: RouteTarget
    watched: bool = False
    token: str = ""

    @property
    def names(self) -> list[str]:
        return names_of(self.target)


def names_of(target: RouteTarget) -> list[str]:
    """The breakers before a call: the provider's, the route's."""
    return [target.provider_slug, route_name(target.provider_slug, target.provider_model_id)]


def route_name(provider_slug: str, provider_model_id: str) -> str:
    return f"{provider_slug} {provider_model_id}"


class Guard:
    """One of a process. None of its methods raises for what Redis or the database do."""

    def __init__(self, breaker: Breaker, waits: Waits | None = None) -> None:
        self.breaker = breaker
        self.waits = waits or Waits()

    def is_well(self, target: RouteTarget) -> bool:
        """Whether it could be asked without a probe."""
        return all(self.breaker.state(name) is State.CLOSED for name in names_of(target))

    def permit(self, target: RouteTarget, *, whatever: bool = False) -> Permit | None:
        """None: it is failing and not to be asked now. `whatever`: ask it all the same."""
        names = names_of(target)
        states = {self.breaker.state(name) for name in names}
        if states == {State.CLOSED}:
            return Permit(target)
        token = None if State.OPEN in states else self.breaker.claim(names)
        if token is None and not whatever:
            return None
        return Permit(target, watched=True, token=token or "")

    def silence_seconds(self, permit: Permit) -> float:
        """What it has until its first content, where others could answer."""
        most = settings.ROUTE_FIRST_TOKEN_TIMEOUT_SECONDS
        return self.waits.limit(permit.names[1], most)

    def began(self, permit: Permit, seconds: float) -> None:
        """It gave its first content, that many seconds after it was asked."""
        self.waits.answered(permit.names[1], seconds)
        self.answered(permit)

    def answered(self, permit: Permit) -> None:
        """It gave content, or an answer that shows that it is there."""
        if permit.watched:
            outages_ended(self.breaker.close(permit.names))

    def failed(
        self, permit: Permit, code: str, message: str, retry_after_seconds: float | None = None
    ) -> None:
        """It failed before any content, by its own fault (see `policy.FAULT_CODES`)."""
        target = permit.target
        provider, route = permit.names
        unique = uuid.uuid4().hex
        self._count(Failure(route, code, "", 1, unique, permit.token), message)
        if code in ROUTE_CODES:
            if permit.token:
                self.breaker.close([provider])
            if retry_after_seconds and not permit.watched:
                self.breaker.rest(route, code, min(retry_after_seconds, REST_MOST_SECONDS))
            return
        group = unique if code in NETWORK_CODES else target.provider_model_id
        self._count(Failure(provider, code, group, MODELS_LEAST, unique, permit.token), message)

    def released(self, permit: Permit) -> None:
        """The call was withdrawn before it told anything."""
        if permit.token:
            self.breaker.release(permit.names, permit.token)

    def _count(self, failure: Failure, message: str) -> None:
        if self.breaker.failed(failure) is Change.OPENED:
            outage_began(failure.name, failure.code, message)


_guard: Guard | None = None
_guard_lock = threading.Lock()


def guard() -> Guard:
    """The guard of this process."""
    global _guard
    with _guard_lock:
        if _guard is None:
            client = redis.Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=REDIS_TIMEOUT_SECONDS,
                socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
                retry=None,
            )
            _guard = Guard(Breaker(RedisStore(client)))
        return _guard


def guard_set(replacement: Guard | None) -> None:
    """Another guard for this process; None makes a new one at the next use."""
    global _guard
    with _guard_lock:
        _guard = replacement
