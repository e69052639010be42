"""`/healthz`: this process answers. `/readyz`: what it needs to do its work is there too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.heartbeat import QUEUES, heartbeat_redis, seconds_since_heartbeat

CHECK_TIMEOUT_SECONDS = 2.0


class NotReady(Exception):
    """A check is red; the message says why, without secrets."""


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Touches nothing but this process."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 with every check green, else 503; each check has two seconds."""
    results = run_checks(CHECKS)
    ready = all(result.ok for result in results.values())
    checks = {
        name: {"ok": result.ok, "detail": result.detail, "seconds": round(result.seconds, 4)}
        for name, result in results.items()
    }
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503)


def check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return connection.vendor


def check_redis() -> str:
    heartbeat_redis().ping()
    return "answers"


_migrations_are_applied = threading.Event()


def check_migrations() -> str:
    # Once applied they stay applied for the code that this process runs, and reading them all
    # from disk takes a good part of a second.
    if not _migrations_are_applied.is_set():
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if waiting:
            raise NotReady(f"{len(waiting)} migration(s) not applied: run manage.py migrate")
        _migrations_are_applied.set()
    return "applied"


def check_worker() -> str:
    ages = {queue: seconds_since_heartbeat(queue) for queue in QUEUES}
    silent = [queue for queue, age in ages.items() if age is None]
    if silent:
        raise NotReady(f"no worker takes tasks from: {', '.join(silent)}")
    return ", ".join(f"{queue} seen {age:.0f} s ago" for queue, age in ages.items())


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "redis": check_redis,
    "migrations": check_migrations,
    "worker": check_worker,
}


@dataclass(frozen=True)
class Result:
    ok: bool
    detail: str
    seconds: float


_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="health")
_running: dict[str, Future[Result]] = {}
_running_lock = threading.Lock()


def run_checks(checks: dict[str, Callable[[], str]]) -> dict[str, Result]:
    """Runs the checks side by side; one that hangs is red, and is not started a second time."""
    with _running_lock:
        for name, check in checks.items():
            if name not in _running or _running[name].done():
                _running[name] = _pool.submit(_run, check)
        futures = {name: _running[name] for name in checks}
    wait(futures.values(), timeout=CHECK_TIMEOUT_SECONDS)
    hanging = Result(False, f"no answer within {CHECK_TIMEOUT_SECONDS:g} s", CHECK_TIMEOUT_SECONDS)
    return {name: future.result() if future.done() else hanging for name, future in futures.items()}


def _run(check: Callable[[], str]) -> Result:
    started = time.perf_counter()
    try:
        return Result(True, check(), time.perf_counter() - started)
    except NotReady as reason:
        return Result(False, str(reason), time.perf_counter() - started)
    except Exception as error:  # noqa: BLE001 - whatever it is, this check is red
        # The kind of error only: messages may hold addresses and passwords.
        return Result(False, f"fails: {type(error).__name__}", time.perf_counter() - started)
    finally:
        # This thread's own connection goes back at once; health must not sit on the pool.
        connection.close()
