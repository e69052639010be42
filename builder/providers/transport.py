"""HTTP for provider clients: `requests`, with sockets that can be aborted.

A session lives for one request. Nothing is shared between requests but the TLS settings:
no cookies, no pooled connection that may have died, no environment (`trust_env` off, so
proxies, netrc and certificate variables of the host do not leak in), no retries and no
redirects.
"""

from __future__ import annotations

import functools
import http.client
import socket
import ssl
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
)

from builder.providers.abort import AbortSwitch
from builder.providers.errors import ProviderError
from builder.providers.types import Endpoint

_AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


class AbortableConnection:
    """Mixed into urllib3's connections: opens the socket under the eyes of a switch."""

    switch: AbortSwitch

    def connect(self) -> None:
        parent: Any = super()
        parent.connect()
        connection: Any = self
        self.switch.connected(connection.sock)

    def _tunnel(self) -> None:
        """Whatever goes wrong before the tunnel stands is the proxy's doing: a refusal, silence,
        an answer that is no HTTP. urllib3 says so for some of it only."""
        parent: Any = super()
        try:
            parent._tunnel()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ProxyError("no tunnel through the proxy", error) from error

    def _new_conn(self) -> socket.socket:
        connection: Any = self
        timeout = connection.timeout
        seconds = timeout if isinstance(timeout, int | float) else None
        deadline = None if seconds is None else time.monotonic() + seconds
        host, port = connection._dns_host, connection.port
        addresses = self._resolve(host.strip("[]"), port, seconds)
        failure: OSError = OSError("the name has no address")
        for number, (family, kind, protocol, _canonical, address) in enumerate(addresses):
            share = None
            if deadline is not None:
                # What is left is shared out, so that a dead IPv6 route leaves time for IPv4.
                left = deadline - time.monotonic()
                share = max(left / (len(addresses) - number), 0.001)
            try:
                return self._connect(family, kind, protocol, address, share)
            except OSError as error:
                failure = error
            if self.switch.aborted:
                break
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, f"no connection within {seconds} s") from failure
        raise NewConnectionError(connection, f"could not connect: {failure}") from failure

    def _resolve(self, host: str, port: int, seconds: float | None) -> list[_AddressInfo]:
        """Look the name up in a thread: `getaddrinfo` knows neither timeouts nor aborts."""
        try:
            return _literal_address(host, port)
        except OSError:
            pass
        found: list[_AddressInfo] = []
        failures: list[Exception] = []

        def look_up() -> None:
            try:
                found.extend(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                failures.append(error)
            self.switch.wake()

        threading.Thread(target=look_up, name="provider-dns", daemon=True).start()
        in_time = self.switch.wait(seconds)
        connection: Any = self
        if self.switch.aborted:
            raise NewConnectionError(connection, "aborted")
        if not in_time:
            failures.append(socket.gaierror(socket.EAI_AGAIN, f"no answer within {seconds} s"))
        if failures:
            cause = _as_gaierror(failures[0])
            raise NameResolutionError(host, connection, cause) from cause
        return found

    def _connect(
        self, family: int, kind: int, protocol: int, address: tuple[Any, ...], seconds: float | None
    ) -> socket.socket:
        connection: Any = self
        sock = socket.socket(family, kind, protocol)
        try:
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(seconds)
            self.switch.attach(sock)
            if self.switch.aborted:
                raise OSError("aborted")
            sock.connect(address)
        except BaseException:
            sock.close()
            raise
        return sock


def _literal_address(host: str, port: int) -> list[_AddressInfo]:
    return list(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))


def _as_gaierror(error: Exception) -> socket.gaierror:
    return error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))


class _PlainConnection(AbortableConnection, HTTPConnection):
    """HTTP, abortable."""


class _SecureConnection(AbortableConnection, HTTPSConnection):
    """HTTPS, abortable."""


class AbortableAdapter(HTTPAdapter):
    """A `requests` adapter whose connections belong to one switch."""

    def __init__(self, switch: AbortSwitch, ca_bundle: str | None) -> None:
        self._switch = switch
        self._ca_bundle = ca_bundle
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        parts: tuple[Any, Any] = super().build_connection_pool_key_attributes(request, verify, cert)
        host, pool = parts
        if host["scheme"] == "https":
            # Loading the certificates costs some 20 ms of CPU: once per process, not per run.
            pool["ssl_context"] = _tls_context(self._ca_bundle)
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to add: the context already verifies, with the certificates it holds."""

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        pool: Any = super().get_connection_with_tls_context(
            request, verify, proxies=proxies, cert=cert
        )
        secure = isinstance(pool, HTTPSConnectionPool)
        # urllib3 only ever calls ConnectionCls, so a function will do.
        pool.ConnectionCls = self._secure_connection if secure else self._plain_connection
        return pool

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        if proxy.lower().startswith("https://"):
            proxy_kwargs["proxy_ssl_context"] = _tls_context(self._ca_bundle)
        return super().proxy_manager_for(proxy, **proxy_kwargs)

    def _plain_connection(self, *args: Any, **kwargs: Any) -> HTTPConnection:
        connection = _PlainConnection(*args, **kwargs)
        connection.switch = self._switch
        return connection

    def _secure_connection(self, *args: Any, **kwargs: Any) -> HTTPSConnection:
        connection = _SecureConnection(*args, **kwargs)
        connection.switch = self._switch
        return connection


@functools.lru_cache(maxsize=8)
def _tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_bundle or certifi.where())


def open_session(endpoint: Endpoint, switch: AbortSwitch) -> requests.Session:
    """A session for one request to `endpoint`, abortable through `switch`.

    Raises ProviderError "proxy_failed" if the proxy's address is none.
    """
    session = requests.Session()
    session.trust_env = False
    session.headers.clear()
    adapter = AbortableAdapter(switch, endpoint.ca_bundle)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    if endpoint.proxy_url:
        _check_proxy(endpoint.proxy_url)
        session.proxies = {"http": endpoint.proxy_url, "https": endpoint.proxy_url}
    return session


def _check_proxy(proxy_url: str) -> None:
    try:
        parts = urlsplit(proxy_url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ProviderError(
            "proxy_failed", "The proxy's address must be http://host:port or https://host:port."
        )
