"""Events and webhook endpoints."""

from __future__ import annotations

from urllib.parse import urlsplit

from emulators.stripe.api.money import getter
from emulators.stripe.errors import InvalidRequest
from emulators.stripe.objects import hooks
from emulators.stripe.store import Object
from emulators.stripe.version import API_VERSION, is_spoken
from emulators.stripe.wire.answers import page
from emulators.stripe.wire.call import Call, Route, merged_metadata


def event_list(call: Call) -> Object:
    rows = call.store.all("event")
    if kind := call.params.get("type"):
        if kind.endswith(".*"):
            rows = [row for row in rows if row["type"].startswith(kind[:-1])]
        else:
            rows = [row for row in rows if row["type"] == kind]
    if "types" in call.params:
        rows = [row for row in rows if row["type"] in call.params["types"]]
    if "delivery_success" in call.params:
        wanted = call.params["delivery_success"]
        rows = [row for row in rows if (row["pending_webhooks"] == 0) == wanted]
    return page(call.store, rows, call.params, url=call.path)


def endpoint_create(call: Call) -> Object:
    """The secret is told here and never again."""
    params = call.params
    _check_url(params["url"])
    version = params.get("api_version", API_VERSION)
    if not is_spoken(version):
        raise InvalidRequest(f"Invalid API version: {version}", param="api_version")
    endpoint = hooks.webhook_endpoint(
        url=params["url"],
        enabled_events=params["enabled_events"],
        api_version=params.get("api_version"),
        created=call.world.now(),
    )
    endpoint["description"] = params.get("description")
    endpoint["metadata"] = merged_metadata({}, params.get("metadata"))
    call.store.note(endpoint["id"])["secret"] = call.world.webhook_secret
    call.store.save(endpoint)
    return {**endpoint, "secret": call.world.webhook_secret}


def endpoint_update(call: Call) -> Object:
    endpoint = call.store.get("webhook_endpoint", call.id)
    if "url" in call.params:
        _check_url(call.params["url"])
    endpoint.update(call.given("url", "enabled_events", "description"))
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    if "metadata" in call.params:
        endpoint["metadata"] = merged_metadata(endpoint["metadata"], call.params["metadata"])
    return call.store.save(endpoint)


def endpoint_list(call: Call) -> Object:
    return page(call.store, call.store.all("webhook_endpoint"), call.params, url=call.path)


def endpoint_delete(call: Call) -> Object:
    call.store.get("webhook_endpoint", call.id)
    call.store.remove(call.id)
    return {"id": call.id, "object": "webhook_endpoint", "deleted": True}


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidRequest("Invalid URL", code="url_invalid", param="url")


_ENDPOINTS, _PARAMS = "/v1/webhook_endpoints", "WebhookEndpoint"
ROUTES = [
    Route("GET", "/v1/events", "EventListParams", event_list),
    Route("GET", "/v1/events/{id}", "EventRetrieveParams", getter("event")),
    Route("POST", _ENDPOINTS, f"{_PARAMS}CreateParams", endpoint_create, ("connect",)),
    Route("GET", _ENDPOINTS, f"{_PARAMS}ListParams", endpoint_list),
    Route("GET", _ENDPOINTS + "/{id}", f"{_PARAMS}RetrieveParams", getter("webhook_endpoint")),
    Route("POST", _ENDPOINTS + "/{id}", f"{_PARAMS}UpdateParams", endpoint_update),
    Route("DELETE", _ENDPOINTS + "/{id}", f"{_PARAMS}DeleteParams", endpoint_delete),
]
