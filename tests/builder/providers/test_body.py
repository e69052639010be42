"""Reading what has arrived: the chunked coding, its limits, and how often a stream is read."""

from __future__ import annotations

import threading
import time
from http.client import IncompleteRead

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.providers import body as reading
from builder.providers.body import Dechunker
from builder.providers.types import TextDelta
from tests.builder.providers.calls import events_until_failure, open_stream, text_of
from tests.builder.providers.conftest import Serve
from tests.builder.providers.wire import HEAD, LAST_CHUNK, Dialect, chunk


def _coded(pieces: list[bytes], extension: bytes, trailer: bytes) -> bytes:
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(one), extension, one) for one in pieces if one)
    return chunks + b"0\r\n" + trailer + b"\r\n"


@given(
    pieces=st.lists(st.binary(max_size=40), max_size=8),
    cuts=st.lists(st.integers(1, 7), min_size=1),
    extension=st.sampled_from([b"", b";a=b", b" ;x"]),
    trailer=st.sampled_from([b"", b"X-Sum: 1\r\n"]),
)
def test_any_split_gives_the_content(
    pieces: list[bytes], cuts: list[int], extension: bytes, trailer: bytes
) -> None:
    coded = _coded(pieces, extension, trailer)
    chunks, content, at = Dechunker(), b"", 0
    while at < len(coded):
        assert not chunks.ended
        size = cuts[at % len(cuts)]
        content += chunks.feed(coded[at : at + size])
        at += size
    assert chunks.ended
    assert content == b"".join(pieces)


def test_what_follows_the_end_is_not_content() -> None:
    chunks = Dechunker()
    assert chunks.feed(b"2\r\nok\r\n0\r\n\r\n5\r\nextra") == b"ok"
    assert chunks.ended


@pytest.mark.parametrize(
    "coded",
    [
        *(size + b"\r\nx" for size in (b"", b"-5", b"0x5", b"1_0", b"5x", b"g", b"f" * 16)),
        b"2\r\nokay\r\n",
        b"2;" + b"a" * 70_000,
    ],
)
def test_what_is_no_chunk_is_a_broken_answer(coded: bytes) -> None:
    with pytest.raises(IncompleteRead):
        Dechunker().feed(coded)


def test_an_answer_whose_last_chunk_is_missing_is_cut(dialect: Dialect, serve: Serve) -> None:
    server = serve(HEAD, chunk(dialect.start() + dialect.delta("one")))
    seen, error = events_until_failure(dialect, server.url)
    assert (text_of(seen), error.code) == ("one", "cut")


def test_text_before_an_error_of_the_same_read_is_handed_out(
    dialect: Dialect, serve: Serve
) -> None:
    together = dialect.start() + dialect.delta("one") + dialect.error_event(500, "no")
    seen, error = events_until_failure(dialect, serve(HEAD, chunk(together)).url)
    assert (text_of(seen), error.code) == ("one", "server_error")


def test_a_trickle_is_read_in_handfuls_and_its_first_word_at_once(
    dialect: Dialect, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server sends five words at once after the first one was handed out."""
    monkeypatch.setattr(reading, "READ_EVERY_SECONDS", 0.3)
    go, words = threading.Event(), [chunk(dialect.delta(f"{n} ")) for n in range(5)]
    rest = dialect.finish(dialect.stop) + dialect.end()
    server = serve(
        HEAD, chunk(dialect.start() + dialect.delta("one ")), go, *words, chunk(rest), LAST_CHUNK
    )
    began, texts = time.monotonic(), []
    with open_stream(dialect, server.url) as stream:
        for event in stream:
            if isinstance(event, TextDelta):
                texts.append((event.text, time.monotonic() - began))
                go.set()
    assert [text for text, _at in texts] == ["one ", "0 1 2 3 4 "]
    assert texts[1][1] - texts[0][1] >= 0.25


class _Closed:
    """A file that ends after one read, over TLS that says there is more: its end."""

    def __init__(self) -> None:
        self.reads = [b"2\r\nok\r\n", b""]

    def read1(self, _size: int) -> bytes:
        return self.reads.pop(0) if self.reads else pytest.fail("read after the end")


class _Readable:
    def has_more(self) -> bool:
        return True


def test_the_end_of_a_connection_is_not_read_for_ever() -> None:
    body = reading.ArrivingBody.__new__(reading.ArrivingBody)
    body._file, body._switch = _Closed(), _Readable()  # type: ignore[assignment]
    assert body._arrived() == b"2\r\nok\r\n"
