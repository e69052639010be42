"""The parser of server-sent events."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.providers.sse import EventTooLong, ServerSentEvent, ServerSentEventParser

LINE_ENDS = [b"\n", b"\r\n", b"\r"]
values = st.text(
    st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=30
) | st.sampled_from(["你好，世界", "🙂", "", " x", ":", "\ufeff", "\x85\u2028\x0b"])


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[ServerSentEvent]]:
    """A stream and the events in it, written down side by side."""
    out = bytearray(b"\xef\xbb\xbf" if draw(st.booleans()) else b"")
    expected = []

    def write(text: str) -> None:
        # An empty line ended by LF right after a CR would be the second half of a CRLF.
        ends = LINE_ENDS[1:] if not text and out.endswith(b"\r") else LINE_ENDS
        out.extend(text.encode() + draw(st.sampled_from(ends)))

    for _ in range(draw(st.integers(0, 5))):
        name, data = "", []
        for kind in draw(st.lists(st.sampled_from("dddeciox"), max_size=6)):
            value = draw(values)
            gap = " " if value.startswith(" ") else draw(st.sampled_from(["", " "]))
            if kind == "d":
                write(f"data:{gap}{value}")
                data.append(value)
            elif kind == "e":
                write(f"event:{gap}{value}")
                name = value
            elif kind == "c":
                write(f":{value}")
            elif kind == "i":
                write("id: 7")
                write("retry: 10")
            elif kind == "o":
                write("data")
                data.append("")
            else:
                write("Data: no")
        write("")
        if data:
            expected.append(ServerSentEvent(name or "message", "\n".join(data).encode()))
    return bytes(out), expected


def events_of(parts: list[bytes]) -> list[ServerSentEvent]:
    parser = ServerSentEventParser()
    events = [event for part in parts for event in parser.feed(part)]
    last = parser.finish()
    return [*events, last] if last else events


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@settings(max_examples=3000, deadline=None)
@given(streams(), st.lists(st.integers(0, 100_000), max_size=40))
def test_any_split_gives_the_events_that_were_written(
    stream: tuple[bytes, list[ServerSentEvent]], cuts: list[int]
) -> None:
    data, expected = stream
    assert events_of(split(data, cuts)) == expected


@settings(max_examples=300, deadline=None)
@given(streams())
def test_one_byte_at_a_time_gives_the_events_that_were_written(
    stream: tuple[bytes, list[ServerSentEvent]],
) -> None:
    data, expected = stream
    assert events_of([data[i : i + 1] for i in range(len(data))]) == expected


@settings(max_examples=2000, deadline=None)
@given(
    st.lists(st.sampled_from([b"data", b":", b" ", b"\n", b"\r", b"\xef\xbb\xbf", b"x", b"\xff"])),
    st.lists(st.integers(0, 1000), max_size=20),
)
def test_any_bytes_give_the_same_events_however_they_are_split(
    pieces: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(pieces)
    assert events_of(split(data, cuts)) == events_of([data])


def test_an_event_is_handed_out_as_soon_as_its_blank_line_is_there() -> None:
    for end in (b"\n\n", b"\r\n\r\n", b"\r\r"):
        parser = ServerSentEventParser()
        assert list(parser.feed(b"data: a" + end)) == [ServerSentEvent("message", b"a")]


def test_a_crlf_cut_in_two_is_one_line_end() -> None:
    parts = [b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n", b"data: c\n\n"]
    assert [event.data for event in events_of(parts)] == [b"a\nb", b"c"]


def test_an_event_without_its_blank_line_is_left_to_finish() -> None:
    parser = ServerSentEventParser()
    assert list(parser.feed(b"event: x\ndata: [DO")) == []
    assert list(parser.feed(b"NE]")) == []
    assert parser.finish() == ServerSentEvent("x", b"[DONE]")
    assert parser.finish() is None


def test_a_line_of_a_megabyte_survives_any_split() -> None:
    text = ("字🙂x" * 150_000).encode()
    data = b"data: " + text + b"\r\n\r\n"
    rng = random.Random(4)
    cuts = [rng.randrange(len(data)) for _ in range(500)]
    assert events_of(split(data, cuts)) == [ServerSentEvent("message", text)]


def test_a_long_line_in_small_pieces_takes_linear_time() -> None:
    """Against itself: four times the length takes about 4 times as long, not 16 times."""

    def seconds(pieces: int) -> float:
        best = 1e9
        for _ in range(3):
            parser = ServerSentEventParser()
            start = time.process_time()
            for _ in range(pieces):
                list(parser.feed(b"x" * 64))
            best = min(best, time.process_time() - start)
        return best

    assert seconds(64_000) < 10 * seconds(16_000)


@pytest.mark.parametrize(
    "stream",
    [b"data: " + b"x" * 101, b"data: " + b"x" * 101 + b"\n\n", b"data: xxxxx\n" * 30, b":" * 102],
    ids=["unfinished line", "line", "lines of one event", "comment"],
)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_what_is_too_long_is_refused_after_the_events_before_it(stream: bytes, step: int) -> None:
    stream = b"data: first\n\n" + stream
    parser = ServerSentEventParser(max_event_bytes=100)
    seen = []

    def feed_all() -> None:
        for start in range(0, len(stream), step):
            for event in parser.feed(stream[start : start + step]):
                seen.append(event.data)

    with pytest.raises(EventTooLong):
        feed_all()
    assert seen == [b"first"]
