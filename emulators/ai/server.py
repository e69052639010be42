"""Serving the AI emulator."""

from __future__ import annotations

import socket

from emulators import serving
from emulators.ai.app import Emulator
from emulators.serving import PortTaken

__all__ = ["PortTaken", "Server", "bind", "serve"]

NAME = "AI emulator"


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address, not yet listening. Raises PortTaken."""
    return serving.bind(host, port, name=NAME)


class Server(serving.EmulatorServer):
    """The server of one AI emulator."""

    def __init__(self, emulator: Emulator, *, ready_line: bool = True) -> None:
        super().__init__(emulator, name=NAME, ready_line=ready_line)


def serve(*, host: str, port: int, pace: float) -> None:
    """Serve until SIGTERM or SIGINT. Raises PortTaken."""
    Server(Emulator(pace=pace)).run(sockets=[bind(host, port)])
