"""The running product for tests: the real supervisor and all its processes, over real HTTP."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180
PASSWORD = "correct-horse-battery-7"
_numbers = itertools.count(1)


class ApiUser(requests.Session):
    """A signed-up person. Paths are relative to the stack: `user.get("/api/me").json()`."""

    def __init__(self, base_url: str, email: str, password: str, tokens: dict[str, str]) -> None:
        super().__init__()
        # No proxy or netrc of the machine may come between.
        self.trust_env = False
        self.base_url = base_url
        self.email = email
        self.password = password
        self.access_token = tokens["access_token"]
        self.refresh_token = tokens.get("refresh_token", "")
        self.session_token = tokens.get("session_token", "")
        self.headers["Authorization"] = f"Bearer {self.access_token}"

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        options.setdefault("timeout", 30)
        return super().request(method, self.base_url + url, *args, **options)


@dataclass
class Stack:
    """Where everything of a running Sitewright is, and ways in."""

    base_url: str
    port: int
    state_dir: Path
    environment: dict[str, str]
    process: subprocess.Popen[str]
    stderr: list[str] = field(default_factory=list)

    @property
    def redis_url(self) -> str:
        return self.environment["REDIS_URL"]

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def emulator_url(self) -> str:
        ports = json.loads((self.state_dir / "ports.json").read_text())
        return f"http://127.0.0.1:{ports['emulator']}"

    def sign_up(self, email: str = "", password: str = PASSWORD) -> ApiUser:
        """A new person through allauth's headless API, as any client would."""
        email = email or f"person{next(_numbers)}-{uuid.uuid4().hex[:8]}@example.com"
        answer = requests.post(
            f"{self.base_url}/_allauth/app/v1/auth/signup",
            json={"email": email, "password": password},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return ApiUser(self.base_url, email, password, answer.json()["meta"])

    def manage(self, *arguments: str) -> str:
        """`manage.py …` on the stack's own database; its output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=30)


def start_stack(*, port: int, state_dir: Path, **variables: str) -> Stack:
    """Runs the supervisor until its ready line; fails with its words when it ends instead."""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))},
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PORT": str(port),
        "STATE_DIR": str(state_dir),
        "EMULATOR_PACE": "0",
        "SITES_DOMAIN": "",
        **variables,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "script.supervisor"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    stack = Stack(f"http://localhost:{port}", port, state_dir, environment, process)
    threading.Thread(target=_collect, args=(process, stack.stderr), daemon=True).start()
    watchdog = threading.Timer(START_SECONDS, process.terminate)
    watchdog.start()
    assert process.stdout is not None
    line = process.stdout.readline()
    watchdog.cancel()
    if line != f"ready {stack.base_url}\n":
        process.wait(timeout=30)
        raise AssertionError(f"the stack did not start: {line!r}\n{''.join(stack.stderr)}")
    return stack


def _collect(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stderr is not None
    lines.extend(process.stderr)
