"""Where breakers keep their state: Redis, shared by all workers, or this process alone.

Both do the same; tests hold them to it. Times are seconds since the epoch, given by the caller:
machines whose clocks differ by a second open and close that second apart, no more.

In Redis: one hash with what is open (`name` → `since|until|code`), per failing name a sorted set
of its failures within the window, and per name that is being probed a key with the prober's token.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

import redis

FAILURES_TO_OPEN: Final = 5
WINDOW_SECONDS: Final = 60.0
OPEN_SECONDS: Final = 30.0
# A prober that died is forgotten after this: longer than any attempt may take to its first content.
PROBE_LEASE_SECONDS: Final = 150.0
# What nobody closed (a route that left the catalogue) is forgotten after this.
FORGET_SECONDS: Final = 86_400.0
PREFIX: Final = "sitewright:breaker:"


class Change(StrEnum):
    """What a failure did. COUNTED: it is still closed. STAYS: it was open already."""

    COUNTED = "counted"
    OPENED = "opened"
    REOPENED = "reopened"
    STAYS = "stays"


@dataclass(frozen=True, slots=True)
class Opened:
    """Not to be asked before `until`; then by one prober at a time."""

    since: float
    until: float
    code: str


@dataclass(frozen=True, slots=True)
class Failure:
    """name: the breaker's. group: what failed within it, e.g. the model of a provider;
    groups_least: how many different ones there must be to open it. unique: of this failure.
    token: of the probe that failed, "" for no probe."""

    name: str
    code: str
    group: str
    groups_least: int
    unique: str
    token: str = ""


class Store(Protocol):
    def load(self) -> dict[str, Opened]:
        """Everything that is open."""
        ...

    def fail(self, failure: Failure, now: float) -> Change: ...

    def rest(self, name: str, code: str, now: float, seconds: float) -> None:
        """Open it for a told time, without counting; one that is open stays as it is."""
        ...

    def claim(self, names: list[str], now: float, token: str) -> bool:
        """Become the one prober of all these; False, and of none, if any is not due or taken.
        Names that are closed by now need no claim."""
        ...

    def release(self, names: list[str], token: str) -> None:
        """Give probes back that told nothing."""
        ...

    def close(self, names: list[str]) -> list[str]:
        """They work: forget everything. Those of them that were open."""
        ...


_FAIL = """
local open, failures, probe = KEYS[1], KEYS[2], KEYS[3]
local name, now, unique, code = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local group, groups_least, token = ARGV[5], tonumber(ARGV[6]), ARGV[7]
local window, least, seconds = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local known = redis.call('HGET', open, name)
if known then
  if token ~= '' and redis.call('GET', probe) == token then
    local since = string.match(known, '^[^|]*')
    redis.call('HSET', open, name, since .. '|' .. (now + seconds) .. '|' .. code)
    redis.call('DEL', probe)
    return 'reopened'
  end
  return 'stays'
end
redis.call('ZADD', failures, now, group .. '|' .. unique)
redis.call('ZREMRANGEBYSCORE', failures, '-inf', now - window)
redis.call('EXPIRE', failures, math.ceil(window))
if redis.call('ZCARD', failures) < least then return 'counted' end
local groups, count = {}, 0
for _, member in ipairs(redis.call('ZRANGE', failures, 0, -1)) do
  local found = string.match(member, '^(.*)|[^|]*$')
  if not groups[found] then groups[found] = true; count = count + 1 end
