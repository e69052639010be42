"""For tests: an emulated Stripe of one's own on a free port, and a client for its control.

with stripe_emulator() as emulated:
    ...  # STRIPE_API_BASE = emulated.url, STRIPE_SECRET_KEY = emulated.secret_key
    emulated.pay(session_url)
    emulated.advance(days=31)
    emulated.refund(charge_id, amount=250)
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import requests

from emulators.stripe.app import StripeEmulator
from emulators.stripe.clock import Clock
from emulators.stripe.ids import random_letters
from emulators.stripe.server import Server, bind, url_of
from emulators.stripe.world import Settings

_START_SECONDS: Final = 20.0
_ROOT: Final = Path(__file__).resolve().parents[2]
DAY_SECONDS: Final = 86_400
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """What a webhook endpoint is sent: post it yourself, as often and in what order you like."""

    id: str
    type: str
    body: bytes
    headers: dict[str, str]

    @property
    def django_headers(self) -> dict[str, str]:
        """For Django's test client: `client.post(path, event.body, content_type=…, **these)`."""
        return {"HTTP_STRIPE_SIGNATURE": self.headers["Stripe-Signature"]}


class StripeControl:
    """A running emulator: where it is, what to sign in with, and what the world can do to it."""

    def __init__(self, url: str, *, secret_key: str, webhook_secret: str) -> None:
        self.url = url
        self.secret_key = secret_key
        self.webhook_secret = webhook_secret
        self._http = requests.Session()
        self._http.trust_env = False

    def pay(self, session: str, *, card: str = "4242424242424242", email: str = "") -> Object:
        """Pay a checkout session, named by its id or its page's address.

        card: a test card's number, `declined`, or `delayed` (a bank debit that settles later).
        Returns {"outcome": succeeded, processing or failed, "session": the session}.
        """
        name = session.rstrip("/").rpartition("/")[2]
        return self._post(f"/sessions/{name}/pay", {"card": card, "email": email})

    def settle(self, session_id: str, *, succeeded: bool = True) -> Object:
        """End the bank debit of a session that was paid later."""
        return self._post(f"/sessions/{session_id}/settle", {"succeeded": succeeded})

    def advance(
        self, seconds: float = 0, *, days: float = 0, until: datetime | float | None = None
    ) -> int:
        """Move the clock, with everything that falls due on the way; returns its new time."""
        if until is not None:
            moment = until.timestamp() if isinstance(until, datetime) else until
            body = {"until": moment}
        else:
            body = {"seconds": seconds + days * DAY_SECONDS}
        return int(self._post("/clock", body)["now"])

    def now(self) -> int:
        """The emulated time, in seconds since 1970."""
        return int(self._get("")["now"])

    def settings(self, **settings: Any) -> Object:
        """Change settings: draft_seconds, retry_days, after_retries, delayed_payment_seconds."""
        return self._post("/settings", settings)

    def fail_renewals(
        self, customer_id: str, times: int = 1, *, decline_code: str = "generic_decline"
    ) -> None:
        """Decline the next charges of a customer; 0 lets them through again."""
        body = {"declines": times, "decline_code": decline_code}
        self._post(f"/customers/{customer_id}", body)

    def collect(self, invoice_id: str) -> str:
        """Try to charge an open invoice now; returns how it went."""
        return str(self._post(f"/invoices/{invoice_id}/collect", {})["outcome"])

    def refund(self, charge: str, amount: int | None = None) -> Object:
        """Refund a charge (its id, or its payment intent's), in part or the rest of it."""
        return self._post("/refunds", {"charge": charge, "amount": amount})

    def fail_refund(self, refund_id: str) -> Object:
        """Have the bank send a refund back."""
        return self._post(f"/refunds/{refund_id}/fail", {})

    def dispute(
        self,
        charge: str,
        amount: int | None = None,
        *,
        reason: str = "fraudulent",
        inquiry: bool = False,
    ) -> Object:
        """Contest a charge (its id, or its payment intent's)."""
        body = {"charge": charge, "amount": amount, "reason": reason, "inquiry": inquiry}
        return self._post("/disputes", body)

    def resolve_dispute(self, dispute_id: str, outcome: str) -> Object:
        """End a dispute: `won` or `lost`."""
        if outcome not in ("won", "lost"):
            raise ValueError(outcome)
        return self._post(f"/disputes/{dispute_id}/close", {"won": outcome == "won"})

    def deliveries(self, mode: str) -> None:
        """`on`, `hold` (kept until asked for, or until `on`) or `drop` (lost for good)."""
        self._post("/webhooks", {"mode": mode})

    def delivery_log(self, state: str = "") -> list[Object]:
        """What became of deliveries. state: waiting, held, dropped, delivered, failed."""
        rows: list[Object] = self._get(f"/deliveries?state={state}")["deliveries"]
        return rows

    def pending(self) -> list[Object]:
        """The held deliveries, in the order their events happened: `event` and `type` of each."""
        return self.delivery_log("held")

    def deliver(self, *event_ids: str) -> list[int]:
        """Deliver events now, in this order, as often as named; the status of each answer."""
        answers = self._post("/deliver", {"events": list(event_ids)})["answers"]
        return [answer["status"] for answer in answers]

    def wait_until_delivered(self, timeout_seconds: float = 30) -> bool:
        """Wait until no delivery is under way; False when it took too long."""
        return bool(self._post("/idle", {"timeout_seconds": timeout_seconds})["idle"])

    def events(self, *kinds: str) -> list[Object]:
        """What happened, oldest first; of the given types only."""
        rows: list[Object] = []
        after = ""
        while True:
            query = f"/v1/events?limit=100{after}"
            answer = self._http.get(
                self.url + query, headers={"Authorization": f"Bearer {self.secret_key}"}, timeout=30
            ).json()
            rows += answer["data"]
            if not answer["has_more"]:
                break
            after = f"&starting_after={rows[-1]['id']}"
        return [row for row in reversed(rows) if not kinds or row["type"] in kinds]

    def signed(self, event_id: str) -> SignedEvent:
        """An event as it would be delivered now."""
        answer = self._get(f"/events/{event_id}/signed")
        body = answer["body"].encode()
        kind = next(row["type"] for row in self.events() if row["id"] == event_id)
        return SignedEvent(id=event_id, type=kind, body=body, headers=answer["headers"])

    def fault(self, **fault: Any) -> None:
        """Make requests fail: method, path, status (none: hang up), delay_seconds, after, times."""
        self._post("/faults", fault)

    def clear_faults(self) -> None:
        """Let everything through again."""
        self._call("DELETE", "/faults")

    def requests(self) -> list[Object]:
        """The requests to /v1 since the last reset, oldest first."""
        rows: list[Object] = self._get("/requests")["requests"]
        return rows

    def get(self, path: str) -> Object:
        """An object, straight from the API: `get("/v1/charges/ch_1")`."""
        headers = {"Authorization": f"Bearer {self.secret_key}"}
        answer = self._http.get(self.url + path, headers=headers, timeout=30)
        answer.raise_for_status()
        found: Object = answer.json()
        return found

    def reset(self) -> None:
        """Forget everything but the time."""
        self._post("/reset", {})

    def close(self) -> None:
        """Close the control's connection."""
        self._http.close()

    def _get(self, path: str) -> Object:
        return self._call("GET", path)

    def _post(self, path: str, body: object) -> Object:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: object = None) -> Object:
        response = self._http.request(method, f"{self.url}/_control{path}", json=body, timeout=120)
        if not response.ok:
            raise ValueError(f"{method} {path}: {response.status_code} {response.text}")
        answer: Object = response.json()
        return answer


