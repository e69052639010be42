"""/v1: who calls, which version, what was asked, whether it was asked before; then the answer."""

from __future__ import annotations

import base64
import logging
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from emulators.stripe.errors import InvalidRequest, StripeError, Unauthorized
from emulators.stripe.requests_seen import RequestLog, Seen
from emulators.stripe.version import API_VERSION, is_spoken
from emulators.stripe.wire import forms, idempotency, shapes
from emulators.stripe.wire.answers import expanded
from emulators.stripe.wire.call import Call, Route
from emulators.stripe.world import World

logger = logging.getLogger(__name__)

LONGEST_BODY_BYTES: Final = 1_000_000


class Endpoint:
    """The API of one world."""

    def __init__(self, world: World, log: RequestLog, routes: list[Route]) -> None:
        self._world = world
        self._log = log
        self._routes = routes

    async def __call__(self, request: Request) -> Response:
        """Answer one request. Nothing of it is awaited but its body, so requests never mix."""
        body = await request.body()
        seen = self._log.see(request)
        fault = self._log.take_fault(seen)
        if fault is not None and not fault.after:
            return await fault.answer(seen)
        answer = self._response(request, body, seen)
        return answer if fault is None else await fault.answer(seen)

    def respond(self, request: Request, body: bytes) -> Response:
        """The same without waiting for anything, for callers in this process; no faults."""
        return self._response(request, body, self._log.see(request))

    def _response(self, request: Request, body: bytes, seen: Seen) -> Response:
        status, answer, headers = self._answer(request, body, seen)
        seen.status = status
        return Response(
            orjson.dumps(answer, option=orjson.OPT_INDENT_2),
            status,
            {"Request-Id": seen.id, "Stripe-Version": API_VERSION, **headers},
            "application/json",
        )

    def _answer(self, request: Request, body: bytes, seen: Seen) -> tuple[int, Any, dict[str, str]]:
        world = self._world
        with world.lock:
            world.request = {"id": seen.id, "idempotency_key": seen.idempotency_key or None}
            try:
                return self._checked_answer(request, body, seen)
            except StripeError as error:
                return error.status, error.body, {}
            except Exception:
                logger.exception("%s %s", request.method, request.url.path)
                message = "The Stripe emulator failed; its log says why."
                return 500, {"error": {"type": "api_error", "message": message}}, {}
            finally:
                world.request = {"id": None, "idempotency_key": None}
                world.store.commit()

    def _checked_answer(
        self, request: Request, body: bytes, seen: Seen
    ) -> tuple[int, Any, dict[str, str]]:
        _check_key(request)
        _check_version(request)
        route, args = self._find(request)
        if len(body) > LONGEST_BODY_BYTES:
            raise InvalidRequest("The request is too large.", status=413)
        text = body.decode("utf-8", "replace") if request.method == "POST" else request.url.query
        sent = forms.decode(text)
        seen.params = sent
        replay = idempotency.earlier_answer(self._world.store, seen, sent, self._world.now())
        if replay is not None:
            return *replay, {"Idempotent-Replayed": "true", "Original-Request": seen.id}
        params = shapes.check(route.shape, sent)
        for name in route.unsupported:
            if params.get(name) not in (None, "", False, [], {}):
                raise InvalidRequest(
                    f"The Stripe emulator does not know what to do with `{name}`.", param=name
                )
        status, answer = self._handled(Call(self._world, request.url.path, params, args), route)
        if request.method == "POST":
            idempotency.remember(self._world.store, seen, sent, status, answer, self._world.now())
        return status, answer, {}

    def _handled(self, call: Call, route: Route) -> tuple[int, Any]:
        try:
            thing = route.handler(call)
            if thing.get("object") == "list":  # a list has seen to it for each of its pages
                return 200, thing
            return 200, expanded(call.store, thing, call.params.get("expand", []))
        except StripeError as error:
            if call.path.startswith("/v1/") and error.status >= 500:
                logger.warning("%s: %s", call.path, error)
            return error.status, error.body

    def _find(self, request: Request) -> tuple[Route, dict[str, str]]:
        for route in self._routes:
            args = route.match(request.method, request.url.path)
            if args is not None:
                return route, args
        raise InvalidRequest(
            f"Unrecognized request URL ({request.method}: {request.url.path}). The Stripe "
            "emulator does not have it; docs/emulators.md lists what it has.",
            status=404,
        )


def _check_key(request: Request) -> None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    key = value.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key).decode().partition(":")[0]
        except ValueError:
            key = ""
    if not key:
        raise Unauthorized(
            "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
            "YOUR_SECRET_KEY')."
        )
    if key.startswith(("sk_live_", "rk_live_")):
        raise Unauthorized("The Stripe emulator takes test keys only: it moves no real money.")
    if not key.startswith(("sk_test_", "rk_test_")):
        raise Unauthorized(f"Invalid API Key provided: {'*' * 8}{key[-4:]}")


def _check_version(request: Request) -> None:
    version = request.headers.get("stripe-version", API_VERSION)
    if not is_spoken(version):
        raise InvalidRequest(
            f"Invalid Stripe API version: {version}. The Stripe emulator speaks {API_VERSION}."
        )
