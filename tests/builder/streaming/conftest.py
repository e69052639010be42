from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis

from builder.streaming.log import LogWriter, log_key


@pytest.fixture
def run_id():
    return uuid4()


@pytest.fixture
def store(settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture
def writer(settings) -> LogWriter:
    return LogWriter(settings.REDIS_URL)


@pytest.fixture
def log_of(store):
    """The log of a run as (entry id, frame) pairs of text."""

    def read(run_id) -> list[tuple[str, str]]:
        return [
            (entry_id.decode(), fields[b"f"].decode())
            for entry_id, fields in store.xrange(log_key(run_id))
        ]

    return read
