"""A second stack with a Redis of its own, for tests that kill what a stack stands on."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from emulators.ai.testing import EmulatorClient
from script.supervisor.ports import any_free_port
from script.supervisor.process import end_with_parent
from script.supervisor.redis_server import server_binary
from script.testbed import tools
from tests.stack import Stack, start_stack


@pytest.fixture
def ai(stack: Stack) -> Iterator[EmulatorClient]:
    """The control of the stack's emulated providers, reset before and after."""
    client = EmulatorClient(stack.emulator_url)
    client.reset()
    yield client
    client.reset()
    client.close()


class OwnRedis:
    """A Redis that forgets everything when it dies, and comes back on the same port."""

    def __init__(self, folder: Path) -> None:
        self._port = any_free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        command = [tools.redis_server() or server_binary(), "--port", str(self._port)]
        command += ["--bind", "127.0.0.1", "--dir", str(self._folder), "--save", ""]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=end_with_parent(os.getpid()),
        )
        client = redis.Redis(port=self._port, retry=Retry(NoBackoff(), 0))
        deadline = time.monotonic() + 30
        while True:
            try:
                client.ping()
                return
            except redis.RedisError:
                assert time.monotonic() < deadline, "Redis did not start"
                time.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class RoughStack:
    """A stack that may be ended and started again on what it left behind."""

    def __init__(self, folder: Path, database_url: str, **variables: str) -> None:
        self._folder = folder
        self._variables = variables
        self._database_url = database_url
        self._port = any_free_port()
        self.redis = OwnRedis(folder)
        self.redis.start()
        self.stack = self._start()

    def _start(self) -> Stack:
        return start_stack(
            port=self._port,
            state_dir=self._folder / "state",
            DATABASE_URL=self._database_url,
            REDIS_URL=self.redis.url,
            **{"WORKER_CONCURRENCY": "8", **self._variables},
        )

    def start_again(self) -> Stack:
        self.stack = self._start()
        return self.stack

    def ai(self) -> EmulatorClient:
        return EmulatorClient(self.stack.emulator_url)

    def end(self) -> None:
        try:
            code = self.stack.end()
            assert code == 0, "".join(self.stack.stderr)
        finally:
            self.redis.kill()


@pytest.fixture(scope="session")
def rough_stack(
    tmp_path_factory: pytest.TempPathFactory, database_new: Callable[[str, Path], str]
) -> Callable[..., RoughStack]:
    """Starts a rough stack by a name, with variables of its own."""

    def start(name: str, **variables: str) -> RoughStack:
        folder = tmp_path_factory.mktemp(name)
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        url = database_new(f"{folder.name}_{worker}", folder)
        return RoughStack(folder, url, **variables)

    return start


@pytest.fixture(scope="session")
def rough(rough_stack: Callable[..., RoughStack]) -> Iterator[RoughStack]:
    """A stack nobody is gentle with. Tests leave it running, with Redis up."""
    running = rough_stack("rough")
    yield running
    running.end()
