"""The event stream of a run over real HTTP, cut anywhere and resumed: no byte lost or doubled."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.stack import ApiUser, Stack
from tests.stack_e2e.driving import (
    Events,
    follow,
    give_tokens,
    open_events,
    start_run,
    stored_texts,
    wait_for_state,
)

CUT_BYTES = 1024
SLOWLY = "[emulate: chunk_chars=40 chunks_per_second=80]"
# A request in two scripts: an offset counts code points, not bytes and not UTF-16 units.
PROMPT = "A tea house called 山海茶馆 🍵 with opening hours"


@pytest.fixture(scope="module")
def person(stack: Stack) -> ApiUser:
    one = stack.sign_up()
    give_tokens(stack, [one])
    return one


@pytest.fixture(scope="module")
def finished(stack: Stack, person: ApiUser) -> tuple[dict[str, Any], str]:
    """A run that has ended, and its stored text."""
    run = start_run(person, PROMPT, model="qwen-turbo")
    wait_for_state(person, run, "succeeded")
    return run, stored_texts(stack, [run])[run["id"]]


def read_up_to(person: ApiUser, run: dict[str, Any], events: Events, size: int, **how: Any) -> int:
    """One connection, dropped after `size` bytes; how many there were."""
    with open_events(person, run, **how) as answer:
        assert answer.status_code == 200, answer.text
        data = bytes(answer.raw.read(size))
    events.feed(data)
    events.cut()
    return len(data)


def test_a_live_stream_cut_at_every_kilobyte_is_the_stored_text(stack: Stack, person: ApiUser):
    run = start_run(person, f"{PROMPT} {SLOWLY}", model="qwen-turbo")
    events, cuts = Events(), 0
    while events.done is None:
        size = CUT_BYTES
        offset = events.offset
        # A frame that is larger than a kilobyte needs a longer piece to get across at all.
        while events.offset == offset and events.done is None:
            resume: dict[str, Any] = (
                {"last_event_id": events.offset}
                if cuts % 2
                else {"query": f"?after={events.offset}"}
            )
            read_up_to(person, run, events, size, **resume)
            size *= 2
            cuts += 1
    assert cuts >= 8
    assert events.done["state"] == "succeeded"
    assert events.text == stored_texts(stack, [run])[run["id"]]


def test_a_whole_stream_cut_after_each_kilobyte_resumes_to_the_stored_text(
    person: ApiUser, finished: tuple[dict[str, Any], str]
):
    run, stored = finished
    whole = Events()
    total = read_up_to(person, run, whole, 10_000_000)
    assert whole.text == stored
    assert total > 8 * CUT_BYTES
    for size in range(CUT_BYTES, total + CUT_BYTES, CUT_BYTES):
        events = Events()
        read_up_to(person, run, events, size)
        if events.done is None:
            read_up_to(person, run, events, 10_000_000, last_event_id=events.offset)
        assert events.text == stored
        assert events.done is not None


@pytest.mark.parametrize("by", ["Last-Event-ID", "after"])
def test_every_kilobyte_of_the_text_can_be_the_place_to_resume(
    person: ApiUser, finished: tuple[dict[str, Any], str], by: str
):
    run, stored = finished
    for offset in [*range(0, len(stored), CUT_BYTES), len(stored) - 1, len(stored)]:
        events = Events(text=stored[:offset], offset=offset)
        how: dict[str, Any] = (
            {"last_event_id": offset} if by == "Last-Event-ID" else {"query": f"?after={offset}"}
        )
        read_up_to(person, run, events, 10_000_000, **how)
        assert events.text == stored
        assert events.done is not None
        assert events.done["state"] == "succeeded"


def test_a_second_client_that_joins_late_gets_the_same(stack: Stack, person: ApiUser):
    run = start_run(person, f"{PROMPT} {SLOWLY}", model="qwen-turbo")
    first = Events()
    read_up_to(person, run, first, 4 * CUT_BYTES)
    assert first.done is None, "the late client must join while the run goes on"
    late = follow(person, run)
    follow(person, run, first)
    assert late.text == first.text == stored_texts(stack, [run])[run["id"]]
    assert late.done == first.done
    assert late.receipt == first.receipt


@pytest.mark.parametrize("wrong", ["-1", "x", "1.5", "99999999999999999999999", "0x10", "１"])
def test_an_offset_that_is_none_is_refused(
    person: ApiUser, finished: tuple[dict[str, Any], str], wrong: str
):
    url = finished[0]["eventsUrl"]
    for answer in (
        person.get(url, params={"after": wrong}),
        person.get(url, headers={"Last-Event-ID": wrong.encode()}),
    ):
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_nobody_else_gets_the_stream(stack: Stack, finished: tuple[dict[str, Any], str]):
    url = finished[0]["eventsUrl"]
    stranger = stack.sign_up()
    assert stranger.get(url).status_code == 404
    assert requests.get(stack.base_url + url, timeout=30).status_code == 401
    broken = {"Authorization": "Bearer none"}
    assert requests.get(stack.base_url + url, headers=broken, timeout=30).status_code == 401
