"""The load client: many event streams over raw sockets, so that the client itself is cheap."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson


@dataclass(slots=True)
class Stream:
    """What one stream saw. Times are seconds of the monotonic clock; 0.0 is never."""

    sent: float = 0.0
    # When the events were asked for: for a chat the same request, for a run of ours a second one.
    events_sent: float = 0.0
    arrivals: list[tuple[float, str]] = field(default_factory=list)
    characters: int = 0
    finished: bool = False
    error: str = ""

    def text(self, text: str) -> None:
        self.arrivals.append((time.monotonic(), text))
        self.characters += len(text)

    @property
    def first_after_request(self) -> float | None:
        """Seconds from the first request to the first text."""
        return self.arrivals[0][0] - self.sent if self.arrivals else None

    @property
    def first_after_events(self) -> float | None:
        """Seconds from asking for the events to the first text."""
        return self.arrivals[0][0] - self.events_sent if self.arrivals else None

    def delays(self, *, chunk_characters: int, stamp_characters: int) -> list[tuple[float, float]]:
        """Of each chunk: when it arrived, and the seconds since the upstream wrote it.

        A chunk that begins with a moment in hex (the emulator's `stamp`) was written then.
        """
        found, pending = [], ""
        for at, text in self.arrivals:
            pending += text
            whole = len(pending) - len(pending) % chunk_characters
            for start in range(0, whole, chunk_characters):
                try:
                    written = int(pending[start : start + stamp_characters], 16) / 1e6
                except ValueError:
                    continue
                found.append((at, at - written))
            pending = pending[whole:]
        return found


async def _request(
    url: str, *, method: str, headers: dict[str, str], body: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**22)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    return reader, writer


async def post_json(url: str, headers: dict[str, str], body: object) -> tuple[int, Any]:
    """A whole answer: status and JSON body."""
    reader, writer = await _request(url, method="POST", headers=headers, body=orjson.dumps(body))
    raw = await reader.read()
    writer.close()
    head, _, rest = raw.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if b"transfer-encoding: chunked" in head.lower():
        rest = b"".join(_chunks(rest))
    return status, orjson.loads(rest) if rest.strip() else {}


def _chunks(body: bytes) -> list[bytes]:
    pieces = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size or b"0", 16)
        if not length:
            break
        pieces.append(body[:length])
        body = body[length + 2 :]
    return pieces


async def follow_chat(stream: Stream, url: str, headers: dict[str, str], body: object) -> None:
    """An OpenAI-style chat stream to its `[DONE]`, told to `stream` as it comes."""
    stream.sent = stream.events_sent = time.monotonic()
    try:
        reader, writer = await _request(
            url, method="POST", headers=headers, body=orjson.dumps(body)
        )
        try:
            while line := await reader.readline():
                if line.startswith(b"data: [DONE]"):
                    stream.finished = True
                    break
                if line.startswith(b"data: {"):
                    choices = orjson.loads(line[6:]).get("choices") or [{}]
                    if text := (choices[0].get("delta") or {}).get("content"):
                        stream.text(text)
        finally:
            writer.close()
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        stream.error = repr(error)


async def follow_run(
    stream: Stream, base: str, start_url: str, headers: dict[str, str], body: object
) -> None:
    """Start a run of ours and follow its events to `done`, told to `stream` as they come."""
    stream.sent = time.monotonic()
    try:
        status, answer = await post_json(base + start_url, headers, body)
        if status != 202:
            stream.error = f"{status} {answer}"
            return
        stream.events_sent = time.monotonic()
        reader, writer = await _request(
            base + answer["run"]["eventsUrl"], method="GET", headers=headers, body=b""
        )
        try:
            await _events(stream, reader)
        finally:
            writer.close()
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        stream.error = repr(error)


async def _events(stream: Stream, reader: asyncio.StreamReader) -> None:
    event = b""
    while line := await reader.readline():
        if line.startswith(b"event: "):
            event = line[7:].strip()
        elif line.startswith(b"data: ") and event == b"delta":
            stream.text(orjson.loads(line[6:])["text"])
        elif line.startswith(b"data: ") and event == b"done":
            done = orjson.loads(line[6:])
            stream.finished = done["state"] == "succeeded"
            stream.error = "" if stream.finished else str(done["error"])
            return
