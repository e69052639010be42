"""Which providers work with no proxy, with one, and with each kind of broken one: every cell.

Runs go the whole way, from `run_start` to the receipt, over TLS, through real proxy processes, to
the emulated providers, which the app takes for real ones: they have keys and addresses.
"""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import pytest
import redis

from builder.models import Run
from builder.providers import transport
from builder.routing.guard import guard_set
from builder.routing.stores import PREFIX
from builder.selectors.runs import run_as_dict
from builder.services.sites import site_create
from models_catalog.endpoints import EMULATOR_PATHS
from models_catalog.models import Provider, Route
from tests.builder.providers.conftest import tls_context
from tests.builder.providers.servers import RawServer, Stall, closed_port
from tests.builder.proxy.conftest import LOGIN
from tests.builder.proxy.processes import RealProxy
from tests.builder.proxy.table import as_table
from tests.builder.proxy.tls_front import TlsFront

pytestmark = pytest.mark.django_db(transaction=True)

USER, _, PASSWORD = LOGIN.partition(":")
WRONG_PASSWORD = "not-the-right-secret"
KEYS = {
    "OPENROUTER_API_KEY": "sk-or-secret-openrouter-1",
    "QWEN_API_KEY": "sk-secret-qwen-22",
    "OPENAI_API_KEY": "sk-secret-openai-333",
    "ANTHROPIC_API_KEY": "sk-ant-secret-anthropic-4444",
}
# Column: the model asked, the one provider it may be asked of (None: all), others allowed.
COLUMNS: dict[str, tuple[str, str | None, bool]] = {
    "OpenRouter": ("claude-3-haiku", "openrouter", False),
    "Qwen (direct)": ("qwen-turbo", "qwen", False),
    "OpenAI": ("gpt-4-turbo", "openai", False),
    "Anthropic": ("claude-3-opus", "anthropic", False),
    "Llama 3 8B, others allowed": ("llama-3-8b", None, True),
}
THROUGH, DIRECT, FAILED = "answers through the proxy", "answers directly", "proxy_failed, charged 0"
INSTEAD = "Qwen Turbo answers instead"
WORKS = [THROUGH, DIRECT, THROUGH, THROUGH, THROUGH]
BROKEN = [FAILED, DIRECT, FAILED, FAILED, INSTEAD]
EXPECTED = {
    "none set": [DIRECT] * 5,
    "none set, one in the environment": [DIRECT] * 5,
    "one": WORKS,
    "one with user and password": WORKS,
    "wrong password (407)": BROKEN,
    "down (refused)": BROKEN,
    "takes connections, says nothing": BROKEN,
    "talks nonsense": BROKEN,
}


@dataclass
class Proxies:
    open: RealProxy
    locked: RealProxy
    silent: RawServer
    nonsense: RawServer


@pytest.fixture
def proxies(open_proxy: RealProxy, locked_proxy: RealProxy) -> Iterator[Proxies]:
    silent, nonsense = RawServer([Stall()]), RawServer([b"\x00\xffno proxy\r\n\r\n"])
    yield Proxies(open_proxy, locked_proxy, silent, nonsense)
    silent.stop()
    nonsense.stop()


@pytest.fixture
def real_providers(
    ai, catalogue, settings, certificate: tuple[Path, Path], monkeypatch
) -> Iterator[None]:
    """Four providers with keys and https addresses, all switched on."""
    front = TlsFront(tls_context(certificate), urlsplit(ai.url).port or 0)
    monkeypatch.setattr(certifi, "where", lambda: str(certificate[0]))
    transport._tls_context.cache_clear()
    settings.AI_EMULATOR_URL = ""
    settings.PROVIDER_KEYS = KEYS
    settings.PROVIDER_BASE_URLS = {
        provider.base_url_variable: (
            f"https://127.0.0.1:{front.port}{EMULATOR_PATHS[Provider.Adapter(provider.adapter)]}"
        )
        for provider in Provider.objects.all()
    }
    Provider.objects.update(enabled=True, disabled_reason="")
    settings.PROVIDER_CONNECT_TIMEOUT_SECONDS = 1.0
    yield
    front.stop()
    transport._tls_context.cache_clear()


