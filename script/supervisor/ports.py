"""Loopback ports: the public one, and the internal ones remembered from start to start."""

from __future__ import annotations

import errno
import json
import socket
from pathlib import Path

from script.supervisor.errors import StartRefused

LISTEN_BACKLOG = 2048


def listen_on_localhost(port: int) -> list[socket.socket]:
    """Listening sockets on 127.0.0.1 and, where there is IPv6, ::1: what `localhost` may mean.

    The supervisor owns them, so a web process that is restarted loses no connection and the port
    can not be taken in between. Raises StartRefused when another program has either.
    """
    sockets = []
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            sockets.append(_bound(family, address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise StartRefused(
                    f"port {port} (PORT) is in use by another program. "
                    f"End that program, or choose another port: PORT={port + 1} script/server"
                ) from error
            if error.errno == errno.EACCES:
                raise StartRefused(
                    f"port {port} (PORT) may not be used by this user: choose one from 1024 up"
                ) from error
            if family == socket.AF_INET:
                raise StartRefused(f"port {port} (PORT) can not be used: {error}") from error
            # No IPv6 on this machine: then nobody reaches localhost by it either.
    return sockets


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
    except OSError:
        listener.close()
        raise
    return listener


def is_free(port: int) -> bool:
    try:
        _bound(socket.AF_INET, "127.0.0.1", port).close()
    except OSError:
        return False
    return True


def any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class InternalPorts:
    """Ports of the internal services by name, kept in the state folder so that they stay."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports = self._read()

    def _read(self) -> dict[str, int]:
        try:
            stored = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(stored, dict):
            return {}
        return {name: port for name, port in stored.items() if isinstance(port, int)}

    def remembered(self, name: str) -> int | None:
        return self._ports.get(name)

    def choose(self, name: str) -> int:
        """The remembered port where it is still free, else another, which is then remembered."""
        port = self._ports.get(name)
        if port is None or not 1024 <= port <= 65535 or not is_free(port):
            port = any_free_port()
            self._ports[name] = port
            self._path.write_text(json.dumps(self._ports))
        return port
