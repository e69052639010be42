"""Incremental parser for server-sent events, over bytes.

Rules: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
Only `event` and `data` are kept: providers send no ids worth resuming from. One departure:
an event that the end of the stream left without its blank line is handed out by `finish`,
because some providers close right after `data: [DONE]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"
DEFAULT_MAX_EVENT_BYTES = 8 * 1024 * 1024


class ServerSentEvent(NamedTuple):
    """One event: `name` is "message" where the stream names none; `data` is joined by LF."""

    name: str
    data: bytes


class EventTooLong(ValueError):
    """A line, or the data of one event, is longer than the parser was told to hold."""


class ServerSentEventParser:
    """Bytes in, events out, however the bytes are split.

    Linear in the length of the stream: a byte is held back at most once, until its line
    ends. Holds at most about twice `max_event_bytes`.
    """

    __slots__ = (
        "_at_start",
        "_data",
        "_data_bytes",
        "_max_event_bytes",
        "_name",
        "_skip_lf",
        "_tail",
    )

    def __init__(self, *, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._tail = bytearray()
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._name = ""
        self._skip_lf = False
        self._at_start = True

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events that `chunk` completes. Raises EventTooLong."""
        if self._skip_lf and chunk:
            # The last chunk ended in CR and its line was taken then, so as not to hold an
            # event back; the LF of a CRLF pair may still be coming.
            self._skip_lf = False
            if chunk[0] == 0x0A:
                chunk = chunk[1:]
        if b"\n" not in chunk and b"\r" not in chunk:
            self._hold(chunk)
            return
        if self._tail:
            self._tail += chunk
            chunk = bytes(self._tail)
            self._tail.clear()
        lines = chunk.splitlines()
        last = chunk[-1]
        if last == 0x0D:
            self._skip_lf = True
        rest = b"" if last in (0x0A, 0x0D) else lines.pop()
        for line in lines:
            if line:
                self._take(line)
            else:
                self._at_start = False
                if self._data:
                    yield self._dispatch()
                self._name = ""
        self._hold(rest)

    def finish(self) -> ServerSentEvent | None:
        """The event that the end of the stream left unterminated, if there is one."""
        if self._tail:
            self._take(bytes(self._tail))
            self._tail.clear()
        return self._dispatch() if self._data else None

    def _hold(self, part: bytes) -> None:
        self._tail += part
        if len(self._tail) > self._max_event_bytes:
            raise EventTooLong(f"a line of more than {self._max_event_bytes} bytes")

    def _take(self, line: bytes) -> None:
        if len(line) > self._max_event_bytes:
            raise EventTooLong(f"a line of more than {self._max_event_bytes} bytes")
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        field, _colon, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if field == b"data":
            self._data_bytes += len(value) + 1
            if self._data_bytes > self._max_event_bytes + 1:
                raise EventTooLong(f"an event of more than {self._max_event_bytes} bytes")
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")

    def _dispatch(self) -> ServerSentEvent:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data.clear()
        self._data_bytes = 0
        name, self._name = self._name or "message", ""
        return ServerSentEvent(name, data)
