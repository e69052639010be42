"""A real proxy in a process of its own (proxy.py, which is not ours), and broken ones."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.builder.providers.servers import closed_port

READY_SECONDS = 60.0


@dataclass
class RealProxy:
    """A running proxy. `log`: what it wrote of the connections it carried."""

    process: subprocess.Popen[bytes]
    port: int
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    def kill(self) -> None:
        """At once, with all its connections."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def real_proxy(folder: Path, *, login: str = "") -> Iterator[RealProxy]:
    """A proxy on loopback, with `login` ("user:password") asked for if given."""
    folder.mkdir(parents=True, exist_ok=True)
    port, log_file = closed_port(), folder / "proxy.log"
    command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", str(port)]
    command += ["--num-workers", "1", "--num-acceptors", "1", "--log-file", str(log_file)]
    command += ["--data-dir", str(folder), "--timeout", "60"]
    if login:
        command += ["--basic-auth", login]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    proxy = RealProxy(process, port, log_file)
    try:
        _wait_until_it_listens(proxy)
        yield proxy
    finally:
        proxy.kill()


def _wait_until_it_listens(proxy: RealProxy) -> None:

    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if proxy.process.poll() is not None:
            raise RuntimeError("the proxy ended at once")
        with suppress(OSError), socket.create_connection(("127.0.0.1", proxy.port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("the proxy does not listen")
