"""Extra workers for the runs of a stack: `python -m tests.stack_e2e.workers NODE_NAME …`.

Each is a process of its own, as the supervisor's is; they are forked after the imports, so that
nine cost little more than one. Killed with SIGKILL, each is as dead as any.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import redis

from config.heartbeat import WORKER_KEY
from script.supervisor.process import end_with_parent
from tests.stack import ROOT, Stack
from tests.stack_e2e.driving import wait_for

CONCURRENCY = "2"


def main(names: list[str]) -> None:
    import django

    from config.celery import app

    # The slow imports, and nothing that opens a connection: children must not share one.
    django.setup()
    importlib.import_module("builder.tasks")
    parent = os.getpid()
    for name in names:
        pid = os.fork()
        if pid:
            print(pid, flush=True)
            continue
        end_with_parent(parent)()
        # What is forked has the parent's pipe: the test waits for the parent's lines alone.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        options = ["--queues", "runs", "--pool", "threads", "--concurrency", CONCURRENCY]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        app.worker_main(["worker", "--hostname", name, *options, *quiet, "--loglevel", "INFO"])
        os._exit(0)
    signal.pause()


@contextmanager
def extra_workers(stack: Stack, names: list[str]) -> Iterator[dict[str, int]]:
    """Workers beside the supervisor's, once they all consume; their process ids by name."""
    environment = stack.environment | {"AI_EMULATOR_URL": stack.emulator_url}
    client = redis.Redis.from_url(stack.redis_url)
    with (
        (stack.state_dir / "logs" / "extra-workers.log").open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tests.stack_e2e.workers", *names],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=end_with_parent(os.getpid()),
        ) as forker,
    ):
        try:
            assert forker.stdout is not None
            pids = {name: int(forker.stdout.readline()) for name in names}
            for name in names:
                key = WORKER_KEY.format(node_name=name)
                wait_for(name, partial(client.exists, key))
            yield pids
        finally:
            for pid in pids.values():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            forker.kill()
            client.close()


def child_pid(stack: Stack, words: str) -> int | None:
    """The supervisor's child whose command line holds these words."""
    for folder in Path("/proc").iterdir():
        with suppress(OSError, IndexError, ValueError):
            # Fields after the name, which may hold anything: state, parent's id (proc(5)).
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if int(parent) == stack.process.pid and words in command:
                return int(folder.name)
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
