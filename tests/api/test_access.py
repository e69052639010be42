"""Who may reach what, from the URL conf itself: a new address without an expectation fails here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import URLPattern, URLResolver, get_resolver
from PIL import Image

from accounts.models import User
from billing.models import Offer, Order
from builder.models import Picture, Run, Site, Version
from builder.services.pictures import picture_add
from config.api import api as ninja_api
from tests.api.conftest import Call, assert_problem, caller

pytestmark = pytest.mark.django_db

# Everybody may, without an account.
PUBLIC_API = {"GET /api/models", "GET /api/status", "GET /api/tokens/packages"}
# About the caller: there is no id of somebody else to name.
OWN_API = {
    *("GET /api/me", "POST /api/estimates", "GET /api/sites", "POST /api/sites"),
    *("GET /api/usage", "GET /api/usage.csv", "GET /api/orders"),
}
# About the caller too, and refused to somebody who has nothing: the status and code.
OWN_REFUSED = {
    "POST /api/tokens/checkout": (503, "purchases_closed"),
    "POST /api/subscription/subscribe": (503, "purchases_closed"),
    "POST /api/subscription/cancel": (409, "not_subscribed"),
    "POST /api/subscription/resume": (409, "not_subscribed"),
    "POST /api/subscription/portal": (409, "nothing_bought"),
}
# Ours below /api/, made by ninja itself.
API_PAGES = {"/api/", "/api/docs", "/api/openapi.json"}
# Pages of the builder: what the owner's plain visit gives.
PAGES = {
    "/sites/": ("get", 200),
    "/sites/balance/": ("get", 200),
    "/sites/new/": ("get", 302),
    "/dashboard/": ("get", 200),
    "/usage/": ("get", 200),
    "/usage/receipts.csv": ("get", 200),
    "/usage/{run_id}/": ("get", 200),
    "/sites/{site_id}/": ("get", 200),
    "/sites/{site_id}/rename/": ("post", 302),
    "/sites/{site_id}/delete/": ("post", 302),
    "/sites/{site_id}/runs/": ("post", 302),
    "/sites/{site_id}/runs/{run_id}/": ("get", 200),
    "/sites/{site_id}/runs/{run_id}/stop/": ("post", 302),
    "/sites/{site_id}/versions/": ("get", 200),
    "/sites/{site_id}/versions/{number}.zip": ("get", 200),
    "/sites/{site_id}/versions/{number}/restore/": ("post", 302),
}
PUBLIC_PAGES = {"/", "/pricing/", "/models/", "/gallery/", "/help/", "/status/"}
# Addresses of other parts, which have tests of their own.
ELSEWHERE = re.compile(r"^/(healthz|readyz|_components/|billing/|account/|language/|i18n/)")


def api_operations() -> list[str]:
    """`METHOD /path` of every operation in the API's own description."""
    paths = ninja_api.get_openapi_schema()["paths"]
    return sorted(
        f"{method.upper()} {path}" for path, methods in paths.items() for method in methods
    )


def page_routes() -> list[str]:
    """Every address outside the API, with `{name}` for its parameters."""
    found = []
    for route in _routes(get_resolver().url_patterns, "/"):
        own = not re.match(r"^/(api|admin|accounts|_allauth|stripe)\b", route)
        if own and not ELSEWHERE.match(route):
            found.append(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route))
    return found


def _routes(patterns: list[Any], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


@pytest.fixture
def order(alice: User) -> Order:
    """What alice ordered once, and did not pay in time."""
    call_command("offers_seed", stdout=StringIO())
    offer = Offer.objects.get(slug="tokens_200k")
    return Order.objects.create(
        user=alice,
        offer=offer,
        idempotency_key="1",
        state=Order.State.EXPIRED,
        kind=offer.kind,
        tokens=offer.tokens,
        amount_cents=offer.amount_cents,
        currency=offer.currency,
        stripe_price_id="price_1",
    )


@pytest.fixture
def picture(alice: User, site: Site) -> Picture:
    return picture_add(user=alice, site=site, data=png("navy"), name="front.png")


def png(colour: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (32, 32), colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def filled(site: Site, version: Version, run: Run, order: Order, picture: Picture) -> Any:
    """Fills the parameters of a route with alice's own objects."""
    values = {"site_id": site.pk, "run_id": run.pk, "number": 1, "path": "index.html"}
    values |= {"order_id": order.pk, "picture_id": picture.pk}
    return lambda route: route.format(**values)


BODIES: dict[str, Any] = {
    "POST /api/sites": {"name": "New"},
    "PATCH /api/sites/{site_id}": {"name": "New"},
    "POST /api/sites/{site_id}/runs": {"prompt": "A bakery", "model": "claude-3-haiku"},
    "POST /api/estimates": {"prompt": "A bakery", "model": "claude-3-haiku"},
    "POST /api/tokens/checkout": {"packageId": "tokens_200k"},
    "POST /api/subscription/subscribe": {"planId": "premium_monthly"},
    "POST /api/sites/{site_id}/pictures": encode_multipart(
        BOUNDARY, {"file": SimpleUploadedFile("shop.png", png("teal"))}
    ),
    "POST /api/sites/{site_id}/versions": {"files": [{"path": "index.html", "content": "new"}]},
}
CONTENT_TYPES = {"POST /api/sites/{site_id}/pictures": MULTIPART_CONTENT}
# Where alice's own call is answered with a refusal that is about the call, not about her.
OWNER_STATUS = {"POST /api/sites/{site_id}/versions/{number}/restore": 409}


def test_every_page_has_an_expectation() -> None:
    assert settings.ROOT_URLCONF == "config.urls"
    assert sorted(set(page_routes()) - set(PAGES) - PUBLIC_PAGES) == []
    assert sorted((set(PAGES) | PUBLIC_PAGES) - set(page_routes())) == []


def test_every_address_below_the_api_is_described_by_it_or_known() -> None:
    described = {operation.split(" ", 1)[1] for operation in api_operations()}
    routes = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)
        for route in _routes(get_resolver().url_patterns, "/")
        if route.startswith("/api/")
    }
    assert routes - described - API_PAGES == {"/api/runs/{run_id}/events"}


