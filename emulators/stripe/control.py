"""The documented control under /_control: what the outside world does, and what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emulators.stripe import invoices, payments, sessions
from emulators.stripe.control_bodies import (
    Advance,
    Body,
    Deliver,
    Dispute,
    Idle,
    Mode,
    Pay,
    Refund,
    Renewals,
    Settle,
    Verdict,
)
from emulators.stripe.errors import InvalidRequest, StripeError
from emulators.stripe.requests_seen import Fault, RequestLog
from emulators.stripe.signing import event_body, webhook_headers
from emulators.stripe.store import Object
from emulators.stripe.world import Settings, World

CARDS = {"declined": "4000000000000002"}


def control_routes(world: World, log: RequestLog) -> list[Route]:
    """Routes of the control, bound to one world."""
    control = Control(world, log)
    posts: dict[str, tuple[type[Body], Callable[..., Any]]] = {
        "/clock": (Advance, control.advance),
        "/sessions/{id}/pay": (Pay, control.pay),
        "/sessions/{id}/settle": (Settle, control.settle),
        "/customers/{id}": (Renewals, control.renewals),
        "/invoices/{id}/collect": (Body, control.collect),
        "/refunds": (Refund, control.refund),
        "/refunds/{id}/fail": (Body, control.fail_refund),
        "/disputes": (Dispute, control.dispute),
        "/disputes/{id}/close": (Verdict, control.close_dispute),
        "/webhooks": (Mode, control.mode),
        "/reset": (Body, control.reset),
    }
    return [
        Route("/_control", control.overview),
        Route("/_control/settings", control.change_settings, methods=["POST"]),
        Route("/_control/faults", control.add_fault, methods=["POST"]),
        Route("/_control/faults", control.clear_faults, methods=["DELETE"]),
        Route("/_control/requests", control.requests),
        Route("/_control/deliveries", control.deliveries),
        Route("/_control/deliver", control.deliver, methods=["POST"]),
        Route("/_control/idle", control.idle, methods=["POST"]),
        Route("/_control/events/{id}/signed", control.signed),
        *(
            Route("/_control" + path, _post(world, shape, act), methods=["POST"])
            for path, (shape, act) in posts.items()
        ),
    ]


def _post(world: World, shape: type[Body], act: Callable[..., Any]) -> Callable[..., Any]:
    async def view(request: Request) -> JSONResponse:
        try:
            sent = shape.model_validate_json(await request.body() or b"{}")
        except ValidationError as error:
            return _bad(error)
        with world.lock:
            try:
                return JSONResponse(act(sent, **request.path_params))
            except StripeError as error:
                return JSONResponse(error.body, error.status)
            finally:
                world.store.commit()

    return view


def _bad(error: ValidationError) -> JSONResponse:
    lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return JSONResponse({"error": {"message": "; ".join(lines)}}, 400)


class Control:
    """What the control does; `posts` run under the world's lock."""

    def __init__(self, world: World, log: RequestLog) -> None:
        self.world = world
        self.log = log

    def advance(self, sent: Advance) -> Object:
        if (sent.seconds is None) == (sent.until is None):
            raise InvalidRequest("Give either `seconds` or `until`.")
        until = sent.until if sent.until is not None else 0.0
        if sent.seconds is not None:
            until = self.world.clock.exact() + sent.seconds
        elif until < self.world.now():
            raise InvalidRequest("The clock is never set back.", param="until")
        done = self.world.advance(until)
        return {"now": self.world.now(), "done": done}

    def pay(self, sent: Pay, id: str) -> Object:
        session = self.world.store.get("checkout.session", id)
        number = CARDS.get(sent.card, sent.card)
        outcome = sessions.session_pay(self.world, session, number=number, email=sent.email)
        return {"outcome": outcome, "session": session}

    def settle(self, sent: Settle, id: str) -> Object:
        session = self.world.store.get("checkout.session", id)
        sessions.session_settle(self.world, session, succeeded=sent.succeeded)
        return {"session": session}

    def renewals(self, sent: Renewals, id: str) -> Object:
        self.world.store.get("customer", id)
        self.world.store.note(id).update(sent.model_dump())
        return sent.model_dump()

    def collect(self, sent: Body, id: str) -> Object:
        invoice = self.world.store.get("invoice", id)
        return {"outcome": invoices.invoice_collect(self.world, invoice, renewal=True)}

    def refund(self, sent: Refund) -> Object:
        charge = self._charge(sent.charge)
        return payments.refund_create(self.world, charge, amount=sent.amount)

    def fail_refund(self, sent: Body, id: str) -> Object:
        return payments.refund_fail(self.world, self.world.store.get("refund", id))

    def dispute(self, sent: Dispute) -> Object:
        return payments.dispute_open(
            self.world,
            self._charge(sent.charge),
            amount=sent.amount,
            reason=sent.reason,
            inquiry=sent.inquiry,
        )

    def close_dispute(self, sent: Verdict, id: str) -> Object:
        dispute = self.world.store.get("dispute", id)
        return payments.dispute_close(self.world, dispute, won=sent.won)

    def mode(self, sent: Mode) -> Object:
        self.world.courier.set_mode(sent.mode)
        return {"mode": self.world.courier.mode}

    def reset(self, sent: Body) -> Object:
        self.world.reset()
        self.log.clear()
        return {"reset": True}

    async def overview(self, request: Request) -> JSONResponse:
        world = self.world
        return JSONResponse(
            {
                "now": world.now(),
                "webhooks": world.courier.mode,
                "settings": world.settings.model_dump(),
                "about_settings": Settings.model_json_schema()["properties"],
                "due": sorted(world.store.all("_due"), key=lambda row: row["at"]),
                "requests": dict(self.log.counts),
            }
        )

    async def change_settings(self, request: Request) -> JSONResponse:
        try:
            merged = self.world.settings.model_dump() | await request.json()
            settings = Settings.model_validate(merged)
        except ValidationError as error:
            return _bad(error)
        except (ValueError, TypeError):
            return JSONResponse({"error": {"message": "The body is not a JSON object."}}, 400)
        with self.world.lock:
            self.world.settings = settings
            self.world.store.commit()
        return JSONResponse(settings.model_dump())

    async def add_fault(self, request: Request) -> JSONResponse:
        try:
            fault = Fault.model_validate_json(await request.body())
        except ValidationError as error:
            return _bad(error)
        self.log.faults.append(fault)
        return JSONResponse(fault.model_dump(), 201)

    async def clear_faults(self, request: Request) -> JSONResponse:
        self.log.faults.clear()
        return JSONResponse({"faults": 0})

    async def requests(self, request: Request) -> JSONResponse:
        rows = [seen.as_json() for seen in self.log.requests]
        return JSONResponse({"requests": rows, "counts": dict(self.log.counts)})

    async def deliveries(self, request: Request) -> JSONResponse:
        with self.world.lock:
            rows = self.world.store.all("_delivery")
            if state := request.query_params.get("state"):
                rows = [row for row in rows if row["state"] == state]
            return JSONResponse({"deliveries": rows})

    async def deliver(self, request: Request) -> JSONResponse:
        """Waits for the answers, in a thread: the receiver asks this very server meanwhile."""
        try:
            sent = Deliver.model_validate_json(await request.body())
            with self.world.lock:
                for name in sent.events:
                    self.world.store.get("event", name)
                endpoints = self.world.store.all("webhook_endpoint")
        except ValidationError as error:
            return _bad(error)
        except StripeError as error:
            return JSONResponse(error.body, error.status)
        answers = []
        for name in sent.events:
            for endpoint in endpoints:
                answers.append(
                    await run_in_threadpool(self.world.courier.deliver_now, name, endpoint)
                )
        return JSONResponse({"answers": answers})

    async def idle(self, request: Request) -> JSONResponse:
        """Waits until every delivery was made or given up."""
        sent = Idle.model_validate_json(await request.body() or b"{}")
        done = await asyncio.to_thread(self.world.courier.idle, sent.timeout_seconds)
        return JSONResponse({"idle": done})

    async def signed(self, request: Request) -> JSONResponse:
        """The bytes and headers of a delivery, for a test that posts them itself."""
        with self.world.lock:
            try:
                event = self.world.store.get("event", request.path_params["id"])
            except StripeError as error:
                return JSONResponse(error.body, error.status)
            body = event_body(event)
        headers = webhook_headers(body, self.world.webhook_secret)
        return JSONResponse({"body": body.decode(), "headers": headers})

    def _charge(self, name: str) -> Object:
        """A charge by its own id or by its payment intent's."""
        found = self.world.store.find(name)
        if found is not None and found["object"] == "payment_intent":
            name = found["latest_charge"] or name
        return self.world.store.get("charge", name, param="charge")
