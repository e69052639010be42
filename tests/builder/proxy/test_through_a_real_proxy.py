"""Provider clients through a proxy that is a process of its own and not ours."""

from __future__ import annotations

import base64
import ssl
import threading
from pathlib import Path
from urllib.parse import quote

import pytest

from builder.providers import ProviderError, TextDelta
from tests.builder.providers.calls import events, events_until_failure, failure, open_stream
from tests.builder.providers.calls import text_of as text
from tests.builder.providers.conftest import Serve
from tests.builder.providers.servers import RawServer, Stall, closed_port, deaf_port
from tests.builder.providers.wire import DIALECTS, HEAD, LAST_CHUNK, Dialect, OpenAIDialect, chunk
from tests.builder.proxy.conftest import LOGIN
from tests.builder.proxy.processes import RealProxy, real_proxy

OPENROUTER = OpenAIDialect("openrouter")
SCHEMES = ["http", "https"]
# Nobody listens there: only a proxy's answer can be read.
NOWHERE = "https://127.0.0.1:1"


def answer(dialect: Dialect) -> tuple[bytes, bytes, bytes]:
    body = dialect.start() + dialect.delta("here") + dialect.finish(dialect.stop) + dialect.end()
    return HEAD, chunk(body), LAST_CHUNK


def url_of(proxy: RealProxy, login: str = "") -> str:
    user, _, password = login.partition(":")
    given = f"{quote(user, safe='')}:{quote(password, safe='')}@" if login else ""
    return f"http://{given}127.0.0.1:{proxy.port}"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("locked", [False, True], ids=["open", "with a password"])
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_an_answer_comes_through(
    dialect: Dialect,
    locked: bool,
    scheme: str,
    serve: Serve,
    server_tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
    request: pytest.FixtureRequest,
) -> None:
    proxy: RealProxy = request.getfixturevalue("locked_proxy" if locked else "open_proxy")
    server = serve(*answer(dialect), tls=server_tls if scheme == "https" else None)
    seen = events(
        dialect,
        server.url,
        proxy_url=url_of(proxy, LOGIN if locked else ""),
        ca_bundle=str(certificate[0]),
    )
    assert text(seen) == "here"
    # The provider is told nothing of the way there, least of all the password.
    sent = server.received[0].headers
    assert "proxy-authorization" not in sent


def test_text_is_handed_out_as_it_arrives(
    serve: Serve,
    open_proxy: RealProxy,
    server_tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
) -> None:
    go_on = threading.Event()
    head, body, end = HEAD, chunk(OPENROUTER.start() + OPENROUTER.delta("first")), LAST_CHUNK
    rest = chunk(OPENROUTER.delta("second") + OPENROUTER.finish("stop") + OPENROUTER.end())
    server = serve(head, body, go_on, rest, end, tls=server_tls)
    got = []
    with open_stream(
        OPENROUTER, server.url, proxy_url=url_of(open_proxy), ca_bundle=str(certificate[0])
    ) as stream:
        for event in stream:
            if isinstance(event, TextDelta):
                got.append(event.text)
                go_on.set()  # only now does the provider go on
    assert got == ["first", "second"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("login", ["", "walled garden:wrong-secret-9"])
def test_a_password_that_is_missing_or_wrong(
    locked_proxy: RealProxy, scheme: str, login: str
) -> None:
    url = NOWHERE.replace("https", scheme)
    error = failure(OPENROUTER, url, proxy_url=url_of(locked_proxy, login))
    assert (error.code, error.permanent, error.account) == ("proxy_failed", False, False)
    assert "407" in error.message
    encoded = base64.b64encode(login.encode()).decode()
    for secret in ("wrong-secret-9", "walled", encoded):
        assert not secret or secret not in str(error) + repr(error) + repr(error.__cause__)


def test_a_proxy_that_is_down() -> None:
    error = failure(OPENROUTER, NOWHERE, proxy_url=f"http://127.0.0.1:{closed_port()}")
    assert error.code == "proxy_failed"


def test_a_proxy_whose_name_is_unknown() -> None:
    error = failure(OPENROUTER, NOWHERE, proxy_url="http://proxy.invalid:7890")
    assert error.code == "proxy_failed"


def test_a_proxy_that_takes_no_connection() -> None:
    with deaf_port() as port:
        proxy_url = f"http://127.0.0.1:{port}"
        error = failure(OPENROUTER, NOWHERE, proxy_url=proxy_url, connect_timeout_seconds=0.2)
    assert error.code == "proxy_failed"


def test_a_proxy_that_takes_the_connection_and_says_nothing(serve: Serve) -> None:
    silent = serve(Stall())
    error = failure(
        OPENROUTER,
        NOWHERE,
        proxy_url=f"http://127.0.0.1:{silent.port}",
        connect_timeout_seconds=0.2,
        read_timeout_seconds=0.2,
    )
    assert error.code == "proxy_failed"


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\xffgarbage\r\n\r\n",
        b"<html>not a proxy</html>",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000 + b"\r\n\r\n",
    ],
    ids=["bytes", "html", "ssh", "nothing", "502", "endless header"],
)
def test_a_proxy_that_talks_nonsense(serve: Serve, said: bytes) -> None:
    broken = serve(said)
    error = failure(OPENROUTER, NOWHERE, proxy_url=f"http://127.0.0.1:{broken.port}")
    assert (error.code, error.permanent) == ("proxy_failed", False)


def test_a_proxy_killed_in_the_middle_cuts_the_answer(
    serve: Serve, tmp_path: Path, server_tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    body = chunk(OPENROUTER.start() + OPENROUTER.delta("first"))
    server: RawServer = serve(HEAD, body, Stall(), tls=server_tls)
    with real_proxy(tmp_path / "dying") as proxy:
        stream = open_stream(
            OPENROUTER, server.url, proxy_url=url_of(proxy), ca_bundle=str(certificate[0])
        )
        with stream:
            answering = iter(stream)
            first = next(event for event in answering if isinstance(event, TextDelta))
            proxy.kill()
            with pytest.raises(ProviderError) as caught:
                next(answering)
    assert first.text == "first"
    assert caught.value.code == "cut"


def test_a_provider_that_is_down_behind_a_good_proxy(open_proxy: RealProxy) -> None:
    """The proxy says that it can not reach it: not our provider's answer, so the proxy's code."""
    _seen, error = events_until_failure(OPENROUTER, NOWHERE, proxy_url=url_of(open_proxy))
    assert error.code == "proxy_failed"
