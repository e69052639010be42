"""What one running emulator remembers: rules, requests seen, counters, pace."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from emulators.ai.behaviour import Behaviour
from emulators.ai.catalog import Provider

REQUESTS_KEPT = 500
BODY_CHARS_KEPT = 200_000
GENERATIONS_KEPT = 2_000


class Match(BaseModel):
    """Which requests a rule is for; what is not named matches all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Provider | None = None
    model: str | None = None
    contains: str | None = None
    api_key: str | None = None

    def covers(self, seen: Seen, text: str) -> bool:
        """Whether that request is one of them; `contains` looks at the last user message."""
        return (
            self.provider in (None, seen.provider)
            and self.model in (None, seen.model)
            and (self.api_key is None or self.api_key == seen.api_key)
            and (self.contains is None or self.contains in text)
        )


class Rule(BaseModel):
    """A behaviour for the requests that match, for a number of times or for good."""

    model_config = ConfigDict(extra="forbid")

    match: Match = Field(default_factory=Match)
    skip: int = Field(0, ge=0, description="matching requests let through first")
    times: int | None = Field(None, ge=1)
    behaviour: Behaviour


class Listing(BaseModel):
    """How a provider's `GET /models` differs from what it serves; the calls themselves do not.

    change: fields by model id, put over those of its row; a new `id` renames it.
    """

    model_config = ConfigDict(extra="forbid")

    without: list[str] = Field(default_factory=list)
    change: dict[str, dict[str, Any]] = Field(default_factory=dict)
    add: list[dict[str, Any]] = Field(default_factory=list)
    status: int = Field(200, ge=200, le=599)
    text: str | None = Field(None, description="this body instead of the list")
    seconds: float = Field(0, ge=0, le=600, description="waits that long first")

    def rows(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows as this listing has them."""
        kept = [row for row in rows if row["id"] not in self.without]
        return [row | self.change.get(row["id"], {}) for row in kept] + self.add


@dataclass
class Seen:
    """One request as it came in, and what became of it."""

    number: int
    provider: str
    model: str
    api_key: str
    stream: bool
    body: dict[str, Any]
    headers: dict[str, str]
    received_at: float
    status: int = 0
    outcome: str = "open"  # open, finished, refused, cut, client_closed, error, stopped
    behaviour: dict[str, Any] = field(default_factory=dict)
    generation_id: str | None = None
    chars_sent: int = 0
    chunks_sent: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    ended_at: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The record for GET /_emulator/requests; the key is shown as its last four."""
        return asdict(self) | {"api_key": self.api_key[-4:] if self.api_key else ""}


class EmulatorState:
    """Rules in order of arrival, the last requests, and counts since the last reset."""

    def __init__(self, *, pace: float) -> None:
        self.pace = pace
        self._first_pace = pace
        self.reset()

    def reset(self) -> None:
        """Forget rules, listings, requests, counters and a changed pace."""
        self.pace = self._first_pace
        self.rules: OrderedDict[int, Rule] = OrderedDict()
        self.listings: dict[str, Listing] = {}
        self.requests: deque[Seen] = deque(maxlen=REQUESTS_KEPT)
        self.generations: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.counters: Counter[str] = Counter()
        self.open_streams = 0
        self.most_open_streams = 0
        self._numbers = count(1)
        self._rule_numbers = count(1)

    def add_rule(self, rule: Rule) -> int:
        """Keep a rule; returns its number."""
        number = next(self._rule_numbers)
        self.rules[number] = rule
        return number

    def take_behaviour(self, seen: Seen, text: str) -> Behaviour | None:
        """The first matching rule's behaviour, counted off; None where no rule matches."""
        for number, rule in list(self.rules.items()):
            if not rule.match.covers(seen, text):
                continue
            if rule.skip:
                rule.skip -= 1
                continue
            if rule.times is not None:
                rule.times -= 1
                if not rule.times:
                    del self.rules[number]
            return rule.behaviour
        return None

    def see(
        self, *, provider: str, body: dict[str, Any], api_key: str, headers: dict[str, str]
    ) -> Seen:
        """Record a request that came in."""
        seen = Seen(
            number=next(self._numbers),
            provider=provider,
            model=str(body.get("model", "")),
            api_key=api_key,
            stream=bool(body.get("stream")),
            body=_clipped(body),
            headers=headers,
            received_at=time.time(),
        )
        self.requests.append(seen)
        self.counters["requests"] += 1
        self.counters[f"requests.{provider}"] += 1
        self.counters[f"requests.{provider}.{seen.model}"] += 1
        return seen

    def opened(self) -> None:
        """Count a stream that begins."""
        self.open_streams += 1
        self.most_open_streams = max(self.most_open_streams, self.open_streams)

    def ended(self, seen: Seen, outcome: str) -> None:
        """Record how a request ended."""
        seen.outcome = outcome
        seen.ended_at = time.time()
        self.counters[f"outcomes.{outcome}"] += 1

    def keep_generation(self, generation_id: str, facts: dict[str, Any]) -> None:
        """Keep what GET /generation tells of an answer."""
        self.generations[generation_id] = facts
        while len(self.generations) > GENERATIONS_KEPT:
            self.generations.popitem(last=False)


def _clipped(body: dict[str, Any]) -> dict[str, Any]:
    if len(str(body)) <= BODY_CHARS_KEPT:
        return body
    return {name: value for name, value in body.items() if name != "messages"} | {"clipped": True}
