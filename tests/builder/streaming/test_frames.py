"""Frames and resuming: for any chunking and any cut, the text arrives exactly once."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.streaming.frames import delta_frame, delta_of, event_frame
from builder.streaming.hub import Entry
from builder.streaming.sse import RunRelay

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1)


def entries_of(parts: list[str]) -> list[Entry]:
    """The log of a run whose text came in these pieces, with a file event after each."""
    entries, offset = [], 0
    for part in parts:
        frame = delta_frame(offset=offset, text=part)
        offset += len(part)
        entries.append(Entry((offset, 0), frame))
        entries.append(Entry((offset, 1), event_frame("file", {"path": "a", "complete": True})))
    return entries


def texts_of(frames: list[bytes]) -> str:
    return "".join(delta_of(frame)[1] for frame in frames if b"event: delta" in frame)


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), offset=st.integers(0, 2**31)
)
def test_a_delta_says_where_it_begins_and_its_id_where_it_ends(text, offset):
    frame = delta_frame(offset=offset, text=text)
    lines = frame.decode().split("\n")
    assert lines[0] == f"id: {offset + len(text)}"
    assert lines[1] == "event: delta"
    assert orjson.loads(lines[2].removeprefix("data: ")) == {"offset": offset, "text": text}
    assert lines[3:] == ["", ""]


@settings(max_examples=300)
@given(parts=TEXTS, data=st.data())
def test_resuming_at_any_offset_gives_exactly_the_rest(parts, data):
    text = "".join(parts)
    after = data.draw(st.integers(0, len(text)))
    relay = RunRelay(run_id=None, after=after)  # type: ignore[arg-type]
    frames = relay.relay(entries_of(parts))
    assert texts_of(frames) == text[after:]
    assert relay.cursor == len(text)


@settings(max_examples=300)
@given(parts=TEXTS, data=st.data())
def test_entries_that_come_twice_or_overlap_are_not_doubled(parts, data):
    entries = entries_of(parts)
    split = data.draw(st.integers(0, len(entries)))
    again = data.draw(st.integers(0, split))
    relay = RunRelay(run_id=None, after=0)  # type: ignore[arg-type]
    frames = relay.relay(entries[:split]) + relay.relay(entries[again:])
    assert texts_of(frames) == "".join(parts)


def test_a_gap_stops_the_relay_until_the_text_is_there():
    entries = entries_of(["abc", "def", "ghi"])
    relay = RunRelay(run_id=None, after=0)  # type: ignore[arg-type]
    assert texts_of(relay.relay(entries[:1])) == "abc"
    assert relay.relay(entries[4:]) == []
    assert relay.gap
    assert relay.cursor == 3