end
if count < groups_least then return 'counted' end
redis.call('HSET', open, name, now .. '|' .. (now + seconds) .. '|' .. code)
redis.call('EXPIRE', open, tonumber(ARGV[11]))
redis.call('DEL', failures, probe)
return 'opened'
"""

_CLAIM = """
local open, now, token, lease = KEYS[1], tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local due = {}
for i = 2, #KEYS do
  local known = redis.call('HGET', open, ARGV[i + 2])
  if known then
    if now < tonumber(string.match(known, '^[^|]*|([^|]*)|')) then return 0 end
    if redis.call('EXISTS', KEYS[i]) == 1 then return 0 end
    due[#due + 1] = KEYS[i]
  end
end
for _, key in ipairs(due) do redis.call('SET', key, token, 'PX', lease) end
return 1
"""

_RELEASE = """
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
"""


class RedisStore:
    """Raises redis.RedisError where Redis is away."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis: Any = client
        self._fail = client.register_script(_FAIL)
        self._claim = client.register_script(_CLAIM)
        self._release = client.register_script(_RELEASE)

    def load(self) -> dict[str, Opened]:
        known = self._redis.hgetall(PREFIX + "open")
        return {name.decode(): _opened(value.decode()) for name, value in known.items()}

    def fail(self, failure: Failure, now: float) -> Change:
        answer: Any = self._fail(
            keys=[PREFIX + "open", _failures(failure.name), _probe(failure.name)],
            args=[
                *(failure.name, repr(now), failure.unique, failure.code),
                *(failure.group, failure.groups_least, failure.token),
                *(WINDOW_SECONDS, FAILURES_TO_OPEN, OPEN_SECONDS, int(FORGET_SECONDS)),
            ],
        )
        return Change(answer.decode())

    def rest(self, name: str, code: str, now: float, seconds: float) -> None:
        self._redis.hsetnx(PREFIX + "open", name, f"{now!r}|{now + seconds!r}|{code}")

    def claim(self, names: list[str], now: float, token: str) -> bool:
        keys = [PREFIX + "open", *map(_probe, names)]
        lease = int(PROBE_LEASE_SECONDS * 1000)
        return bool(self._claim(keys=keys, args=[repr(now), token, lease, *names]))

    def release(self, names: list[str], token: str) -> None:
        self._release(keys=list(map(_probe, names)), args=[token])

    def close(self, names: list[str]) -> list[str]:
        pipeline = self._redis.pipeline(transaction=True)
        for name in names:
            pipeline.hdel(PREFIX + "open", name)
        pipeline.delete(*map(_failures, names), *map(_probe, names))
        answers = pipeline.execute()
        return [name for name, closed in zip(names, answers, strict=False) if closed]


@dataclass(slots=True)
class LocalStore:
    """The same in this process's memory: while Redis is away, and in tests."""

    opened: dict[str, Opened] = field(default_factory=dict)
    failures: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    probes: dict[str, tuple[str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self) -> dict[str, Opened]:
        with self._lock:
            return dict(self.opened)

    def fail(self, failure: Failure, now: float) -> Change:
        name = failure.name
        with self._lock:
            if known := self.opened.get(name):
                if failure.token and self.probes.get(name, ("", 0.0))[0] == failure.token:
                    self.opened[name] = Opened(known.since, now + OPEN_SECONDS, failure.code)
                    del self.probes[name]
                    return Change.REOPENED
                return Change.STAYS
            recent = [row for row in self.failures.get(name, []) if row[0] > now - WINDOW_SECONDS]
            self.failures[name] = [*recent, (now, failure.group)]
            groups = {group for _at, group in self.failures[name]}
            few = len(self.failures[name]) < FAILURES_TO_OPEN
            if few or len(groups) < failure.groups_least:
                return Change.COUNTED
            self.opened[name] = Opened(now, now + OPEN_SECONDS, failure.code)
            self.failures.pop(name)
            self.probes.pop(name, None)
            return Change.OPENED

    def rest(self, name: str, code: str, now: float, seconds: float) -> None:
        with self._lock:
            self.opened.setdefault(name, Opened(now, now + seconds, code))

    def claim(self, names: list[str], now: float, token: str) -> bool:
        with self._lock:
            due = [name for name in names if name in self.opened]
            for name in due:
                taken_until = self.probes.get(name, ("", 0.0))[1]
                if now < self.opened[name].until or now < taken_until:
                    return False
            self.probes.update((name, (token, now + PROBE_LEASE_SECONDS)) for name in due)
            return True

    def release(self, names: list[str], token: str) -> None:
        with self._lock:
            for name in names:
                if self.probes.get(name, ("", 0.0))[0] == token:
                    del self.probes[name]

    def close(self, names: list[str]) -> list[str]:
        with self._lock:
            for name in names:
                self.failures.pop(name, None)
                self.probes.pop(name, None)
            return [name for name in names if self.opened.pop(name, None)]


def _opened(value: str) -> Opened:
    since, until, code = value.split("|", 2)
    return Opened(float(since), float(until), code)


def _failures(name: str) -> str:
    return f"{PREFIX}failures:{name}"


def _probe(name: str) -> str:
    return f"{PREFIX}probe:{name}"
