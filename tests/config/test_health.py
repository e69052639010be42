"""/healthz and /readyz, with what they check really there, really away, or hanging."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import redis
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from config import health, heartbeat
from config.heartbeat import QUEUE_KEY, QUEUES, beat, heartbeat_redis
from script.supervisor.ports import any_free_port


@pytest.fixture(autouse=True)
def fresh_clients() -> Iterator[None]:
    """The client of health checks is made for the settings of the test."""
    heartbeat_redis.cache_clear()
    yield
    heartbeat_redis.cache_clear()


def test_healthz_touches_nothing(client: Client) -> None:
    # Without the database mark, a query would fail the test.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


def test_healthz_may_only_be_read(client: Client) -> None:
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_readyz_is_green_when_workers_of_every_queue_were_heard(
    client: Client, redis_client: redis.Redis
) -> None:
    beat("all@here", list(QUEUES))
    answer = client.get("/readyz")
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ready"
    assert {name: check["ok"] for name, check in body["checks"].items()} == {
        "database": True,
        "redis": True,
        "migrations": True,
        "worker": True,
    }
    assert body["checks"]["database"]["detail"] == connection.vendor


@pytest.mark.django_db(transaction=True)
def test_readyz_names_the_queue_without_a_worker(client: Client, redis_client: redis.Redis) -> None:
    beat("short@here", ["short"])
    answer = client.get("/readyz")
    assert answer.status_code == 503
    check = answer.json()["checks"]["worker"]
    assert (check["ok"], check["detail"]) == (False, "no worker takes tasks from: runs")


def test_a_worker_not_heard_for_half_a_minute_counts_as_gone(redis_client: redis.Redis) -> None:
    beat("runs@here", ["runs"])
    ttl = redis_client.ttl(QUEUE_KEY.format(queue="runs"))
    assert 28 <= ttl <= 30
    assert heartbeat.HEARTBEAT_SECONDS * 3 < heartbeat.HEARTBEAT_TTL_SECONDS


@pytest.mark.django_db(transaction=True)
def test_readyz_is_red_and_quick_while_redis_is_away(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://:canary-password@127.0.0.1:{any_free_port()}/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert checks["redis"]["detail"] == "fails: ConnectionError"
    assert not checks["worker"]["ok"]
    assert checks["database"]["ok"]
    assert "canary" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_readyz_is_red_while_a_migration_waits(
    client: Client, monkeypatch: pytest.MonkeyPatch, redis_client: redis.Redis
) -> None:
    monkeypatch.setattr(health, "_migrations_are_applied", threading.Event())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    try:
        check = client.get("/readyz").json()["checks"]["migrations"]
    finally:
        call_command("migrate", "sessions", fake=True, verbosity=0)
    assert not check["ok"]
    assert check["detail"] == "1 migration(s) not applied: run manage.py migrate"
    assert client.get("/readyz").json()["checks"]["migrations"]["ok"]


def test_a_hanging_check_is_red_within_its_time_and_not_started_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.2)
    release, started = threading.Event(), []

    def hang() -> str:
        started.append(time.monotonic())
        release.wait(30)
        return "at last"

    checks = {"hanging-check": hang, "quick-check": lambda: "here"}
    try:
        results = [health.run_checks(checks) for _ in range(3)]
    finally:
        release.set()
    assert [result["hanging-check"].ok for result in results] == [False, False, False]
    assert [result["quick-check"].detail for result in results] == ["here", "here", "here"]
    assert len(started) == 1


def test_a_failing_check_tells_the_kind_of_error_only() -> None:
    def fail() -> str:
        raise ConnectionError("no route to postgres://ann:canary@db")

    result = health.run_checks({"failing-check": fail})["failing-check"]
    assert (result.ok, result.detail) == (False, "fails: ConnectionError")
