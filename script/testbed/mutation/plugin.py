"""A plugin of pytest that runs mutants instead of the tests.

pytest collects once and the database is migrated once; the tests run once as they are, to learn
which functions each of them reaches. Then every mutant is a fork of this process: it runs the
tests that reach its function until one fails, those first that killed a neighbour, then those of
its module, then the quickest.
"""

from __future__ import annotations

import gc
import json
import math
import os
import resource
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
from _pytest.runner import runtestprotocol
from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

from script.testbed.tell import say

JOB = "MUTATION_JOB"
# A test that takes so much more than it did without a mutant never ends.
CPU_SECONDS_MORE = 5
WALL_SECONDS_MAX = 600
# On a machine that is busy with other things, one mutant at a time.
BUSY_LOAD = 12
KILLED, SURVIVED = 1, 0


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    if connection.vendor == "sqlite":
        # A fork has its own copy of it.
        settings.DATABASES["default"]["TEST"]["NAME"] = ":memory:"


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    job = json.loads(Path(os.environ[JOB]).read_text())
    Runner(session, job, Path(os.environ[JOB]).parent).run()
    return True


class Runner:
    """job: mutants (name, module, function and digest of each), results (where they are told),
    processes (at most so many at once), tests (which version of them), tests_max (ask no more
    than so many about a mutant, all if None)."""

    def __init__(self, session: pytest.Session, job: dict[str, Any], folder: Path) -> None:
        self.session = session
        self.job = job
        self.folder = folder
        self.seconds: dict[str, float] = {}
        self.reaching: dict[str, list[pytest.Item]] = defaultdict(list)
        self.killers: dict[str, Counter[str]] = defaultdict(Counter)
        self.running: dict[int, dict[str, str]] = {}

    def run(self) -> None:
        self._rehearse()
        _let_go_of_connections()
        # What never moves need not be copied by a fork.
        gc.collect()
        gc.freeze()
        for mutant in self.job["mutants"]:
            while len(self.running) >= self._processes():
                self._reap()
            tests = self._tests(mutant)
            pid = os.fork()
            if pid == 0:
                self._try_mutant(mutant["name"], tests)
            self.running[pid] = mutant
        while self.running:
            self._reap()

    def _processes(self) -> int:
        return 1 if os.getloadavg()[0] > BUSY_LOAD else int(self.job["processes"])

    def _rehearse(self) -> None:
        set_mutant_under_test("stats")
        for item in self.session.items:
            state()._stats.clear()
            started = time.process_time()
            if not self._rehearsed(item):
                say(f"left out, for it fails without any mutant: {item.nodeid}")
                continue
            self.seconds[item.nodeid] = time.process_time() - started
            for function in state()._stats:
                self.reaching[function].append(item)
        set_mutant_under_test("")

    def _tests(self, mutant: dict[str, str]) -> list[pytest.Item]:
        killed = self.killers[mutant["function"]]
        own = f"test_{Path(mutant['module']).name}.py"
        return sorted(
            self.reaching[mutant["function"]],
            key=lambda item: (
                -killed[item.nodeid],
                item.path.name != own,
                self.seconds[item.nodeid],
            ),
        )[: self.job["tests_max"]]

    def _rehearsed(self, item: pytest.Item) -> bool:
        # Told that the session comes next, it takes down all but the session's own fixtures.
        following = cast(pytest.Item, self.session)
        return all(report.outcome != "failed" for report in runtestprotocol(item, False, following))

    def _fails(self, item: pytest.Item) -> bool:
        """Runs the test as pytest does, without the report that nobody reads. A test that fails
        is left as it stands: it is the last of its process."""
        item._initrequest()  # type: ignore[attr-defined]
        try:
            try:
                item.ihook.pytest_runtest_setup(item=item)
                item.ihook.pytest_runtest_call(item=item)
            except pytest.skip.Exception:
                pass
            item.ihook.pytest_runtest_teardown(item=item, nextitem=self.session)
        except BaseException:  # noqa: BLE001 - pytest's own failures are no Exception
            return True
        return False

    def _try_mutant(self, name: str, tests: Iterable[pytest.Item]) -> NoReturn:
        """In the fork: tells through its exit code, and a file with the test that failed."""
        signal.alarm(WALL_SECONDS_MAX)
        code = SURVIVED
        try:
            set_mutant_under_test(name)
            for item in tests:
                self._limit_cpu(self.seconds[item.nodeid])
                if self._fails(item):
                    self._killer_file(os.getpid()).write_text(item.nodeid)
                    code = KILLED
                    break
        except BaseException:  # noqa: BLE001 - a fork must not go on as its parent
            code = KILLED
        finally:
            os._exit(code)

    def _limit_cpu(self, usual_seconds: float) -> None:
        limit = time.process_time() + CPU_SECONDS_MORE * (1 + usual_seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit), resource.RLIM_INFINITY))

    def _reap(self) -> None:
        pid, status, usage = os.wait4(-1, 0)
        mutant = self.running.pop(pid, None)
        if mutant is None:
            return
        killer_file = self._killer_file(pid)
        killer = killer_file.read_text() if killer_file.exists() else ""
        killer_file.unlink(missing_ok=True)
        self.killers[mutant["function"]][killer] += 1
        outcome = "killed" if os.waitstatus_to_exitcode(status) == KILLED else "survived"
        result = {
            "mutant": mutant["name"],
            "digest": mutant["digest"],
            "tests": self.job["tests"],
            "database": connection.vendor,
            # A mutant that never ends was noticed.
            "state": "timeout" if os.WIFSIGNALED(status) else outcome,
            "by": killer,
            "tests_reaching": len(self.reaching[mutant["function"]]),
            "tests_asked_max": self.job["tests_max"],
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        }
        with Path(self.job["results"]).open("a") as results:
            results.write(json.dumps(result) + "\n")

    def _killer_file(self, pid: int) -> Path:
        return self.folder / f"killer-{pid}"


def _let_go_of_connections() -> None:
    """Forks must not share a connection, nor the threads of a pool, with their parent."""
    if connection.vendor == "postgresql":
        connection.close()
        cast(DatabaseWrapper, connection).close_pool()
