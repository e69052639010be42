"""Servers and proxies that play raw bytes; nothing here comes from the code under test."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

GIVE_UP_SECONDS = 30.0


@dataclass
class Received:
    """A request as the server saw it."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Reset:
    """A step: close the connection with a TCP reset."""


class Stall:
    """A step: say nothing more until the client leaves or the server ends."""


Step = bytes | threading.Event | Reset | Stall | Callable[[], None]


@dataclass
class RawServer:
    """Answers every request with the same steps; each connection has its own thread."""

    steps: list[Step]
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    got_request: threading.Event = field(default_factory=threading.Event)
    connected: threading.Event = field(default_factory=threading.Event)
    client_left: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)
    handshake: bool = True
    read_request: bool = True

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.stopping.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(GIVE_UP_SECONDS)
        self.connected.set()
        try:
            if self.tls and self.handshake:
                connection = self.tls.wrap_socket(connection, server_side=True)
            if self.read_request:
                self.received.append(read_request(connection))
            self.got_request.set()
            self._play(connection)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def _play(self, connection: socket.socket) -> None:
        for step in self.steps:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, threading.Event):
                step.wait(GIVE_UP_SECONDS)
            elif isinstance(step, Reset):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            elif isinstance(step, Stall):
                self._wait_for_the_client_to_leave(connection)
                return
            else:
                step()
        if isinstance(connection, ssl.SSLSocket):
            connection.unwrap()

    def _wait_for_the_client_to_leave(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        while not self.stopping.is_set():
            try:
                if not connection.recv(4096):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.client_left.set()


def read_request(connection: socket.socket) -> Received:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            raise ValueError("no request")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    return Received(lines[0], headers, body)


@dataclass
class Proxy:
    """A forward proxy: CONNECT and absolute addresses, with a password if asked."""

    authorization: str | None = None
    refuse_with: bytes | None = None
    lines: list[str] = field(default_factory=list)
    tunnelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, ValueError):
            self._forward(client, read_request(client))

    def _forward(self, client: socket.socket, request: Received) -> None:
        self.lines.append(request.line)
        if self.refuse_with is not None:
            client.sendall(self.refuse_with)
            return
        given = request.headers.get("proxy-authorization")
        if self.authorization is not None and given != self.authorization:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        method, target, _ = request.line.split(" ")
        if method == "CONNECT":
            host, _, port = target.partition(":")
            upstream = socket.create_connection((host, int(port)))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.tunnelled.set()
        else:
            host, _, path = target.removeprefix("http://").partition("/")
            name, _, port = host.partition(":")
            upstream = socket.create_connection((name, int(port)))
            headers = "".join(f"{k}: {v}\r\n" for k, v in request.headers.items())
            upstream.sendall(f"{method} /{path} HTTP/1.1\r\n{headers}\r\n".encode())
            upstream.sendall(request.body)
        threading.Thread(target=_pump, args=(client, upstream), daemon=True).start()
        _pump(upstream, client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while part := source.recv(65536):
            sink.sendall(part)
    except OSError:
        pass
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port whose queue is full: a connection to it is neither made nor refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        time.sleep(0.05)
        try:
            yield port
        finally:
            for filler in fillers:
                filler.close()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
