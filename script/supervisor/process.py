"""One child process: started so that it can not outlive the supervisor, ended within a time."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from script.supervisor.logs import LogWatch, rotate

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Service:
    """What to run. `stop_seconds` is the patience between asking it to end and killing it."""

    name: str
    command: Callable[[], list[str]]
    stop_seconds: float
    pass_fds: tuple[int, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def end_with_parent(parent_pid: int) -> Callable[[], None]:
    """Runs in the child before exec: the kernel kills it when the supervisor is gone, however.

    Linux only; elsewhere a supervisor that is killed outright may leave children, and the next
    start ends the one that matters (the embedded Redis).
    """

    def arrange() -> None:
        if _libc is None:
            return
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            os._exit(1)

    return arrange


class Child:
    """A running service and its log."""

    def __init__(
        self, service: Service, *, logs: Path, environment: dict[str, str], cwd: Path
    ) -> None:
        self.service = service
        self.log = logs / f"{service.name}.log"
        self.watch = LogWatch(self.log)
        self._environment = {**environment, **service.environment}
        self._cwd = cwd
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0

    def start(self) -> None:
        rotate(self.log)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.service.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._cwd,
                env=self._environment,
                pass_fds=self.service.pass_fds,
                # A terminal's Ctrl-C reaches the supervisor alone, which ends all in order.
                start_new_session=True,
                preexec_fn=end_with_parent(os.getpid()),
            )
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def exit_words(self) -> str:
        code = self.process.poll() if self.process else None
        if code is None:
            return "still running"
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def ask_to_end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None and self.is_alive():
            self.process.send_signal(how)

    def kill(self) -> None:
        if self.process is not None and self.is_alive():
            self.process.kill()
            self.process.wait()


def end_together(children: list[Child]) -> list[str]:
    """Asks all to end, waits for each no longer than its patience, kills the rest; their names."""
    started = time.monotonic()
    for child in children:
        child.ask_to_end()
    killed = []
    waiting = [child for child in children if child.is_alive()]
    while waiting:
        for child in list(waiting):
            if not child.is_alive():
                waiting.remove(child)
            elif time.monotonic() - started > child.service.stop_seconds:
                child.kill()
                killed.append(child.service.name)
                waiting.remove(child)
        time.sleep(0.02)
    return killed
