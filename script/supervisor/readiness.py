"""Asks the app whether it is ready, and Redis whether each worker still consumes."""

from __future__ import annotations

import http.client
import json
import time

import redis

from script.supervisor.plan import Plan

HEARTBEAT_KEY = "sitewright:worker:{node_name}"
ASK_TIMEOUT_SECONDS = 5.0


def why_not_ready(plan: Plan) -> str:
    """Empty when `/readyz` is green and a page is served; else what is missing, in words."""
    try:
        status, body = _get(plan, "/readyz")
        if status != 200:
            return _red_checks(body) or f"/readyz answers {status}"
        status, _ = _get(plan, "/")
    except (OSError, http.client.HTTPException):
        return "web does not answer yet"
    return "" if status < 500 else f"/ answers {status}"


def _get(plan: Plan, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", plan.port, timeout=ASK_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": plan.host_header})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _red_checks(body: bytes) -> str:
    try:
        checks = json.loads(body)["checks"]
        red = [f"{name}: {check['detail']}" for name, check in checks.items() if not check["ok"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return "; ".join(red)


class WorkerWatch:
    """Tells which workers are alive as processes but have stopped consuming.

    A process check does not see a worker whose connection to Redis hangs; its heartbeat, which
    comes from its consumer, does.
    """

    def __init__(self, redis_url: str, *, silence_seconds: float = 90.0) -> None:
        self._client = redis.Redis.from_url(
            redis_url, socket_timeout=1, socket_connect_timeout=1, retry=None
        )
        self._silence_seconds = silence_seconds
        self._heard_at: dict[str, float] = {}

    def is_silent(self, node_name: str, *, started_at: float) -> bool:
        """True when Redis answers but the worker has not been heard for too long."""
        now = time.monotonic()
        try:
            heard = self._client.exists(HEARTBEAT_KEY.format(node_name=node_name))
        except redis.RedisError:
            # Redis away is nobody's silence: the clock starts anew when it is back.
            self._heard_at[node_name] = now
            return False
        if heard:
            self._heard_at[node_name] = now
        last = max(self._heard_at.get(node_name, started_at), started_at)
        return now - last > self._silence_seconds
