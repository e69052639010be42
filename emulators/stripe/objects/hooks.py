"""Events and the endpoints that they are delivered to."""

from __future__ import annotations

from typing import Any

from emulators.stripe.ids import new_id
from emulators.stripe.store import Object
from emulators.stripe.version import API_VERSION


def event(
    *,
    kind: str,
    thing: Object,
    previous: dict[str, Any] | None,
    request: dict[str, str | None],
    created: int,
) -> Object:
    """What happened to an object, which is kept as it was at that moment."""
    data: dict[str, Any] = {"object": thing}
    if previous is not None:
        data["previous_attributes"] = previous
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": request,
        "type": kind,
    }


def webhook_endpoint(
    *, url: str, enabled_events: list[str], api_version: str | None, created: int
) -> Object:
    """An enabled endpoint, without its secret."""
    return {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": api_version,
        "application": None,
        "created": created,
        "description": None,
        "enabled_events": enabled_events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }
