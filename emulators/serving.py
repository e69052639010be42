"""Serving an emulator: one socket, one ready line, a quick and clean end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

_SHUTDOWN_SECONDS = 1


class PortTaken(OSError):
    """The address can not be listened on; the message names it."""


def bind(host: str, port: int, *, name: str) -> socket.socket:
    """A socket bound to the address, not yet listening. Raises PortTaken.

    name: of the emulator, for the message.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise PortTaken(
            f"{name}: can not listen on {host} port {port}: {error.strerror}. "
            "Stop what uses it, or choose another with --port."
        ) from error
    sock.set_inheritable(True)
    return sock


class EmulatorServer(uvicorn.Server):
    """uvicorn that says one line when it is ready and exits with 0 on SIGTERM and SIGINT."""

    def __init__(self, app: ASGIApp, *, name: str, ready_line: bool = True) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            backlog=2048,
        )
        super().__init__(config)
        self._name = name
        self._ready_line = ready_line
        logging.getLogger("uvicorn.error").addFilter(_expected_noise)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets=sockets)
        if self._ready_line and sockets:
            host, port = sockets[0].getsockname()[:2]
            print(f"{self._name} ready on http://{host}:{port}", flush=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on a signal without raising it again afterwards, so that the code is 0."""
        loop = asyncio.get_running_loop()
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self.handle_exit, number, None)
        except (RuntimeError, ValueError):  # not the main thread: whoever runs it ends it
            pass
        yield


def _expected_noise(record: logging.LogRecord) -> bool:
    """Cut connections are what emulators are for; uvicorn calls them errors."""
    text = record.getMessage()
    return not text.startswith(("ASGI callable returned without", "Cancel "))
