"""Our own product for a benchmark: real PostgreSQL, Redis, one worker, one web process."""

from __future__ import annotations

import os
import secrets
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
from script.testbed import servers

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Product:
    """Where it is, which processes it is made of, and how to run code against its database."""

    url: str
    web_pid: int
    worker_pid: int
    environment: dict[str, str]

    def manage(self, *arguments: str, code: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=code,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout


@contextmanager
def product(*, upstream: str, folder: Path, concurrency: int) -> Iterator[Product]:
    """Start everything, migrate, seed; end everything."""
    started: list[servers.Server] = []
    processes: list[subprocess.Popen[bytes]] = []
    try:
        started += [servers.start_postgres(folder), servers.start_redis(folder)]
        port = any_free_port()
        environment = {**os.environ, **_as_in_production(upstream, port, folder)}
        environment |= {"DATABASE_URL": started[0].url, "REDIS_URL": started[1].url}
        ours = Product(f"http://127.0.0.1:{port}", 0, 0, environment)
        ours.manage("migrate", "--verbosity=0")
        ours.manage("catalogue_seed")
        pool = os.environ.get("WORKER_POOL", "threads")
        worker = ["celery", "-A", "config", "worker", "-P", pool, "-c", str(concurrency)]
        worker += ["-Q", "runs,short", "-l", "warning", "--without-mingle", "--without-gossip"]
        worker += ["--without-heartbeat"]
        web = ["uvicorn", "config.asgi:application", "--port", str(port), "--no-access-log"]
        for command in (worker, web):
            with (folder / f"{command[0]}.log").open("wb") as log:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", *command],
                        cwd=ROOT,
                        env=environment,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        preexec_fn=end_with_parent(os.getpid()),
                    )
                )
        _wait(f"http://127.0.0.1:{port}/readyz", processes)
        yield Product(ours.url, processes[1].pid, processes[0].pid, environment)
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for server in reversed(started):
            server.end()


def _as_in_production(upstream: str, port: int, folder: Path) -> dict[str, str]:
    """Without DEBUG, which keeps every query; the upstream stands for OpenRouter."""
    return {
        "ENV_FILE": os.devnull,
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SECRET": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "127.0.0.1,app.bench.example",
        "SITES_DOMAIN": "sites-of-bench.example",
        "SECURE_SSL_REDIRECT": "false",
        "EMAIL_URL": "dummymail://",
        "EMAIL_VERIFICATION": "none",
        "STATE_DIR": str(folder / "var"),
        "PORT": str(port),
        "OPENROUTER_BASE_URL": f"{upstream}/openrouter/api/v1",
        "OPENROUTER_API_KEY": "bench",
    }


def _wait(url: str, processes: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and all(p.poll() is None for p in processes):
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError("the product did not become ready; see the logs beside it")
