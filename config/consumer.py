"""The worker's consumer, back soon after its broker is."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

RECONNECT_FIRST_SECONDS = 1
RECONNECT_MAX_SECONDS = 3


class PromptConsumer(Consumer):
    """Asks for a lost broker every few seconds, however long it has been away.

    kombu waits two seconds longer after every try, up to 30: after a longer outage that alone
    would use up the time in which queued runs must begin again.
    """

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(
            conn.ensure_connection,
            interval_start=RECONNECT_FIRST_SECONDS,
            interval_step=1,
            interval_max=RECONNECT_MAX_SECONDS,
        )
        return super().ensure_connected(conn)
