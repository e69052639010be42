"""TLS before a plain server, so that a proxy is asked for a tunnel as it is in real life."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress


class TlsFront:
    """Takes TLS on a port of its own and passes what is inside on to `target_port`."""

    def __init__(self, context: ssl.SSLContext, target_port: int) -> None:
        self._context = context
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with (
            suppress(OSError),
            self._context.wrap_socket(raw, server_side=True) as client,
            socket.create_connection(("127.0.0.1", self._target_port)) as target,
        ):
            # One way in a thread; TLS sockets may be read and written at the same time.
            threading.Thread(target=_pass_on, args=(client, target), daemon=True).start()
            _pass_on(target, client)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
