"""The parser of server-sent events."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
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


@settings(max_examples=1_000, deadline=None)
@given(streams(), st.lists(st.integers(0, 100_000), max_size=40))
def test_any_split_gives_the_events_that_were_written(
    stream: tuple[bytes, list[ServerSentEvent]], cuts: list[int]
) -> None:
    data, expected = stream
    assert events_of(split(data, cuts)) == expected


VALUES = [
    "",
    " ",
    "x",
    "你好，世界",
    "🙂👩‍👩‍👧",
    ":",
    "data: x",
    "\ufeff",
    "\x85\u2028\x0b\x0c\x1c",
    '{"a": "é"}',
    "[DONE]",
    "\x00",
    "长" * 400,
    "e" * 2_000,
]


def written(program: bytes) -> tuple[bytes, list[ServerSentEvent]]:
    """A stream and the events in it. Each byte of `program` says what comes next: what kind of
    line, its value, its end."""
    out = bytearray(b"\xef\xbb\xbf" if program[:1] > b"\x80" else b"")
    expected: list[ServerSentEvent] = []
    name, data = "", []
    for step in program:
        kind, step = step % 6, step // 6
        end = LINE_ENDS[step % 3]
        value = VALUES[step // 3 % len(VALUES)]
        if kind < 2:
            gap = b" " if kind or value.startswith(" ") else b""
            out += b"data:" + gap + value.encode() + end
            data.append(value)
        elif kind == 2:
            out += b"event: " + value.encode() + end
            name = value
        elif kind == 3:
            out += b":" + value.encode() + end
        elif kind == 4:
            out += [b"id: 7", b"retry: 9", b"Data: no", b"data ", b"dat"][step % 5] + end
        else:
            # An empty line ended by LF right after a CR would be the second half of a CRLF.
            out += end if not (end == b"\n" and out.endswith(b"\r")) else b"\r\n"
            if data:
                expected.append(ServerSentEvent(name or "message", "\n".join(data).encode()))
            name, data = "", []
    if data:
        expected.append(ServerSentEvent(name or "message", "\n".join(data).encode()))
    return bytes(out), expected


@settings(max_examples=9_000, deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=40))
def test_thousands_of_streams_give_their_events_split_at_any_byte(
    program: bytes, cuts: bytes
) -> None:
    stream, expected = written(program)
    places = [int.from_bytes(cuts[at : at + 2]) for at in range(0, len(cuts), 2)]
    assert events_of(split(stream, places)) == expected
    assert events_of([stream]) == expected


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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(
    st.lists(st.sampled_from(["data", "comment", "short"]), min_size=1, max_size=3),
    st.sampled_from(["x", "é", "字", "🙂"]),
    st.sampled_from(LINE_ENDS),
    st.lists(st.integers(0, 4_000_000), max_size=200),
)
def test_lines_of_a_megabyte_are_whole_however_they_are_split(
    kinds: list[str], letter: str, end: bytes, cuts: list[int]
) -> None:
    long = letter * (1_048_576 // len(letter.encode()))
    lines = {"data": f"data: {long}", "comment": f":{long}", "short": "data: 短"}
    values = {"data": long, "short": "短"}
    stream = b"".join(lines[kind].encode() + end for kind in kinds) + end
    data = "\n".join(values[kind] for kind in kinds if kind in values).encode()
    expected = [ServerSentEvent("message", data)] if set(kinds) != {"comment"} else []
    assert events_of(split(stream, cuts)) == expected


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
