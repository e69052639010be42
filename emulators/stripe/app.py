"""The ASGI application: the API, the pages that people see, and the control."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from emulators.stripe import invoices, sessions, standing, subscriptions
from emulators.stripe.api import ROUTES
from emulators.stripe.clock import Clock
from emulators.stripe.control import control_routes
from emulators.stripe.pages import page_routes
from emulators.stripe.requests_seen import RequestLog
from emulators.stripe.wire.endpoint import Endpoint
from emulators.stripe.world import Action, Settings, World

ACTIONS: dict[str, Action] = {
    "expire_session": sessions.expire_when_due,
    "settle_session": sessions.settle_when_due,
    "charge_invoice": invoices.charge_when_due,
    "renew": subscriptions.subscription_renew,
    "give_up_subscription": standing.give_up,
}


class StripeEmulator:
    """One emulated Stripe account and everything that is served of it.

    url: where browsers reach it. path: of the journal; None keeps it in memory.
    """

    def __init__(
        self,
        *,
        url: str,
        path: Path | None = None,
        webhook_secret: str = "",
        clock: Clock | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.world = World(
            path=path,
            clock=clock,
            url=url,
            webhook_secret=webhook_secret,
            settings=settings,
            actions=ACTIONS,
        )
        self.log = RequestLog()
        self.api = Endpoint(self.world, self.log, ROUTES)
        self._app = Starlette(
            routes=[
                Route("/healthz", _healthz),
                Route("/v1/{rest:path}", self.api.__call__, methods=["GET", "POST", "DELETE"]),
                *page_routes(self.world),
                *control_routes(self.world, self.log),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


async def _healthz(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")