@contextmanager
def stripe_emulator(
    *,
    webhook_secret: str = "",
    start: datetime | None = None,
    frozen: bool = False,
    state: Path | None = None,
    subprocess_: bool = False,
    **settings: Any,
) -> Iterator[StripeControl]:
    """Run an emulator on a free loopback port, in a thread or in a process of its own.

    start: the emulated time to begin at (now). frozen: the clock moves only when it is moved.
    settings: as `StripeControl.settings` takes them.
    """
    webhook_secret = webhook_secret or f"whsec_{random_letters(32)}"
    secret_key = f"sk_test_{random_letters(32)}"
    if subprocess_:
        running = _process(webhook_secret, state)
    else:
        clock = Clock(start=start.timestamp() if start else None, frozen=frozen)
        running = _thread(webhook_secret, state, clock, Settings.model_validate(settings))
    with running as url:
        control = StripeControl(url, secret_key=secret_key, webhook_secret=webhook_secret)
        try:
            yield control
        finally:
            control.close()


@contextmanager
def _thread(
    webhook_secret: str, state: Path | None, clock: Clock, settings: Settings
) -> Iterator[str]:
    sock = bind("127.0.0.1", 0)
    emulator = StripeEmulator(
        url=url_of(sock), path=state, webhook_secret=webhook_secret, clock=clock, settings=settings
    )
    server = Server(emulator, ready_line=False)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the Stripe emulator did not start")
        time.sleep(0.01)
    try:
        yield url_of(sock)
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def _process(webhook_secret: str, state: Path | None) -> Iterator[str]:
    command = [sys.executable, "-m", "emulators.stripe", "--port", "0"]
    command += ["--webhook-secret", webhook_secret]
    command += ["--state", str(state)] if state else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if "ready on " not in line:
                raise RuntimeError(f"the Stripe emulator did not start: {line!r}")
            yield line.rsplit(" ", 1)[-1].strip()
        finally:
            process.terminate()
            process.wait(timeout=10)
