"""For tests that play thousands of histories: an emulated Stripe in this process, without a socket.

`Transport` is a transport of the client library: requests are built and answers read as ever, only
the wire between is left out. `Reads` leaves out the library too, which takes four fifths of the
time that reading an object takes; what it hands on is the API's own answer all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import stripe
from starlette.requests import Request

from emulators.stripe import invoices, payments, sessions, standing
from emulators.stripe.api import ROUTES
from emulators.stripe.app import StripeEmulator
from emulators.stripe.clock import Clock
from emulators.stripe.control import CARDS
from emulators.stripe.errors import StripeError
from emulators.stripe.store import Object, copied
from emulators.stripe.wire.answers import expanded
from emulators.stripe.wire.call import Call
from emulators.stripe.world import Settings

CATALOGUE: Final = ("product", "price")
_PAGE_SIZE: Final = 100
T = TypeVar("T")


class EmulatedHere:
    """One account whose clock stands still until it is moved, and what the world can do to it.

    `happened`: its events, oldest first. Who calls is alone: nothing runs beside it, nothing is
    delivered by itself.
    """

    def __init__(self, *, start: datetime, settings: Settings | None = None) -> None:
        emulator = StripeEmulator(
            url="https://stripe.invalid",
            clock=Clock(start=start.timestamp(), frozen=True),
            settings=settings,
        )
        self.api = emulator.api
        self.world = emulator.world
        self.happened: list[Object] = []
        self.world.listener = self.happened.append

    def stock(self, catalogue: Iterable[Object]) -> None:
        """Take over products and prices of another account, under the same ids."""
        for thing in catalogue:
            self.world.store.save(copied(thing))

    def catalogue(self) -> list[Object]:
        """Its products and prices."""
        return [thing for kind in CATALOGUE for thing in self.world.store.all(kind)]

    def get(self, kind: str, object_id: str) -> Object:
        """An object itself, no copy. Raises NoSuch."""
        return self.world.store.get(kind, object_id)

    def all(self, kind: str) -> list[Object]:
        """Every object of a kind, oldest first; themselves."""
        return self.world.store.all(kind)

    def advance(self, until: datetime) -> None:
        """Move the clock, with everything that falls due on the way. Never back."""
        self._done(lambda: self.world.advance(until.timestamp()))

    def pay(self, session_id: str, *, card: str = "4242424242424242") -> str:
        """Pay a checkout session. card: as `StripeControl.pay` takes it. Returns how it went."""
        session = self.get("checkout.session", session_id)
        number = CARDS.get(card, card)
        return self._done(lambda: sessions.session_pay(self.world, session, number=number))

    def settle(self, session_id: str, *, succeeded: bool) -> None:
        """End the bank debit of a session."""
        session = self.get("checkout.session", session_id)
        self._done(lambda: sessions.session_settle(self.world, session, succeeded=succeeded))

    def fail_charges(self, customer_id: str, times: int) -> None:
        """Decline the next charges of a customer; 0 lets them through again."""
        self.world.store.note(customer_id)["declines"] = times

    def collect(self, invoice: Object) -> str:
        """Try to charge an open invoice now. Returns how it went."""
        return self._done(lambda: invoices.invoice_collect(self.world, invoice, renewal=True))

    def end(self, subscription: Object) -> None:
        """Staff end a subscription at once, in Stripe's dashboard, without a refund."""
        reason = "cancellation_requested"
        self._done(lambda: standing.subscription_end(self.world, subscription, reason=reason))

    def refund(self, charge: Object, amount: int) -> Object:
        """Refund a part of a charge, in minor units."""
        return self._done(lambda: payments.refund_create(self.world, charge, amount=amount))

    def fail_refund(self, refund: Object) -> None:
        """Have the bank send a refund back."""
        self._done(lambda: payments.refund_fail(self.world, refund))

    def dispute(self, charge: Object, amount: int, *, inquiry: bool = False) -> Object:
        """Contest a charge, or (inquiry) only ask about it."""
        return self._done(
            lambda: payments.dispute_open(self.world, charge, amount=amount, inquiry=inquiry)
        )

    def close_dispute(self, dispute: Object, *, won: bool) -> Object:
        """Have the bank decide."""
        return self._done(lambda: payments.dispute_close(self.world, dispute, won=won))

    def _done(self, act: Callable[[], T]) -> T:
        done = act()
        self.world.store.commit()
        return done


class Transport(stripe.HTTPClient):
    """Hands the client's requests to the emulator that is set."""

    name = "in process"

    def __init__(self) -> None:
        super().__init__()
        self.emulated: EmulatedHere | None = None

    def here(self) -> EmulatedHere:
        """The emulator that is set. Raises LookupError where none is."""
        if self.emulated is None:
            raise LookupError("no emulated Stripe is set")
        return self.emulated

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_: Any,
    ) -> tuple[str, int, Mapping[str, str]]:
        """One request, answered before it returns."""
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "method": method.upper(),
            "path": parts.path,
            "query_string": parts.query.encode(),
            "server": ("stripe.invalid", 443),
            "scheme": "https",
            "headers": [
                (name.lower().encode(), value.encode()) for name, value in (headers or {}).items()
            ],
        }
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        answer = self.here().api.respond(Request(scope), body)
        return bytes(answer.body).decode(), answer.status_code, answer.headers

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class Read:
    """An answer, which gives its JSON values as the library's objects do."""

    found: Object

    def to_dict(self, *, for_json: bool) -> Object:
        """The object's JSON values."""
        return self.found


@dataclass(frozen=True, slots=True)
class Reads:
    """Retrieves and lists one kind of object, as the client's service of that kind does.

    path: of the list, such as `/v1/charges`. Parameters are not checked against Stripe's own: the
    same calls go over the wire in other tests.
    """

    transport: Transport
    path: str

    def retrieve(self, object_id: str, params: Mapping[str, Any]) -> Read:
        """Raises stripe.InvalidRequestError as the client does."""
        answer = self._answer(f"{self.path}/{object_id}", params)
        expand = params.get("expand", ())
        return Read(expanded(self.transport.here().world.store, answer, expand))

    def list(self, params: Mapping[str, Any]) -> Reads._Pages:
        """All pages, one after the other."""
        return Reads._Pages(self, params)

    def _answer(self, path: str, params: Mapping[str, Any]) -> Object:
        world = self.transport.here().world
        for route in ROUTES:
            args = route.match("GET", path)
            if args is not None:
                break
        else:
            raise LookupError(path)
        try:
            return route.handler(Call(world, path, dict(params), args))
        except StripeError as error:
            raise stripe.InvalidRequestError(  # type: ignore[no-untyped-call]
                str(error), error.param or None, code=error.code or None, http_status=error.status
            ) from error

    @dataclass(frozen=True, slots=True)
    class _Pages:
        reads: Reads
        params: Mapping[str, Any]

        def auto_paging_iter(self) -> Iterator[Read]:
            params = {"limit": _PAGE_SIZE, **self.params}
            while True:
                page = self.reads._answer(self.reads.path, params)
                yield from map(Read, page["data"])
                if not page["has_more"]:
                    return
                params["starting_after"] = page["data"][-1]["id"]
