"""The supervisor's parts, with real processes, sockets and files."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from config import heartbeat
from script.supervisor import logs, readiness
from script.supervisor.errors import StartRefused
from script.supervisor.plan import ROOT, host_header
from script.supervisor.ports import InternalPorts, any_free_port, is_free, listen_on_localhost
from script.supervisor.process import Child, Service, end_together
from script.supervisor.redis_server import EmbeddedRedis
from script.supervisor.state import claim
from script.supervisor.supervise import QUICK_DEATHS_ALLOWED, Supervisor

SLEEP = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\ntime.sleep(60)"
)


def child(tmp_path: Path, code: str, *, name: str = "part", stop_seconds: float = 5) -> Child:
    service = Service(name, lambda: [sys.executable, "-c", code], stop_seconds)
    return Child(service, logs=tmp_path, environment=dict(os.environ), cwd=ROOT)


def wait_for(true: Callable[[], object], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """False for a process that is gone, or dead and not yet collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\nfrom tests.config.test_supervisor import STUBBORN, child\n"
        "c = child(Path(sys.argv[2]), STUBBORN); c.start(); print(c.pid, flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(ROOT), str(tmp_path)], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
    wait_for(lambda: not is_running(pid))


def test_a_dead_child_is_started_again_after_a_pause(tmp_path: Path) -> None:
    supervisor = Supervisor()
    part = child(tmp_path, SLEEP)
    supervisor.add_group([part])
    try:
        first = part.pid
        assert part.process is not None
        part.process.kill()
        part.process.wait()
        now = time.monotonic()
        supervisor.look(now)
        supervisor.look(now + 0.4)
        assert not part.is_alive()
        supervisor.look(now + 0.6)
        assert part.is_alive()
        assert part.pid != first
    finally:
        supervisor.end()
    assert not part.is_alive()


def test_pauses_grow_and_a_hopeless_child_ends_everything_with_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor()
    part = child(tmp_path, "print('canary: no such table'); raise SystemExit(3)")
    supervisor.add_group([part])
    (watched,) = supervisor.watched
    pauses = []
    for _ in range(QUICK_DEATHS_ALLOWED - 1):
        assert part.process is not None
        part.process.wait()
        now = time.monotonic()
        supervisor.look(now)
        assert watched.start_at is not None
        pauses.append(round(watched.start_at - now, 3))
        supervisor.look(watched.start_at)
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    wait_for(lambda: not part.is_alive())
    with pytest.raises(StartRefused) as refusal:
        supervisor.look()
    assert "part ended 5 times in a row" in str(refusal.value)
    assert "exit code 3" in str(refusal.value)
    assert str(part.log) in str(refusal.value)
    assert "canary: no such table" in str(refusal.value)


def test_a_late_death_is_not_counted_with_the_early_ones(tmp_path: Path) -> None:
    supervisor = Supervisor()
    part = child(tmp_path, "raise SystemExit(1)")
    supervisor.add_group([part])
    (watched,) = supervisor.watched
    for _ in range(QUICK_DEATHS_ALLOWED + 2):
        assert part.process is not None
        part.process.wait()
        later = part.started_at + 31
        supervisor.look(later)
        assert watched.quick_deaths == 1
        supervisor.look(later + 1)
    supervisor.end()


def test_a_child_deaf_to_sigterm_is_killed_when_its_patience_ends(tmp_path: Path) -> None:
    deaf = child(tmp_path, STUBBORN, name="deaf", stop_seconds=0.5)
    polite = child(tmp_path, SLEEP, name="polite")
    for part in (deaf, polite):
        part.start()
    wait_for(lambda: "deaf" in deaf.log.read_text())
    assert end_together([deaf, polite]) == ["deaf"]
    assert polite.exit_words() == "killed by SIGTERM"
    assert deaf.exit_words() == "killed by SIGKILL"


def test_a_taken_port_is_told_by_its_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartRefused, match=rf"port {port} \(PORT\) is in use by another"):
            listen_on_localhost(port)


def test_localhost_is_both_ipv4_and_ipv6_where_there_is_ipv6() -> None:
    port = any_free_port()
    sockets = listen_on_localhost(port)
    addresses = [listener.getsockname()[0] for listener in sockets]
    for listener in sockets:
        listener.close()
    assert addresses[0] == "127.0.0.1"
    assert set(addresses[1:]) <= {"::1"}


