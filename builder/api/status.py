"""`GET /api/status`: how providers and models are doing. Public."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router

from accounts.api_schema import ApiSchema
from builder.selectors.health import health_now
from builder.status_words import status_as_dict

router = Router(tags=["status"], by_alias=True)


class HourOut(ApiSchema):
    """Attempts of runs that began in the hour from `at`."""

    at: str
    answered: int
    failed: int


class HealthOut(ApiSchema):
    """`reason` is in words, null where it works. Times to the first token are of 24 hours."""

    id: str
    name: str
    state: Literal["working", "slow", "failing", "off"]
    reason: str | None
    since: str | None
    success_percent: float | None
    first_token_p50_ms: int | None
    first_token_p95_ms: int | None
    hours: list[HourOut]


class StatusOut(ApiSchema):
    status: Literal["ok", "degraded"]
    as_of: str
    providers: list[HealthOut]
    models: list[HealthOut]


@router.get("/status", auth=None, response=StatusOut, summary="How providers and models are doing")
def status(request: HttpRequest) -> dict[str, Any]:
    """The same as the page /status/, at most 15 seconds old."""
    return status_as_dict(health_now())
