"""The clients under gevent's monkey-patching, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builder.providers.conftest import Serve
from tests.builder.providers.servers import Stall
from tests.builder.providers.wire import HEAD, LAST_CHUNK, OpenAIDialect, chunk

ROOT = Path(__file__).resolve().parents[3]
DIALECT = OpenAIDialect("openrouter")
PROGRAM = """
from gevent import monkey
monkey.patch_all()
import json, sys
import gevent
from builder.providers import (
    ChatRequest, Endpoint, Message, ProviderError, TextDelta, adapter_for)

good, silent, half = sys.argv[1:]
adapter = adapter_for("openrouter")
request = ChatRequest("m", (Message("user", "x"),), 9)

def stream(url):
    return adapter.open(Endpoint(url, "key", read_timeout_seconds=600), request)

def read(opened):
    text = ""
    try:
        for event in opened:
            text += event.text if isinstance(event, TextDelta) else ""
    except ProviderError as error:
        return text, error.code
    return text, None

waiting, halfway = stream(silent), stream(half)
blocked = [gevent.spawn(read, waiting), gevent.spawn(read, halfway)]
others = [gevent.spawn(read, stream(good)) for _ in range(20)]
gevent.joinall(others, timeout=30)
still = [not greenlet.ready() for greenlet in blocked]
waiting.abort()
halfway.abort()
gevent.joinall(blocked, timeout=10)
lost = read(stream("http://no-such-host.invalid"))
print(json.dumps([[g.value for g in others], still, [g.value for g in blocked], lost]))
"""


def test_streams_and_aborts_under_gevent(serve: Serve) -> None:
    pytest.importorskip("gevent")
    body = DIALECT.start() + DIALECT.delta("世界") + DIALECT.finish("stop") + DIALECT.end()
    good = serve(HEAD, chunk(body), LAST_CHUNK)
    silent = serve(Stall())
    half = serve(HEAD, chunk(DIALECT.start() + DIALECT.delta("half")), Stall())
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, good.url, silent.url, half.url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    others, still, blocked, lost = json.loads(run.stdout)
    assert others == [["世界", None]] * 20
    assert still == [True, True]
    assert blocked == [["", "aborted"], ["half", "aborted"]]
    assert lost == ["", "dns_failed"]