def test_internal_ports_stay_the_same_unless_taken(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    port = InternalPorts(path).choose("redis")
    assert InternalPorts(path).choose("redis") == port
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        other = InternalPorts(path).choose("redis")
    assert other != port
    assert InternalPorts(path).remembered("redis") == other


@pytest.mark.parametrize("damaged", ["", "[]", "{", '{"redis": "x"}', '{"redis": 80}'])
def test_a_damaged_memory_of_ports_is_made_anew(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "ports.json"
    path.write_text(damaged)
    assert InternalPorts(path).choose("redis") >= 1024


def test_a_state_folder_has_one_supervisor_at_a_time(tmp_path: Path) -> None:
    with claim(tmp_path):
        with pytest.raises(StartRefused) as refusal:
            claim(tmp_path)
        assert f"(process {os.getpid()}) already uses {tmp_path} (STATE_DIR)" in str(refusal.value)
    claim(tmp_path).close()


def test_a_leftover_redis_of_ours_is_ended_and_its_data_kept(tmp_path: Path) -> None:
    first = EmbeddedRedis(tmp_path, InternalPorts(tmp_path / "ports.json"))
    leftover = subprocess.Popen(first.command(), stdout=subprocess.DEVNULL)
    try:
        assert first.wait_until_up(timeout_seconds=30)
        redis.Redis.from_url(first.url).set("canary", "kept")
        second = EmbeddedRedis(tmp_path, InternalPorts(tmp_path / "ports.json"))
        assert leftover.wait(timeout=30) == 0
    finally:
        leftover.kill()
    again = subprocess.Popen(second.command(), stdout=subprocess.DEVNULL)
    try:
        assert second.wait_until_up(timeout_seconds=30)
        assert redis.Redis.from_url(second.url).get("canary") == b"kept"
    finally:
        again.kill()
        again.wait()


def test_the_redis_of_another_copy_is_neither_ended_nor_used(tmp_path: Path) -> None:
    for name in ("ours", "other"):
        (tmp_path / name).mkdir()
    other = EmbeddedRedis(tmp_path / "other", InternalPorts(tmp_path / "other" / "ports.json"))
    running = subprocess.Popen(other.command(), stdout=subprocess.DEVNULL)
    try:
        assert other.wait_until_up(timeout_seconds=30)
        # Ours remembers the port that the other copy has got in the meantime.
        memory = tmp_path / "ours" / "ports.json"
        memory.write_text(f'{{"redis": {other.port}}}')
        ours = EmbeddedRedis(tmp_path / "ours", InternalPorts(memory))
        assert running.poll() is None
        assert ours.port != other.port
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=other.port).ping()
    finally:
        running.kill()
        running.wait()


def test_the_password_of_redis_is_in_no_process_list(tmp_path: Path) -> None:
    embedded = EmbeddedRedis(tmp_path, InternalPorts(tmp_path / "ports.json"))
    password = (tmp_path / "redis_password").read_text()
    assert password not in " ".join(embedded.command())
    assert (tmp_path / "redis" / "valkey.conf").stat().st_mode & 0o077 == 0


def test_a_full_log_is_rotated_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    with log.open("ab", buffering=0) as writer:
        for number in range(6):
            writer.write(b"%d" % number * 10)
            assert logs.rotate(log, limit_bytes=10)
        writer.write(b"now")
        assert not logs.rotate(log, limit_bytes=10)
    kept = {path.name: path.read_text()[0] for path in tmp_path.iterdir()}
    assert kept == {"part.log": "n", "part.log.1": "5", "part.log.2": "4", "part.log.3": "3"}


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "x", "level": "error", "logger": "y"}',
        "2026-11-22T16:39:48Z [error    ] no such thing [canary]",
        "[2026-11-22 16:00:00,000: ERROR/MainProcess] no",
        "2026-11-22 16:00:00.000 UTC [12] FATAL:  too many clients",
    ],
)
def test_error_lines_are_noticed_once_and_whole(tmp_path: Path, line: str) -> None:
    log = tmp_path / "part.log"
    log.write_text("an ERROR from an earlier life\n")
    watch = logs.LogWatch(log)
    with log.open("a") as writer:
        writer.write(f"all is well\n{line[:20]}")
        writer.flush()
        assert watch.new_errors() == []
        writer.write(f"{line[20:]}\n")
        writer.flush()
        assert watch.new_errors() == [line]
        assert watch.new_errors() == []


def test_a_worker_is_silent_when_its_heartbeat_stays_away(redis_url: str) -> None:
    heartbeat.heartbeat_redis.cache_clear()
    heartbeat.beat("runs-1@here", ["runs"])
    now = time.monotonic()
    watch = readiness.WorkerWatch(redis_url, silence_seconds=90)
    assert not watch.is_silent("runs-1@here", started_at=now - 1000)
    assert watch.is_silent("runs-2@here", started_at=now - 1000)
    assert not watch.is_silent("runs-2@here", started_at=now - 10)


def test_no_worker_is_silent_while_redis_is_away() -> None:
    watch = readiness.WorkerWatch(f"redis://127.0.0.1:{any_free_port()}/0")
    assert not watch.is_silent("runs-1@here", started_at=time.monotonic() - 1000)


def test_the_supervisor_and_the_worker_agree_on_the_heartbeats_key() -> None:
    assert readiness.HEARTBEAT_KEY == heartbeat.WORKER_KEY


@pytest.mark.parametrize(
    ("allowed", "host"),
    [([], "localhost"), (["*"], "localhost"), ([".example.com"], "example.com")],
)
def test_health_is_asked_for_by_a_name_the_app_knows(allowed: list[str], host: str) -> None:
    assert host_header(allowed) == host


def test_sigterm_ends_a_child_in_order(tmp_path: Path) -> None:
    part = child(tmp_path, SLEEP)
    part.start()
    part.ask_to_end(signal.SIGTERM)
    assert part.process is not None
    assert part.process.wait(timeout=30) == -signal.SIGTERM
