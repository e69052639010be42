"""The last requests, and faults that a control put in their way."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from emulators.stripe.ids import new_id

REQUESTS_KEPT = 500


@dataclass(slots=True)
class Seen:
    """One request to /v1. status is 0 until it is answered."""

    id: str
    method: str
    path: str
    version: str
    idempotency_key: str
    received_at: float
    params: dict[str, Any] = field(default_factory=dict)
    status: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Fault(BaseModel):
    """Something that goes wrong: for requests that match, a number of times.

    after: the request does its work first and only its answer is lost, which is when an
    idempotency key matters. Without a status the connection is closed without an answer.
    """

    model_config = ConfigDict(extra="forbid")

    method: str | None = None
    path: str = Field("", description="what the path begins with, e.g. /v1/checkout/sessions")
    status: int | None = Field(None, ge=400, le=599)
    delay_seconds: float = Field(0, ge=0, le=600)
    after: bool = False
    times: int = Field(1, ge=1)

    def covers(self, seen: Seen) -> bool:
        return self.method in (None, seen.method) and seen.path.startswith(self.path)

    async def answer(self, seen: Seen) -> Response:
        """The broken answer."""
        await asyncio.sleep(self.delay_seconds)
        if self.status is None:
            return HangUp()
        seen.status = self.status
        kinds = {429: "rate_limit", 409: "lock_timeout"}
        error = {
            "type": "api_error" if self.status >= 500 else "invalid_request_error",
            "message": "The Stripe emulator was told to fail.",
            **({"code": kinds[self.status]} if self.status in kinds else {}),
        }
        headers = {"Request-Id": seen.id}
        return Response(orjson.dumps({"error": error}), self.status, headers, "application/json")


class HangUp(Response):
    """No answer at all: the connection is closed, by way of uvicorn's transport."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()


class RequestLog:
    """What came in since the last reset."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget requests and faults."""
        self.requests: deque[Seen] = deque(maxlen=REQUESTS_KEPT)
        self.counts: Counter[str] = Counter()
        self.faults: list[Fault] = []

    def see(self, request: Request) -> Seen:
        """Record a request."""
        seen = Seen(
            id=new_id("req"),
            method=request.method,
            path=request.url.path,
            version=request.headers.get("stripe-version", ""),
            idempotency_key=request.headers.get("idempotency-key", ""),
            received_at=time.time(),
        )
        self.requests.append(seen)
        self.counts[f"{seen.method} {seen.path}"] += 1
        return seen

    def take_fault(self, seen: Seen) -> Fault | None:
        """The first fault that covers the request, counted off."""
        for fault in self.faults:
            if fault.covers(seen):
                fault.times -= 1
                if not fault.times:
                    self.faults.remove(fault)
                return fault
        return None
