"""The body of an answer, as much of it at a time as has arrived.

A provider sends each word in a chunk of the transfer coding, dozens a second. http.client hands
them out one by one, which wakes a thread for each: most of what relaying them costs.
"""

from __future__ import annotations

import re
import time
from http.client import IncompleteRead
from typing import Any

import requests

from builder.providers.abort import AbortSwitch

READ_BYTES = 65536
#: A stream that trickles is read this often: nobody sees text change faster.
READ_EVERY_SECONDS = 0.03
#: Of TLS, whose records come one by one, at most so much at a time.
_MOST_BYTES = 4 * READ_BYTES
_LONGEST_LINE_BYTES = 65536
_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?", re.DOTALL)


class ArrivingBody:
    """Reads the body of one streamed response; `switch` is that of its connection."""

    def __init__(self, response: requests.Response, switch: AbortSwitch) -> None:
        self._raw = response.raw
        self._switch = switch
        self._encoded = "Content-Encoding" in response.headers
        # http.client's own response, whose file is the connection's.
        inner: Any = getattr(response.raw, "_original_response", None)
        plain = inner is not None and inner.chunked and not self._encoded
        self._file: Any = inner.fp if plain else None
        self._chunks = Dechunker()
        self._read_at = float("-inf")

    def read(self) -> bytes:
        """What has arrived since the last call, waiting for it if that is nothing; b"" at the end.

        Raises what http.client and urllib3 raise for a connection that breaks.
        """
        if self._file is None:
            part: bytes = self._raw.read1(READ_BYTES, decode_content=self._encoded)
            return part
        while not self._chunks.ended:
            time.sleep(max(0.0, self._read_at + READ_EVERY_SECONDS - time.monotonic()))
            arrived = self._arrived()
            self._read_at = time.monotonic()
            if content := self._chunks.feed(arrived):
                return content
        return b""

    def _arrived(self) -> bytes:
        arrived: bytes = self._file.read1(READ_BYTES)
        if not arrived:
            raise IncompleteRead(b"")
        while len(arrived) < _MOST_BYTES and self._switch.has_more():
            more = self._file.read1(READ_BYTES)
            if not more:
                break  # the end is there to read, too, for ever
            arrived += more
        return arrived


class Dechunker:
    """Undoes the chunked transfer coding, however its bytes are split.

    https://www.rfc-editor.org/rfc/rfc9112#section-7.1
    """

    def __init__(self) -> None:
        self.ended = False
        self._left = 0
        self._line = bytearray()
        self._take = self._size

    def feed(self, data: bytes) -> bytes:
        """The content in `data`. Raises IncompleteRead for what is no chunk."""
        content, at = [], 0
        while at < len(data) and not self.ended:
            if self._left:
                content.append(data[at : at + self._left])
                at += len(content[-1])
                self._left -= len(content[-1])
                continue
            end = data.find(b"\n", at)
            self._line += data[at:] if end < 0 else data[at:end]
            if len(self._line) > _LONGEST_LINE_BYTES:
                raise IncompleteRead(b"")
            if end < 0:
                break
            line, self._line = bytes(self._line).removesuffix(b"\r"), bytearray()
            self._take(line)
            at = end + 1
        return b"".join(content)

    def _size(self, line: bytes) -> None:
        size = _SIZE.fullmatch(line)
        if size is None:
            raise IncompleteRead(b"")
        self._left = int(size[1], 16)
        self._take = self._after_content if self._left else self._trailer

    def _after_content(self, line: bytes) -> None:
        if line:
            raise IncompleteRead(b"")
        self._take = self._size

    def _trailer(self, line: bytes) -> None:
        self.ended = not line
