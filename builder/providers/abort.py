"""A switch that ends a network conversation from another thread.

The switch keeps a duplicate of the socket's file descriptor. Shutting the duplicate down
shuts down the connection itself, whichever object reads it (a plain socket, TLS, TLS inside
a proxy's TLS), and because the duplicate is ours no other thread can have closed it and
given its number to a stranger in the meantime.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import threading


class AbortSwitch:
    """Thread-safe; also under gevent, and before, during and after connecting."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._descriptor: int | None = None
        #: Set by `abort`, and by whatever a connecting reader waits for (see `wait`).
        self._wake = threading.Event()
        self._aborted = False
        self._socket: socket.socket | None = None

    @property
    def aborted(self) -> bool:
        return self._aborted

    def abort(self) -> None:
        """Shut the connection down, now or as soon as there is one."""
        with self._lock:
            self._aborted = True
            self._wake.set()
            if self._descriptor is not None:
                _shut_down(self._descriptor)

    def attach(self, sock: socket.socket) -> None:
        """Make `sock` the connection that `abort` ends; one at a time."""
        with self._lock:
            self.release()
            self._descriptor = os.dup(sock.fileno())
            if self._aborted:
                _shut_down(self._descriptor)

    def release(self) -> None:
        """Let go of the connection; the reader has ended."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
            self._socket = None

    def connected(self, sock: socket.socket) -> None:
        """The conversation now goes over `sock` (after TLS, where there is TLS)."""
        self._socket = sock

    def limit_silence(self, seconds: float) -> None:
        """For the reader: from now on wait no longer than this for the next byte."""
        if self._socket is not None and self._socket.fileno() >= 0:
            self._socket.settimeout(seconds)

    def has_more(self) -> bool:
        """Whether a TLS connection has another record to read without waiting. Plain ones give all
        they have in one read."""
        sock = self._socket
        if not isinstance(sock, ssl.SSLSocket) or sock.fileno() < 0:
            return False
        if sock.pending() > 0:
            return True
        # Not `select`, which knows no descriptor above 1,023: a worker of many streams has them.
        waiting = select.poll()
        waiting.register(sock, select.POLLIN)
        return bool(waiting.poll(0))

    def wake(self) -> None:
        """End a `wait` from outside: what it waited for has happened."""
        self._wake.set()

    def wait(self, timeout_seconds: float | None) -> bool:
        """Wait for `wake` or `abort`; False if neither came in time."""
        return self._wake.wait(timeout_seconds)


def _shut_down(descriptor: int) -> None:
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError:
        return
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # not connected yet (the connect fails by itself then), or closed by the peer
    finally:
        sock.detach()
