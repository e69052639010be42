"""Serving the Stripe emulator: it delivers webhooks and does what falls due while it listens."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from emulators import serving
from emulators.stripe.app import StripeEmulator
from emulators.stripe.world import Settings

NAME = "Stripe emulator"
# A person who tries it out does not want to wait three days for a bank debit.
DEMO = Settings(delayed_payment_seconds=120)
TICKS_BETWEEN_LOOKS = 10  # uvicorn ticks ten times a second


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address, not yet listening. Raises PortTaken."""
    return serving.bind(host, port, name=NAME)


def url_of(sock: socket.socket) -> str:
    """Where a bound socket is reached."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(serving.EmulatorServer):
    """The server of one Stripe emulator."""

    def __init__(self, emulator: StripeEmulator, *, ready_line: bool = True) -> None:
        super().__init__(emulator, name=NAME, ready_line=ready_line)
        self._world = emulator.world

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and begin to deliver."""
        await super().startup(sockets=sockets)
        self._world.courier.start()

    async def on_tick(self, counter: int) -> bool:
        """Let the clock have its effects."""
        if counter % TICKS_BETWEEN_LOOKS == 0:
            with self._world.lock:
                self._world.tick()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and write what is left to the journal."""
        await super().shutdown(sockets=sockets)
        await asyncio.to_thread(self._world.close)


def serve(*, host: str, port: int, path: Path | None, webhook_secret: str, url: str = "") -> None:
    """Serve until SIGTERM or SIGINT. Raises PortTaken."""
    sock = bind(host, port)
    emulator = StripeEmulator(
        url=url or url_of(sock), path=path, webhook_secret=webhook_secret, settings=DEMO
    )
    Server(emulator).run(sockets=[sock])
