"""Delivers events to webhook endpoints, from threads of its own, again and again where it fails.

Nobody waits for it: a request is answered before its events go out. Modes: `on` delivers, `hold`
keeps events until a control asks for them, `drop` loses them (they can still be listed).
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from itertools import count
from typing import Any, Final

import requests

from emulators.stripe.ids import new_id
from emulators.stripe.signing import event_body, webhook_headers
from emulators.stripe.store import Object, Store

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = (1, 2, 5, 15, 60, 300, 900, 3_600, 10_800, 43_200)
TIMEOUT_SECONDS: Final = 20.0
THREADS: Final = 2
MODES: Final = ("on", "hold", "drop")


class Courier:
    """Deliveries are rows of the store, so that those under way survive a restart."""

    def __init__(self, store: Store, lock: threading.RLock) -> None:
        self._store = store
        self._lock = lock
        self._wake = threading.Condition()
        # (when, in monotonic seconds; a number against ties; id of the delivery)
        self._queue: list[tuple[float, int, str]] = []
        self._numbers = count()
        self._closed = False
        self._threads: list[threading.Thread] = []
        self._under_way = 0

    def start(self) -> None:
        """Start delivering, beginning with what a former life left."""
        for delivery in self._store.all("_delivery"):
            if delivery["state"] == "waiting":
                self._enqueue(delivery["id"], 0.0)
        for number in range(THREADS):
            thread = threading.Thread(target=self._work, name=f"courier-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Stop; a delivery under way is not waited for long."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(timeout=0.5)

    @property
    def mode(self) -> str:
        return str(self._store.meta.get("webhooks", "on"))

    def set_mode(self, mode: str) -> None:
        """`on` also sends what was held; `drop` also loses it."""
        self._store.meta["webhooks"] = mode
        for delivery in self._store.all("_delivery"):
            if delivery["state"] != "held" or mode == "hold":
                continue
            delivery["state"] = "waiting" if mode == "on" else "dropped"
            self._store.save(delivery)
            if mode == "on":
                self._enqueue(delivery["id"], 0.0)

    def post(self, event: Object) -> None:
        """Deliver an event to every endpoint that listens to it."""
        for endpoint in self._store.all("webhook_endpoint"):
            if endpoint["status"] != "enabled" or not _listens(endpoint, event["type"]):
                continue
            state = {"on": "waiting", "hold": "held", "drop": "dropped"}[self.mode]
            delivery = {
                "id": new_id("dlv"),
                "object": "_delivery",
                "event": event["id"],
                "type": event["type"],
                "endpoint": endpoint["id"],
                "state": state,
                "attempts": [],
            }
            self._store.save(delivery)
            if state != "dropped":
                event["pending_webhooks"] += 1
            if state == "waiting":
                self._enqueue(delivery["id"], 0.0)

    def deliver_now(self, event_id: str, endpoint: Object) -> Object:
        """Send an event at once and wait for the answer, whatever happened to it before."""
        status, error = self._send(event_id, endpoint)
        for delivery in self._store.all("_delivery"):
            if delivery["event"] == event_id and delivery["endpoint"] == endpoint["id"]:
                self._record(delivery["id"], status, error, retry=False)
        return {"event": event_id, "endpoint": endpoint["id"], "status": status, "error": error}

    def idle(self, timeout_seconds: float) -> bool:
        """Wait until nothing is waiting or under way; False when it took too long."""
        deadline = time.monotonic() + timeout_seconds
        with self._wake:
            while self._queue or self._under_way:
                left = deadline - time.monotonic()
                if left <= 0 or not self._wake.wait(timeout=left):
                    return not self._queue and not self._under_way
        return True

    def forget(self) -> None:
        """Drop everything that waits."""
        with self._wake:
            self._queue.clear()
            self._wake.notify_all()

    def drop_event(self, event_id: str) -> None:
        """Forget the deliveries of one event."""
        for delivery in self._store.all("_delivery"):
            if delivery["event"] == event_id:
                self._store.remove(delivery["id"])

    def _enqueue(self, delivery_id: str, delay_seconds: float) -> None:
        with self._wake:
            due = time.monotonic() + delay_seconds
            heapq.heappush(self._queue, (due, next(self._numbers), delivery_id))
            self._wake.notify_all()

    def _work(self) -> None:
        while (delivery_id := self._next()) is not None:
            try:
                self._attempt(delivery_id)
            except Exception:
                logger.exception("delivery %s", delivery_id)
            with self._wake:
                self._under_way -= 1
                self._wake.notify_all()

    def _next(self) -> str | None:
        with self._wake:
            while not self._closed:
                if self._queue and self._queue[0][0] <= time.monotonic():
                    self._under_way += 1
                    return heapq.heappop(self._queue)[2]
                wait = self._queue[0][0] - time.monotonic() if self._queue else None
                self._wake.wait(timeout=wait)
        return None

    def _attempt(self, delivery_id: str) -> None:
        # The lock is held by the request that made the event until its answer is ready.
        with self._lock:
            delivery = self._store.find(delivery_id)
            if delivery is None or delivery["state"] != "waiting":
                return
            endpoint = self._store.find(delivery["endpoint"])
            if endpoint is None:
                self._store.remove(delivery_id)
                return
        status, error = self._send(delivery["event"], endpoint)
        self._record(delivery_id, status, error, retry=True)

    def _send(self, event_id: str, endpoint: Object) -> tuple[int, str]:
        with self._lock:
            event = self._store.find(event_id)
            secret = self._store.note(endpoint["id"])["secret"]
            body = event_body(event or {})
        try:
            with requests.Session() as session:
                session.trust_env = False
                response = session.post(
                    endpoint["url"],
                    data=body,
                    headers=webhook_headers(body, secret),
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
            return response.status_code, "" if response.ok else response.text[:500]
        except requests.RequestException as error:
            return 0, str(error)[:500]

    def _record(self, delivery_id: str, status: int, error: str, *, retry: bool) -> None:
        with self._lock:
            delivery = self._store.find(delivery_id)
            if delivery is None:
                return
            delivery["attempts"].append({"at": int(time.time()), "status": status, "error": error})
            tries = len(delivery["attempts"])
            if 200 <= status < 300:
                self._done(delivery)
            elif retry and tries <= len(RETRY_SECONDS):
                self._enqueue(delivery_id, RETRY_SECONDS[tries - 1])
            elif retry:
                delivery["state"] = "failed"
            self._store.save(delivery)
            self._store.commit()

    def _done(self, delivery: dict[str, Any]) -> None:
        event = self._store.find(delivery["event"])
        if event is not None and delivery["state"] != "delivered":
            event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)
            self._store.save(event)
        delivery["state"] = "delivered"


def _listens(endpoint: Object, kind: str) -> bool:
    return any(name in ("*", kind) for name in endpoint["enabled_events"])
