"""Readers of a run while Redis or the database fails under them."""

import asyncio
import socket
import threading
from uuid import uuid4

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from builder.models import Run, RunText
from builder.selectors.runs import run_snapshot
from builder.services import execution
from builder.services.runs import run_cancel
from builder.streaming import hub as hub_module
from builder.streaming import sse
from builder.streaming.hub import Entry, Hub
from builder.streaming.log import log_key, publish_end
from tests.builder.streaming.test_events import Reader, in_loop, read  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_end_published_into_an_empty_log_does_not_hide_the_text(start, in_loop, store):  # noqa: F811
    run, reader = start(), Reader()
    execution.run_claim(run.pk)
    RunText.objects.create(run=run, text="index.html\n你好")
    Run.objects.filter(pk=run.pk).update(state="failed", charged=0, finished_at=timezone.now())
    publish_end(run.pk, [("done", {"state": "failed"})])
    in_loop(asyncio.wait_for(read(sse.run_events(run.pk, after=0), reader), 20))
    assert reader.text == "index.html\n你好"
    assert reader.done


def test_an_end_whose_text_redis_lost_is_told_after_the_text(finish, in_loop, store):  # noqa: F811
    run, reader = finish(), Reader()
    key = log_key(run.pk)
    text_ids = [entry_id for entry_id, _ in store.xrange(key) if entry_id.endswith(b"-0")]
    store.xdel(key, *text_ids)
    in_loop(asyncio.wait_for(read(sse.run_events(run.pk, after=0), reader), 20))
    assert reader.text == run.text.text != ""


def test_a_database_that_is_away_does_not_cut_the_stream(finish, in_loop, monkeypatch):  # noqa: F811
    run, reader, failures = finish(), Reader(), iter([True, True])
    snapshot = run_snapshot
    monkeypatch.setattr(sse, "RECHECK_SECONDS", 0.1)

    def away_at_first(run_id, *, after):
        if next(failures, False):
            raise OperationalError("the server closed the connection")
        return snapshot(run_id, after=after)

    monkeypatch.setattr(sse, "run_snapshot", away_at_first)

    async def without_redis():
        await hub_module.hub()._commands.delete(log_key(run.pk))
        await asyncio.wait_for(read(sse.run_events(run.pk, after=0), reader), 30)

    in_loop(without_redis())
    assert reader.text == run.text.text
    assert reader.done


def test_a_run_that_is_deleted_while_watched_ends_the_stream(in_loop):  # noqa: F811
    async def follow():
        return [chunk async for chunk in sse.run_events(uuid4(), after=0)]

    assert in_loop(asyncio.wait_for(follow(), 20)) == [b"retry: 1000\n\n"]


def test_a_browser_that_leaves_while_it_subscribes_leaves_nothing_behind(start, monkeypatch):
    run = start()

    async def subscribe_and_leave():
        hub, asked = hub_module.hub(), asyncio.Event()

        async def never(_subscription, _after):
            asked.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(hub, "entries_after", never)
        task = asyncio.create_task(read(sse.run_events(run.pk, after=0), Reader()))
        await asked.wait()
        assert len(hub._subscriptions) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        left = dict(hub._subscriptions)
        await hub.close()
        return left

    assert asyncio.run(subscribe_and_leave()) == {}


def test_a_redis_that_falls_silent_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(hub_module, "READ_TIMEOUT_SECONDS", 0.3)
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            while True:
                try:
                    connections.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()

        async def until_it_reconnects():
            hub = Hub(f"redis://127.0.0.1:{server.getsockname()[1]}/0")
            hub._cursors[b"log"] = b"0-0"
            task = asyncio.create_task(hub._read())
            for _ in range(200):
                if len(connections) >= 2:
                    break
                await asyncio.sleep(0.05)
            task.cancel()
            hub._tasks = [task]
            await hub.close()

        asyncio.run(until_it_reconnects())
    assert len(connections) >= 2


def test_an_event_that_stands_behind_missing_text_waits_for_it():
    relay = sse.RunRelay(uuid4(), 0)
    assert relay.relay([Entry((40, 1), b'event: done\ndata: {"state":"failed"}\n\n')]) == []
    assert (relay.gap, relay.done) == (True, False)


def test_a_queued_run_that_is_stopped_ends_its_stream(start, in_loop, alice):  # noqa: F811
    run, reader = start(), Reader()

    async def stop_while_watching():
        following = asyncio.create_task(read(sse.run_events(run.pk, after=0), reader))
        while not reader.events:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(_cancel, alice, run.pk)
        await asyncio.wait_for(following, 20)

    in_loop(stop_while_watching())
    assert reader.done
    assert dict(reader.events)["done"]["state"] == "cancelled"


def _cancel(user, run_id):
    try:
        run_cancel(user=user, run_id=run_id)
    finally:
        connections.close_all()
