"""Stopping a call from another thread, wherever it is."""

from __future__ import annotations

import fcntl
import resource
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.providers import ProviderError, ProviderStream, TextDelta
from builder.providers.abort import AbortSwitch
from tests.builder.providers.calls import open_stream
from tests.builder.providers.conftest import Serve
from tests.builder.providers.servers import Proxy, Stall, deaf_port
from tests.builder.providers.wire import HEAD, LAST_CHUNK, Dialect, OpenAIDialect, chunk

#: The calls themselves would wait for minutes (see PATIENT); an abort must not.
AT_ONCE_SECONDS = 10.0
PATIENT: dict[str, Any] = {"connect_timeout_seconds": 600.0, "read_timeout_seconds": 600.0}
OPENROUTER = OpenAIDialect("openrouter")


class Reader(threading.Thread):
    """Reads a stream to its end and keeps what came and how it ended."""

    def __init__(self, stream: ProviderStream) -> None:
        super().__init__(daemon=True)
        self.stream = stream
        self.text = ""
        self.first_text = threading.Event()
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            for event in self.stream:
                if isinstance(event, TextDelta):
                    self.text += event.text
                    self.first_text.set()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test judges it
            self.error = error

    def ended_as_aborted(self) -> bool:
        self.join(AT_ONCE_SECONDS)
        assert not self.is_alive(), "the reader still waits"
        assert isinstance(self.error, ProviderError), self.error
        return (self.error.code, self.error.permanent) == ("aborted", True)


def test_abort_while_the_provider_has_not_answered(dialect: Dialect, serve: Serve) -> None:
    server = serve(Stall())
    reader = Reader(open_stream(dialect, server.url, **PATIENT))
    assert server.got_request.wait(20)
    reader.stream.abort()
    assert reader.ended_as_aborted()
    assert server.client_left.wait(20)


def test_abort_in_the_middle_of_the_answer(dialect: Dialect, serve: Serve) -> None:
    server = serve(HEAD, chunk(dialect.start() + dialect.delta("half")), Stall())
    reader = Reader(open_stream(dialect, server.url, **PATIENT))
    assert reader.first_text.wait(20)
    reader.stream.abort()
    assert reader.ended_as_aborted()
    assert reader.text == "half"
    assert server.client_left.wait(20)


def test_abort_after_the_finish_still_counts(dialect: Dialect, serve: Serve) -> None:
    body = dialect.start() + dialect.delta("all") + dialect.finish(dialect.stop)
    server = serve(HEAD, chunk(body), Stall())
    reader = Reader(open_stream(dialect, server.url, **PATIENT))
    assert reader.first_text.wait(20)
    reader.stream.abort()
    assert reader.ended_as_aborted()


def test_abort_before_the_first_event_sends_nothing(dialect: Dialect, serve: Serve) -> None:
    server = serve(Stall())
    stream = open_stream(dialect, server.url, **PATIENT)
    stream.abort()
    assert Reader(stream).ended_as_aborted()
    assert not server.connected.is_set()


def test_abort_between_two_events_drops_what_was_buffered(dialect: Dialect, serve: Serve) -> None:
    body = dialect.start() + dialect.delta("one")
    body += dialect.finish(dialect.stop) + dialect.end()
    stream = open_stream(dialect, serve(HEAD, chunk(body), LAST_CHUNK).url)
    seen = []

    def read() -> None:
        for event in stream:
            seen.append(event)
            stream.abort()

    with pytest.raises(ProviderError) as caught:
        read()
    assert caught.value.code == "aborted"
    assert TextDelta("one") not in seen


def test_abort_after_the_end_and_closing_twice_do_nothing(dialect: Dialect, serve: Serve) -> None:
    body = dialect.start() + dialect.finish(dialect.stop) + dialect.end()
    stream = open_stream(dialect, serve(HEAD, chunk(body), LAST_CHUNK).url)
    assert len(list(stream)) == 3
    stream.abort()
    stream.close()
    stream.close()
    stream.abort()
    assert list(stream) == []


def test_closing_from_another_thread_wakes_the_reader(dialect: Dialect, serve: Serve) -> None:
    server = serve(Stall())
    reader = Reader(open_stream(dialect, server.url, **PATIENT))
    assert server.got_request.wait(20)
    reader.stream.close()
    assert reader.ended_as_aborted()