@pytest.mark.parametrize("operation", api_operations())
def test_an_api_call_is_for_its_owner_only(operation: str, filled: Any, bob: User) -> None:
    method, route = operation.split(" ", 1)
    path, body = filled(route), BODIES.get(operation)
    kind = {"content_type": CONTENT_TYPES.get(operation, "application/json")}
    if operation in PUBLIC_API:
        assert caller(None)(method, path).status_code == 200
        return
    assert_problem(caller(None)(method, path, body, **kind), 401, "unauthenticated")
    if operation in OWN_API:
        assert caller(bob)(method, path, body, **kind).status_code in (200, 201)
        return
    before = snapshot()
    if operation in OWN_REFUSED:
        assert_problem(caller(bob)(method, path, body, **kind), *OWN_REFUSED[operation])
        assert snapshot() == before
        return
    assert_problem(caller(bob)(method, path, body, **kind), 404, "not_found")
    assert snapshot() == before
    owner = caller(Site.objects.get(name="Bakery").owner)(method, path, body, **kind)
    assert owner.status_code == OWNER_STATUS.get(operation, owner.status_code)
    assert owner.status_code < 300 or operation in OWNER_STATUS, owner.content


@pytest.mark.parametrize("route", sorted(PAGES))
def test_a_page_is_for_its_owner_only(
    route: str, filled: Any, alice: User, bob: User, settings: Any
) -> None:
    method, owner_status = PAGES[route]
    path = filled(route)
    form = {"content_type": "application/x-www-form-urlencoded"}
    anonymous = caller(None)(method, path, **form)
    assert anonymous.status_code == 302
    assert anonymous.headers["Location"].startswith("/accounts/login/")
    before = snapshot()
    other = caller(bob)(method, path, **form)
    assert other.status_code == (404 if "{" in route else owner_status)
    assert snapshot() == before
    assert caller(alice)(method, path, **form).status_code == owner_status


@pytest.mark.parametrize("route", sorted(PUBLIC_PAGES))
def test_a_public_page_asks_for_nobody(route: str, catalogue: None) -> None:
    assert caller(None)("get", route).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_stream_of_somebody_elses_run_does_not_exist(run: Run, bob: User) -> None:
    path = f"/api/runs/{run.pk}/events"
    assert_problem(caller(None)("get", path), 401, "unauthenticated")
    assert_problem(caller(bob)("get", path), 404, "not_found")
    assert caller(run.owner)("get", path).headers["Content-Type"] == "text/event-stream"


def test_a_deleted_site_is_gone_for_its_owner_too(
    api: Call, site: Site, version: Version, run: Run
) -> None:
    assert api("delete", f"/api/sites/{site.pk}").status_code == 204
    for path in ("", "/versions", "/versions/1", "/versions/1.zip", "/runs"):
        assert_problem(api("get", f"/api/sites/{site.pk}{path}"), 404)
    assert_problem(api("get", f"/api/runs/{run.pk}"), 404)


def snapshot() -> tuple[Any, ...]:
    """What a stranger's call could have changed."""
    return (
        list(Site.objects.order_by("pk").values_list("pk", "name", "deleted_at")),
        list(Version.objects.order_by("pk").values_list("pk", flat=True)),
        list(Run.objects.order_by("pk").values_list("pk", "state", "cancel_requested_at")),
        list(Order.objects.order_by("pk").values_list("pk", "state")),
        list(Picture.objects.order_by("pk").values_list("pk", flat=True)),
    )
