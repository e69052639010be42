"""A webhook endpoint that remembers what it was sent and answers what it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe


class Receiver:
    """statuses: answered one after the other, then 200 for ever."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.got: list[tuple[bytes, str]] = []
        self.statuses: list[int] = []
        self.released = threading.Event()
        self.released.set()

    def events(self, secret: str) -> list[stripe.Event]:
        """What came in, verified by Stripe's own library."""
        return [
            stripe.Webhook.construct_event(body, signature, secret) for body, signature in self.got
        ]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.released.wait(30)
            found.got.append((body, self.headers["Stripe-Signature"]))
            self.send_response(found.statuses.pop(0) if found.statuses else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.released.set()
        server.shutdown()
        server.server_close()