def test_many_aborts_at_once_are_one(serve: Serve) -> None:
    server = serve(Stall())
    reader = Reader(open_stream(OPENROUTER, server.url, **PATIENT))
    assert server.got_request.wait(20)
    threads = [threading.Thread(target=reader.stream.abort) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert reader.ended_as_aborted()


def test_abort_while_the_connection_is_being_made() -> None:
    with deaf_port() as port:
        reader = Reader(open_stream(OPENROUTER, f"http://127.0.0.1:{port}", **PATIENT))
        reader.join(0.3)
        assert reader.is_alive()
        reader.stream.abort()
        assert reader.ended_as_aborted()


def test_abort_while_the_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, release = threading.Event(), threading.Event()
    real = socket.getaddrinfo

    def slow(host: str, *args: object, **options: object) -> object:
        if host == "slow.invalid" and not options:
            asked.set()
            release.wait(60)
        return real(host, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    reader = Reader(open_stream(OPENROUTER, "http://slow.invalid", **PATIENT))
    assert asked.wait(20)
    reader.stream.abort()
    assert reader.ended_as_aborted()
    reader = Reader(open_stream(OPENROUTER, "http://slow.invalid", connect_timeout_seconds=0.1))
    reader.join(AT_ONCE_SECONDS)
    assert isinstance(reader.error, ProviderError)
    assert reader.error.code == "dns_failed"
    release.set()


@pytest.mark.parametrize("way", ["direct", "proxy"])
@pytest.mark.parametrize("moment", ["handshake", "headers", "body"])
def test_abort_over_tls(
    serve: Serve,
    server_tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
    start_proxy: Callable[..., Proxy],
    moment: str,
    way: str,
) -> None:
    said = HEAD + chunk(OPENROUTER.start() + OPENROUTER.delta("half"))
    server = serve(
        *([said] if moment == "body" else []),
        Stall(),
        tls=server_tls,
        handshake=moment != "handshake",
        read_request=moment != "handshake",
    )
    through = f"http://127.0.0.1:{start_proxy().port}" if way == "proxy" else None
    stream = open_stream(
        OPENROUTER, server.url, proxy_url=through, ca_bundle=str(certificate[0]), **PATIENT
    )
    reader = Reader(stream)
    waited_for = reader.first_text if moment == "body" else server.got_request
    assert waited_for.wait(20)
    stream.abort()
    assert reader.ended_as_aborted()


def test_abort_while_the_proxy_has_not_answered(serve: Serve) -> None:
    silent = serve(Stall())
    reader = Reader(open_stream(OPENROUTER, "https://127.0.0.1:1", proxy_url=silent.url, **PATIENT))
    assert silent.got_request.wait(20)
    reader.stream.abort()
    assert reader.ended_as_aborted()


def test_no_descriptor_is_left_open(serve: Serve) -> None:
    fds = Path("/proc/self/fd")
    if not fds.exists():
        pytest.skip("needs /proc to count descriptors")
    body = OPENROUTER.start() + OPENROUTER.finish("stop") + OPENROUTER.end()
    good, silent = serve(HEAD, chunk(body), LAST_CHUNK), serve(Stall())

    def ours() -> int:
        """Sockets of this process connected to one of the servers."""
        ports = {good.port, silent.port}
        count = 0
        for entry in fds.iterdir():
            try:
                with socket.socket(fileno=socket.dup(int(entry.name))) as sock:
                    count += sock.getpeername()[1] in ports
            except (OSError, ValueError, TypeError, IndexError):
                continue
        return count

    for _ in range(5):
        list(open_stream(OPENROUTER, good.url))
        reader = Reader(open_stream(OPENROUTER, silent.url, **PATIENT))
        silent.got_request.wait(20)
        reader.stream.abort()
        assert reader.ended_as_aborted()
        reader.error = None
    assert ours() == 0


def test_more_of_tls_is_seen_on_any_descriptor(server_tls: ssl.SSLContext) -> None:
    """Also above 1,023, which a worker of many streams has and `select` does not know."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    ours, theirs = socket.socketpair()
    high = socket.socket(fileno=fcntl.fcntl(ours.fileno(), fcntl.F_DUPFD, 1100))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    accepted: list[ssl.SSLSocket] = []
    serving = threading.Thread(
        target=lambda: accepted.append(server_tls.wrap_socket(theirs, server_side=True))
    )
    serving.start()
    switch, client = AbortSwitch(), context.wrap_socket(high)
    serving.join(10)
    switch.connected(client)
    accepted[0].sendall(b"one")
    assert client.recv(3) == b"one"
    assert client.fileno() >= 1100
    assert not switch.has_more()
    accepted[0].sendall(b"two")
    assert switch.has_more()
    client.close()
    assert not switch.has_more()
    for left in (ours, *accepted):
        left.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
