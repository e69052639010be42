"""Proxies, TLS and what must not leak in from, or out to, the surroundings."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.providers import Finished, FinishReason
from tests.builder.providers.calls import events, failure, text_of
from tests.builder.providers.conftest import Serve, tls_context
from tests.builder.providers.servers import Proxy, closed_port, deaf_port
from tests.builder.providers.wire import HEAD, LAST_CHUNK, Dialect, OpenAIDialect, chunk, response

OPENROUTER = OpenAIDialect("openrouter")
StartProxy = Callable[..., Proxy]


def answer(dialect: Dialect = OPENROUTER) -> tuple[bytes, bytes, bytes]:
    body = dialect.start() + dialect.delta("here") + dialect.finish(dialect.stop) + dialect.end()
    return HEAD, chunk(body), LAST_CHUNK


def test_an_answer_over_tls(
    dialect: Dialect, serve: Serve, server_tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    server = serve(*answer(dialect), tls=server_tls)
    seen = events(dialect, server.url, ca_bundle=str(certificate[0]))
    assert text_of(seen) == "here"


def test_a_certificate_nobody_vouches_for_is_refused(
    dialect: Dialect, serve: Serve, server_tls: ssl.SSLContext
) -> None:
    server = serve(*answer(dialect), tls=server_tls)
    error = failure(dialect, server.url)
    assert (error.code, error.permanent) == ("tls_failed", False)
    assert server.received == []


def test_a_certificate_for_another_name_is_refused(
    serve: Serve, other_certificate: tuple[Path, Path]
) -> None:
    server = serve(*answer(), tls=tls_context(other_certificate))
    error = failure(OPENROUTER, server.url, ca_bundle=str(other_certificate[0]))
    assert error.code == "tls_failed"
    assert server.received == []


def test_plain_http_where_tls_is_expected(dialect: Dialect, serve: Serve) -> None:
    server = serve(response(400, b"this is http"), read_request=False)
    error = failure(dialect, server.url.replace("http:", "https:"))
    assert error.code == "tls_failed"


def test_a_certificate_file_that_is_missing_is_a_clear_error(dialect: Dialect) -> None:
    error = failure(dialect, "https://127.0.0.1:1", ca_bundle="/no/such/file.pem")
    assert error.code in ("connect_failed", "bad_response", "tls_failed")


def test_an_answer_through_a_proxy(dialect: Dialect, serve: Serve, start_proxy: StartProxy) -> None:
    server, proxy = serve(*answer(dialect)), start_proxy()
    seen = events(dialect, server.url, proxy_url=f"http://127.0.0.1:{proxy.port}")
    assert text_of(seen) == "here"
    path = dialect.base_url("") + dialect.path
    assert proxy.lines == [f"POST {server.url}{path} HTTP/1.1"]


def test_an_answer_over_tls_through_a_proxy_with_a_password(
    dialect: Dialect,
    serve: Serve,
    start_proxy: StartProxy,
    server_tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
) -> None:
    given = "Basic " + base64.b64encode(b"user:p@ss word").decode()
    server, proxy = serve(*answer(dialect), tls=server_tls), start_proxy(authorization=given)
    seen = events(
        dialect,
        server.url,
        proxy_url=f"http://user:p%40ss%20word@127.0.0.1:{proxy.port}",
        ca_bundle=str(certificate[0]),
    )
    assert seen[-1] == Finished(FinishReason.STOP)
    assert proxy.lines == [f"CONNECT 127.0.0.1:{server.port} HTTP/1.0"] or proxy.lines == [
        f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"
    ]
    # The provider sees nothing of it.
    assert "proxy-authorization" not in server.received[0].headers


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_our_password(
    serve: Serve, start_proxy: StartProxy, scheme: str
) -> None:
    proxy = start_proxy(authorization="Basic other")
    url = f"{scheme}://127.0.0.1:1"
    error = failure(OPENROUTER, url, proxy_url=f"http://user:hunter2secret@127.0.0.1:{proxy.port}")
    assert (error.code, error.permanent, error.account) == ("proxy_failed", False, False)
    assert "407" in error.message
    assert "hunter2" not in str(error) + repr(error)
    assert base64.b64encode(b"user:hunter2secret").decode() not in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("proxy_url", ["http://u:hunter2secret@127.0.0.1:{port}", "socks5://x:1"])
def test_a_proxy_that_is_not_there(scheme: str, proxy_url: str) -> None:
    proxy_url = proxy_url.format(port=closed_port())
    error = failure(OPENROUTER, f"{scheme}://127.0.0.1:1", proxy_url=proxy_url)
    assert (error.code, error.permanent) == ("proxy_failed", False)
    assert "hunter2" not in str(error) + repr(error)


@pytest.mark.parametrize("proxy_url", ["nonsense::", "http://", "http://[", "ftp://127.0.0.1:1"])
def test_a_proxy_address_that_is_none(proxy_url: str) -> None:
    error = failure(OPENROUTER, "https://127.0.0.1:1", proxy_url=proxy_url)
    assert (error.code, error.permanent) == ("proxy_failed", False)


def test_proxies_and_passwords_of_the_environment_stay_out(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dead = f"http://127.0.0.1:{closed_port()}"
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, dead)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/file")
    server = serve(*answer())
    assert text_of(events(OPENROUTER, server.url)) == "here"
    assert server.received[0].headers["authorization"].startswith("Bearer sk-secret")


def test_an_exclusion_in_the_environment_does_not_go_round_the_proxy(
    serve: Serve, start_proxy: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server, proxy = serve(*answer()), start_proxy()
    events(OPENROUTER, server.url, proxy_url=f"http://127.0.0.1:{proxy.port}")
    assert len(proxy.lines) == 1


def test_cookies_of_one_call_are_not_sent_with_the_next(serve: Serve) -> None:
    head = HEAD.replace(b"Transfer", b"Set-Cookie: a=b; Path=/\r\nTransfer")
    server = serve(head, *answer()[1:])
    events(OPENROUTER, server.url)
    events(OPENROUTER, server.url)
    assert "cookie" not in server.received[1].headers


def test_a_failed_call_is_not_tried_again(dialect: Dialect, serve: Serve) -> None:
    server = serve(response(503, b"{}", headers={"Retry-After": "0"}))
    failure(dialect, server.url)
    closing = serve()
    failure(dialect, closing.url)
    assert (len(server.received), len(closing.received)) == (1, 1)


def test_a_dead_address_leaves_time_for_the_next(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(*answer())
    real = socket.getaddrinfo

    with deaf_port() as deaf:

        def two_addresses(host: str, port: int, *args: Any, **options: Any) -> Any:
            if host != "two.invalid" or options:
                return real(host, port, *args, **options)
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", deaf)),
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port)),
            ]

        monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
        seen = events(OPENROUTER, "http://two.invalid", connect_timeout_seconds=1.0)
    assert text_of(seen) == "here"
