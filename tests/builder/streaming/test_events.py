"""The event stream of a run while it goes on, cut and resumed, with and without Redis."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from django.db import connections

from builder.models import Run, RunText
from builder.services import execution
from builder.streaming import sse
from builder.streaming.hub import Hub, hub
from builder.streaming.log import log_key

pytestmark = pytest.mark.django_db(transaction=True)

CUT_BYTES = 1024


class Reader:
    """A client: keeps the text and the last id, as a browser does."""

    def __init__(self) -> None:
        self.text = ""
        self.last_id = 0
        self.events: list[tuple[str, dict[str, Any]]] = []

    @property
    def done(self) -> bool:
        return any(name == "done" for name, _data in self.events)

    def feed(self, block: str) -> None:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "event" not in fields:
            return
        data = orjson.loads(fields["data"])
        self.events.append((fields["event"], data))
        if fields["event"] == "delta":
            assert data["offset"] == len(self.text), "text was lost or doubled"
            self.text += data["text"]
            self.last_id = int(fields["id"])
            assert self.last_id == len(self.text)


async def read(
    stream: AsyncIterator[bytes], reader: Reader, *, cut_after: int | None = None
) -> None:
    """Read whole events until `done`, or drop the connection after so many bytes."""
    received, pending = 0, b""
    async for chunk in stream:
        received += len(chunk)
        pending += chunk
        *blocks, pending = pending.split(b"\n\n")
        for block in blocks:
            reader.feed(block.decode())
        if cut_after is not None and received >= cut_after:
            await stream.aclose()  # type: ignore[attr-defined]
            return


@pytest.fixture
def in_loop():
    """Runs a coroutine in a loop of its own, with its hub closed after it."""

    def run(coroutine):
        async def wrapped():
            try:
                return await coroutine
            finally:
                await hub().close()

        return asyncio.run(wrapped())

    return run


def in_background(run: Run) -> threading.Thread:
    def work():
        try:
            execution.run_execute(run.pk)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def stored_text(run: Run) -> str:
    return RunText.objects.get(pk=run.pk).text


def test_a_run_that_is_cut_at_every_kilobyte_and_resumed_arrives_whole(start, ai, in_loop):
    ai.rule({"chunk_chars": 60, "chunks_per_second": 400})
    run, reader, connects = start(), Reader(), 0
    worker = in_background(run)

    async def follow():
        nonlocal connects
        while not reader.done:
            connects += 1
            await read(sse.run_events(run.pk, after=reader.last_id), reader, cut_after=CUT_BYTES)

    in_loop(asyncio.wait_for(follow(), 60))
    worker.join()
    assert reader.text == stored_text(run) != ""
    assert connects > len(reader.text) // (4 * CUT_BYTES)


def test_twenty_browsers_see_the_same_bytes(start, ai, in_loop):
    ai.rule({"chunk_chars": 40, "chunks_per_second": 400})
    run, readers = start(), [Reader() for _ in range(20)]
    worker = in_background(run)

    async def follow_all():
        await asyncio.gather(*(read(sse.run_events(run.pk, after=0), reader) for reader in readers))

    in_loop(asyncio.wait_for(follow_all(), 60))
    worker.join()
    assert {reader.text for reader in readers} == {stored_text(run)}
    assert all(reader.done for reader in readers)


def test_a_finished_run_is_replayed_whole_with_files_receipt_and_end(finish, in_loop):
    run, reader = finish(), Reader()
    in_loop(read(sse.run_events(run.pk, after=0), reader))
    assert reader.text == stored_text(run)
    names = [name for name, _data in reader.events]
    assert names.count("done") == 1
    assert names[-1] == "done"
    assert ("file", {"path": "index.html", "complete": True}) in reader.events
    receipt = dict(reader.events)["receipt"]
    assert receipt["charged"] == run.charged
    assert dict(reader.events)["done"]["version"] == 1


def test_losing_redis_after_the_end_loses_nothing(finish, in_loop, store):
    run, reader = finish(), Reader()
    store.delete(log_key(run.pk))
    in_loop(read(sse.run_events(run.pk, after=0), reader))
    assert reader.text == stored_text(run)
    assert reader.done


def test_redis_losing_the_log_in_the_middle_loses_nothing(start, ai, in_loop, store):
    ai.rule({"chunk_chars": 20, "chunks_per_second": 30})
    run, reader = start(), Reader()
    worker = in_background(run)

    async def follow():
        lost = False
        stream = sse.run_events(run.pk, after=0)
        async for chunk in stream:
            for block in chunk.decode().split("\n\n"):
                reader.feed(block)
            if not lost and len(reader.text) > 100:
                store.delete(log_key(run.pk))
                lost = True
        assert lost

    in_loop(asyncio.wait_for(follow(), 60))
    worker.join()
    assert reader.text == stored_text(run)
    assert reader.done


def test_without_redis_the_database_tells_the_story(start, ai, in_loop, monkeypatch):
    ai.rule({"chunk_chars": 20, "chunks_per_second": 60})
    monkeypatch.setattr(sse, "hub", lambda: _hub_without_redis())
    monkeypatch.setattr(sse, "RECHECK_SECONDS", 0.2)
    run, reader = start(), Reader()
    worker = in_background(run)

    async def follow():
        await read(sse.run_events(run.pk, after=0), reader)

    asyncio.run(asyncio.wait_for(follow(), 60))
    worker.join()
    assert reader.text == stored_text(run)
    assert reader.done


def test_a_farewell_ends_the_stream_before_the_run(start, in_loop, monkeypatch):
    run, frames = start(), []
    monkeypatch.setattr(sse, "_closing", True)

    async def follow():
        async for chunk in sse.run_events(run.pk, after=0):
            frames.append(chunk)

    in_loop(asyncio.wait_for(follow(), 30))
    assert frames[-1].endswith(b"event: farewell\nretry: 500\ndata: {}\n\n")
    assert b"event: done" not in b"".join(frames)


def test_a_silent_stream_has_a_heartbeat(start, in_loop, monkeypatch):
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.0)
    run = start()

    async def first_heartbeat():
        return [chunk async for chunk in _until(sse.run_events(run.pk, after=0), b": ping\n\n")][-1]

    assert in_loop(asyncio.wait_for(first_heartbeat(), 30)) == b": ping\n\n"


async def _until(stream: AsyncIterator[bytes], last: bytes) -> AsyncIterator[bytes]:
    async for chunk in stream:
        yield chunk
        if chunk == last:
            return


_lonely: dict[int, Hub] = {}


def _hub_without_redis() -> Hub:
    loop = id(asyncio.get_running_loop())
    if loop not in _lonely:
        _lonely[loop] = Hub("redis://127.0.0.1:1/0")
    return _lonely[loop]
