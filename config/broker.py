"""Celery's Redis transport, with one client per connection pool.

kombu makes a client for each message it takes, acknowledges or sends: half a millisecond of CPU,
most of it for the table of what to do with answers. A client is safe to share between threads.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    """As kombu's; its client lives as long as the pool it takes connections from."""

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        made: Any = super()._create_client
        if asynchronous:  # one connection of its own, for waiting
            return made(asynchronous=True)
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = made()
        return self._kept


class Transport(redis.Transport):
    Channel = Channel


def use_shared_clients() -> None:
    """For redis:// and rediss:// alike; by name, as what kombu knows of TLS hangs on that."""
    TRANSPORT_ALIASES.update(redis="config.broker:Transport", rediss="config.broker:Transport")
