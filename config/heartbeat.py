"""A worker's sign of life: written to Redis by its consumer, read by `/readyz`.

It comes from the consumer's own timer, not from a thread: a worker whose consumer hangs falls
silent although its process lives.
"""

from __future__ import annotations

import logging
import time
from functools import cache
from typing import Any

import redis
from celery import bootsteps
from django.conf import settings

HEARTBEAT_SECONDS = 5
HEARTBEAT_TTL_SECONDS = 30
WORKER_KEY = "sitewright:worker:{node_name}"
QUEUE_KEY = "sitewright:queue:{queue}"
QUEUES = ("runs", "short")

logger = logging.getLogger(__name__)


@cache
def heartbeat_redis() -> redis.Redis:
    """A client that gives up within two seconds, for heartbeats and health checks."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=None
    )


class Heartbeat(bootsteps.StartStopStep):
    """Runs while the consumer does: stops with a lost broker, starts again with its return."""

    requires = {"celery.worker.consumer.tasks:Tasks"}

    def __init__(self, consumer: Any, **_options: Any) -> None:
        self._entry: Any = None

    def start(self, consumer: Any) -> None:
        beat(consumer.hostname, list(consumer.app.amqp.queues.consume_from))
        self._entry = consumer.timer.call_repeatedly(
            HEARTBEAT_SECONDS,
            beat,
            (consumer.hostname, list(consumer.app.amqp.queues.consume_from)),
        )

    def stop(self, consumer: Any) -> None:
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None


def beat(node_name: str, queues: list[str]) -> None:
    """Writes the signs of life of one worker and of each queue that it takes tasks from."""
    try:
        pipeline = heartbeat_redis().pipeline(transaction=False)
        now = f"{time.time():.3f}"
        for key in (
            WORKER_KEY.format(node_name=node_name),
            *(QUEUE_KEY.format(queue=queue) for queue in queues),
        ):
            pipeline.set(key, now, ex=HEARTBEAT_TTL_SECONDS)
        pipeline.execute()
    except redis.RedisError as error:
        logger.warning("worker heartbeat not written: %s", type(error).__name__)


def seconds_since_heartbeat(queue: str) -> float | None:
    """Age of the last sign of life from a worker on this queue; None when there is none."""
    value = heartbeat_redis().get(QUEUE_KEY.format(queue=queue))
    return max(0.0, time.time() - float(value)) if isinstance(value, bytes) else None
