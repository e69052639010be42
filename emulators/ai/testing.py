"""For tests: an emulator of one's own on a free port, and a client for its control.

with emulator() as ai:
    ai.rule({"status": 429, "retry_after": 2}, provider="openrouter", times=1)
    ...  # point the code at ai.base_url("openrouter")
    assert ai.counters()["requests"] == 2
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from emulators.ai.app import Emulator
from emulators.ai.server import Server, bind

_START_SECONDS = 20.0
_ROOT = Path(__file__).resolve().parents[2]

# What a production client is given as base URL, per provider.
_BASES = {
    "openrouter": "/openrouter/api/v1",
    "dashscope": "/dashscope/compatible-mode/v1",
    "openai": "/openai/v1",
    "anthropic": "/anthropic",
}


class EmulatorClient:
    """Base URLs of a running emulator and its control over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False

    def base_url(self, provider: str) -> str:
        """The base URL to give to the client of that provider."""
        return self.url + _BASES[provider]

    def rule(
        self,
        behaviour: dict[str, Any] | str,
        *,
        times: int | None = None,
        skip: int = 0,
        **match: str,
    ) -> int:
        """Add a rule (a behaviour or a preset's name); returns its number."""
        body = {"behaviour": behaviour, "match": match, "times": times, "skip": skip}
        return int(self._call("POST", "/rules", body)["added"][0])

    def listing(self, provider: str, **listing: Any) -> None:
        """Have the provider's list of models differ: `Listing`'s fields; none is the real list."""
        self._call("PUT", f"/listings/{provider}", listing)

    def clear_rules(self) -> None:
        """Drop every rule."""
        self._call("DELETE", "/rules")

    def requests(self, provider: str | None = None) -> list[dict[str, Any]]:
        """The requests seen since the last reset, oldest first."""
        query = f"?provider={provider}" if provider else ""
        rows: list[dict[str, Any]] = self._call("GET", "/requests" + query)["requests"]
        return rows

    def counters(self) -> dict[str, int]:
        """Counts since the last reset; one that never counted is missing."""
        counts: dict[str, int] = self._call("GET", "/counters")["counters"]
        return counts

    def calls(self, provider: str | None = None) -> int:
        """How many chat requests came in since the last reset."""
        name = f"requests.{provider}" if provider else "requests"
        return self.counters().get(name, 0)

    def pace(self, pace: float) -> None:
        """Change the pace until the next reset."""
        self._call("PUT", "/pace", {"pace": pace})

    def reset(self) -> None:
        """Forget rules, requests, counters and a changed pace."""
        self._call("POST", "/reset")

    def close(self) -> None:
        """Close the control's connection."""
        self._http.close()

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        response = self._http.request(method, f"{self.url}/_emulator{path}", json=body, timeout=30)
        if not response.ok:
            raise ValueError(f"{method} {path}: {response.status_code} {response.text}")
        answer: dict[str, Any] = response.json()
        return answer


@contextmanager
def emulator(*, pace: float = 0.0, subprocess_: bool = False) -> Iterator[EmulatorClient]:
    """Run an emulator on a free loopback port, in a thread or in a process of its own."""
    with _process(pace) if subprocess_ else _thread(pace) as url:
        client = EmulatorClient(url)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def _thread(pace: float) -> Iterator[str]:
    sock = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    server = Server(Emulator(pace=pace), ready_line=False)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the AI emulator did not start")
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def _process(pace: float) -> Iterator[str]:
    command = [sys.executable, "-m", "emulators.ai", "--port", "0", "--pace", str(pace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if "ready on " not in line:
                raise RuntimeError(f"the AI emulator did not start: {line!r}")
            yield line.rsplit(" ", 1)[-1].strip()
        finally:
            process.terminate()
            process.wait(timeout=10)
