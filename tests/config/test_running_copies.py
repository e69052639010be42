"""Whole copies of the product, started by the real supervisor, hurt, and ended."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import requests

from script.supervisor.ports import any_free_port
from tests.config.test_supervisor import is_running, wait_for
from tests.stack import ROOT, Stack, start_stack

DATABASE = "sitewright.sqlite"


def children(stack: Stack) -> dict[str, int]:
    """Process ids of the copy's services by what their command lines say."""
    marks = {
        "web": "script.supervisor.web",
        "runs": "--queues runs",
        "short": "--queues short",
        "beat": "celery beat",
        "emulator": "emulators.ai",
        "redis": "valkey-server",
    }
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(stack.process.pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found: dict[str, int] = {}
    for line in listed.splitlines():
        pid, _, command = line.strip().partition(" ")
        command = command.replace("-A config.celery --skip-checks ", "")
        found |= {name: int(pid) for name, mark in marks.items() if mark in command}
    return found


def ready(stack: Stack) -> bool:
    try:
        return requests.get(f"{stack.base_url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def embedded(tmp_path: Path, name: str, like: Stack | None = None) -> Stack:
    """A copy on SQLite, which it makes and migrates, or finds migrated: a copy of another's."""
    if like is not None:
        (tmp_path / name).mkdir()
        with (
            closing(sqlite3.connect(like.state_dir / DATABASE)) as migrated,
            closing(sqlite3.connect(tmp_path / name / DATABASE)) as copy,
        ):
            migrated.backup(copy)
    return start_stack(
        port=any_free_port(), state_dir=tmp_path / name, DATABASE_URL="", REDIS_URL=""
    )


def test_two_embedded_copies_side_by_side_are_hurt_and_end(tmp_path: Path) -> None:
    first = embedded(tmp_path, "one")
    second = embedded(tmp_path, "two", like=first)
    try:
        one_name_is_answered_over_both_families(first)
        a_second_supervisor_is_refused(first)
        copies_share_nothing(first, second)
        the_dead_are_replaced(first)
        began = time.monotonic()
        assert first.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 15
        assert first.process.stdout is not None
        assert first.process.stdout.read() == ""  # one line it was, and no more
        assert ready(second)
        pids = children(second)
        assert second.end(signal.SIGKILL) == -signal.SIGKILL
        if sys.platform == "linux":
            wait_for(lambda: not any(map(is_running, pids.values())))
    finally:
        for stack in (first, second):
            stack.end(signal.SIGTERM)


def one_name_is_answered_over_both_families(stack: Stack) -> None:
    assert requests.get(f"http://127.0.0.1:{stack.port}/healthz", timeout=10).text == "ok\n"
    if Path("/proc/net/if_inet6").exists():
        assert requests.get(f"http://[::1]:{stack.port}/healthz", timeout=10).text == "ok\n"


def a_second_supervisor_is_refused(stack: Stack) -> None:
    for changed, words in (
        ({}, "(STATE_DIR). End it"),
        ({"STATE_DIR": str(stack.state_dir / "other")}, "(PORT) is in use by another program"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "script.supervisor"],
            cwd=ROOT,
            env={**stack.environment, **changed},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def copies_share_nothing(first: Stack, second: Stack) -> None:
    person = first.sign_up()
    assert person.get("/api/me").status_code == 200
    stranger = requests.get(
        f"{second.base_url}/api/me",
        headers={"Authorization": f"Bearer {person.access_token}"},
        timeout=30,
    )
    assert stranger.status_code == 401
    assert first.emulator_url != second.emulator_url


def the_dead_are_replaced(stack: Stack) -> None:
    before = children(stack)
    assert set(before) >= {"web", "runs", "short", "emulator", "redis"}
    for name in ("web", "runs", "redis"):
        os.kill(before[name], signal.SIGKILL)
    wait_for(lambda: not any(is_running(before[name]) for name in ("web", "runs", "redis")))
    wait_for(lambda: set(children(stack)) >= set(before) and ready(stack), seconds=120)
    after = children(stack)
    assert all(after[name] != before[name] for name in ("web", "runs", "redis"))
    assert stack.sign_up().get("/api/me").status_code == 200
    assert any("web ended (killed by SIGKILL); starting it again" in line for line in stack.stderr)


def test_the_shared_stack_is_ready_and_knows_a_person(stack: Stack) -> None:
    assert ready(stack)
    person = stack.sign_up()
    body = person.get("/api/me").json()
    assert body["user"]["email"] == person.email
    answer = person.get("/api/me", headers={"X-Request-ID": "trace-from-a-test"})
    assert answer.headers["X-Request-ID"] == "trace-from-a-test"