def set_proxy(name: str, proxies: Proxies, settings, monkeypatch) -> None:
    settings.PROXY_HOST, settings.PROXY_USER, settings.PROXY_PASSWORD = "127.0.0.1", "", ""
    if name.startswith("none"):
        settings.PROXY_HOST = ""
    if name == "none set, one in the environment":
        for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(variable, f"http://127.0.0.1:{closed_port()}")
    if "password" in name:
        settings.PROXY_USER = USER
        settings.PROXY_PASSWORD = WRONG_PASSWORD if "wrong" in name else PASSWORD
    settings.PROXY_PORT = {
        "one": proxies.open.port,
        "one with user and password": proxies.locked.port,
        "wrong password (407)": proxies.locked.port,
        "takes connections, says nothing": proxies.silent.port,
        "talks nonsense": proxies.nonsense.port,
    }.get(name) or closed_port()


def forget_failures(redis_url: str) -> None:
    """What failed in one cell is no reason not to ask in the next."""
    with redis.Redis.from_url(redis_url) as client:
        client.delete(*client.keys(f"{PREFIX}*"), PREFIX)
    guard_set(None)


def tunnels(proxies: Proxies) -> int:
    return proxies.open.log.count("CONNECT") + proxies.locked.log.count("CONNECT")


def carried(proxies: Proxies, before: int) -> bool:
    """Whether a proxy logged a tunnel since: it does when the tunnel is closed, a little later."""
    for _wait in range(100):
        if tunnels(proxies) > before:
            return True
        time.sleep(0.05)
    return False


def seen_in(run: Run, column: str, expected: str, proxies: Proxies, before: int) -> str:
    attempts = list(run.attempts.all())
    assert run.hold.state in ("settled", "released")
    if run.state == Run.State.SUCCEEDED:
        assert (run.charged or 0) > 0
        # Waited for only where it should be there; that it is not there is seen at once.
        through = carried(proxies, before) if expected == THROUGH else tunnels(proxies) > before
        way = "through the proxy" if through else "directly"
        if run.model_used_slug == run.model_slug:
            return f"answers {way}"
        assert run.model_used_slug == "qwen-turbo"
        assert [attempt.outcome for attempt in attempts[:-1]] == ["proxy_failed"] * (
            len(attempts) - 1
        )
        assert [attempt.charged for attempt in attempts[:-1]] == [0] * (len(attempts) - 1)
        return "Qwen Turbo answers instead"
    assert "ot charged" in run.error_message
    assert [attempt.outcome for attempt in attempts] == [run.error_code]
    return f"{run.error_code}, charged {run.charged}"


def only_through(provider: str | None) -> None:
    Route.objects.update(enabled=True, disabled_reason="")
    if provider is not None:
        Route.objects.exclude(provider__slug=provider).update(
            enabled=False, disabled_reason="not in this column"
        )


def everything_said(run: Run, caplog: pytest.LogCaptureFixture) -> str:
    attempts = " ".join(f"{attempt.message} {attempt.outcome}" for attempt in run.attempts.all())
    return f"{caplog.text} {run_as_dict(run)} {run.error_message} {run.notes} {attempts}"


SECRETS = [
    *KEYS.values(),
    PASSWORD,
    "p%40ss%2Fword%3A1",
    WRONG_PASSWORD,
    base64.b64encode(LOGIN.encode()).decode(),
    base64.b64encode(f"{USER}:{WRONG_PASSWORD}".encode()).decode(),
]


def test_what_works_with_which_proxy(
    real_providers,
    alice,
    finish: Callable[..., Run],
    proxies: Proxies,
    settings,
    monkeypatch,
    caplog,
    capsys,
    plenty,
):
    caplog.set_level(logging.DEBUG)
    settings.AI_EMULATOR_URL = ""
    rows: dict[str, list[str]] = {}
    said = ""
    for name, expected in EXPECTED.items():
        rows[name] = []
        for (column, (model, provider, others)), wanted in zip(
            COLUMNS.items(), expected, strict=True
        ):
            with monkeypatch.context() as patch:
                set_proxy(name, proxies, settings, patch)
                only_through(provider)
                forget_failures(settings.REDIS_URL)
                before = tunnels(proxies)
                site = site_create(owner=alice, name=f"{name} {column}")
                run = finish(model=model, allow_fallback=others, site=site)
                rows[name].append(seen_in(run, column, wanted, proxies, before))
            said += everything_said(run, caplog)
            caplog.clear()
    with capsys.disabled():
        print("\n" + as_table("Proxy", list(COLUMNS), rows))
    assert rows == EXPECTED
    assert "407" in said  # it was told why
    assert [secret for secret in SECRETS if secret in said] == []
