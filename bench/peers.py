"""What is measured beside us: the LiteLLM proxy, in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from script.supervisor.ports import any_free_port
from script.supervisor.process import end_with_parent

# 1.107.* and 1.82.7/8 were compromised releases; never in our own environment.
LITELLM = "litellm[proxy]==1.106.2"
MASTER_KEY = "sk-bench-7f3a9c1d5e"
START_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Peer:
    """A running peer that speaks the OpenAI chat API."""

    url: str
    key: str
    pid: int


def litellm_environment(folder: Path) -> Path | None:
    """Its Python, installed on first use (about 90 s); None, said aloud, if that fails."""
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        done = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", LITELLM],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            print(f"LiteLLM does not install here: {done.stderr[-300:]}", file=sys.stderr)
            return None
        (folder / "installed").touch()
    return python


@contextmanager
def litellm_proxy(python: Path, *, upstream: str, folder: Path) -> Iterator[Peer]:
    """One worker of the proxy in front of `upstream`, without a database."""
    config = folder / "litellm.yaml"
    config.write_text(
        "model_list:\n"
        "  - model_name: bench\n"
        "    litellm_params:\n"
        "      model: openai/gpt-4\n"
        f"      api_base: {upstream}\n"
        "      api_key: emulated\n"
    )
    port = any_free_port()
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": MASTER_KEY,
        "LITELLM_LOG": "ERROR",
    }
    environment.pop("DATABASE_URL", None)
    command = [str(python.with_name("litellm")), "--config", str(config), "--port", str(port)]
    command += ["--host", "127.0.0.1", "--num_workers", "1"]
    with (folder / "litellm.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent(os.getpid()),
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health/liveliness", process)
        yield Peer(f"http://127.0.0.1:{port}/v1", MASTER_KEY, process.pid)
    finally:
        # It waits for streams that were cut, longer than anybody would.
        process.kill()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError("LiteLLM's proxy did not start; see litellm.log")
